from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from galaxies import write_dataset
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QProgressDialog
from pytestqt.qtbot import QtBot

from app.session import label_commands
from app.session.session import Session


@pytest.fixture
def session(sky_session: Session) -> Session:
    return sky_session


def test_undo_gives_each_galaxy_its_own_old_label_back(session: Session) -> None:
    before = [session.dataset.label(row) for row in range(6)]
    label_commands.give(session, range(6), "merger")
    assert [session.dataset.label(row) for row in range(6)] == ["merger"] * 6
    session.undo.undo()
    assert [session.dataset.label(row) for row in range(6)] == before
    session.undo.redo()
    assert [session.dataset.label(row) for row in range(6)] == ["merger"] * 6


def test_a_label_that_is_there_already_leaves_no_trace(session: Session) -> None:
    label_commands.give(session, [0], session.dataset.label(0))
    assert session.undo.count() == 0
    assert session.dataset.journal is not None
    assert not session.dataset.journal.path.exists()


def test_every_step_back_is_on_disk_too(session: Session) -> None:
    before = session.dataset.label(0)
    label_commands.give(session, [0], "merger")
    session.undo.undo()
    assert session.dataset.journal is not None
    assert session.dataset.cutouts is not None
    assert session.dataset.journal.replay() == {(session.dataset.cutouts.ids[0], "shape"): before}
    assert len(session.dataset.journal.path.read_text().splitlines()) == 2


def test_the_undo_menu_says_what_would_be_undone(session: Session) -> None:
    label_commands.give(session, [0, 1], "merger")
    assert session.undo.undoText() == "label 2 galaxies “merger”"
    label_commands.give(session, [0], "")
    assert session.undo.undoText() == "take the label off 1 galaxy"


def test_another_dataset_cannot_be_reached_by_undo(session: Session, survey_dataset: Path) -> None:
    label_commands.give(session, [0], "merger")
    session.open_cutouts(survey_dataset)
    assert not session.undo.canUndo()


@pytest.fixture
def named(session: Session) -> Iterator[Session]:
    yield session
    session.dataset.labeller = ""


def test_votes_of_two_people_are_kept_apart_and_taken_back_one_by_one(named: Session) -> None:
    dataset = named.dataset
    before = dataset.label(0)
    dataset.labeller = "Ada"
    label_commands.give(named, [0], "merger")
    dataset.labeller = "Ben"
    label_commands.give(named, [0], "merger")  # a vote of his own, although the label is there already
    label_commands.give(named, [0], "disk")
    assert dataset.vote(0, "Ada") == "merger"
    assert dataset.vote(0, "Ben") == "disk"
    assert dataset.label(0) == "disk"
    dataset.labeller = "Ada"  # whoever sits there takes back what was done last
    named.undo.undo()
    named.undo.undo()
    assert dataset.vote(0, "Ben") is None
    assert dataset.label(0) == "merger"
    named.undo.undo()
    assert dataset.label(0) == before, "nobody has voted: the catalogue's label is there again"
    named.undo.redo()
    assert dataset.label(0) == "merger"


def test_the_majority_counts_where_that_was_chosen_and_is_there_after_opening_again(
    named: Session, survey_dataset: Path
) -> None:
    dataset = named.dataset
    for person, label in (("Ada", "merger"), ("Ben", "merger"), ("Cem", "disk")):
        dataset.labeller = person
        label_commands.give(named, [0, 1], label)
    assert [dataset.label(0), dataset.label(1)] == ["disk", "disk"]
    dataset.set_counting("majority")
    assert [dataset.label(0), dataset.label(1)] == ["merger", "merger"]
    assert dataset.label_texts is not None
    assert dataset.label_texts.count("merger") == 2
    named.open_cutouts(survey_dataset)
    assert dataset.votes.counting == "majority"
    assert dataset.label(0) == "merger"
    assert dataset.journal is not None
    assert len(dataset.journal.replay()) == 2


def test_labels_without_a_name_are_one_persons_votes(named: Session) -> None:
    dataset = named.dataset
    label_commands.give(named, [0], "merger")
    dataset.labeller = "Ben"
    label_commands.give(named, [0], "disk")
    assert dataset.cutouts is not None
    assert dataset.votes.several("shape") == {dataset.cutouts.ids[0]: {"": "merger", "Ben": "disk"}}


@pytest.fixture
def crowd(qapp: object, tmp_path: Path) -> Iterator[Session]:
    """So many galaxies that they are labelled in turns with the window."""
    shapes = np.where(np.arange(3500) % 3, "round", "edge-on")
    images = np.zeros((3500, 1, 2, 2), np.float32)
    opened = Session()
    opened.open_project(tmp_path / "crowd")
    opened.open_cutouts(write_dataset(tmp_path / "crowd.h5", images, {"shape": shapes}, ["shape"], "r"))
    yield opened
    opened.close()


def test_many_galaxies_are_labelled_and_undone_while_the_window_lives(qtbot: QtBot, crowd: Session) -> None:
    before, turns = crowd.dataset.columns["shape"].tolist(), QTimer()
    seen: list[bool] = []
    turns.timeout.connect(lambda: seen.append(crowd.is_changing))
    turns.start(0)
    label_commands.give(crowd, range(3500), "round")
    assert set(crowd.dataset.columns["shape"]) == {"round"}
    assert crowd.undo.undoText() == f"label {before.count('edge-on'):,} galaxies “round”"
    label_commands.give(crowd, range(3500), "merger")
    assert set(crowd.dataset.columns["shape"]) == {"merger"}
    crowd.undo.undo()
    crowd.undo.undo()
    turns.stop()
    assert any(seen)
    assert crowd.dataset.columns["shape"].tolist() == before
    assert crowd.dataset.journal is not None
    assert crowd.dataset.cutouts is not None
    now = crowd.dataset.journal.replay()
    assert [now.get((name, "shape"), before[row]) for row, name in enumerate(crowd.dataset.cutouts.ids)] == before


def test_a_labelling_that_is_stopped_can_be_undone_as_far_as_it_went(qtbot: QtBot, crowd: Session) -> None:
    before = crowd.dataset.columns["shape"].tolist()

    def stop(_rows: object) -> None:
        for dialog in QApplication.topLevelWidgets():
            if isinstance(dialog, QProgressDialog):
                dialog.cancel()

    crowd.dataset.labels_changed.connect(stop)
    label_commands.give(crowd, range(3500), "merger")
    crowd.dataset.labels_changed.disconnect(stop)
    given = crowd.dataset.columns["shape"].tolist().count("merger")
    assert 0 < given < 3500
    assert crowd.undo.undoText() == f"label {given:,} galaxies “merger”"
    crowd.undo.undo()
    assert crowd.dataset.columns["shape"].tolist() == before

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.session import label_commands
from app.session.session import Session


@pytest.fixture
def session(qapp: object, survey_dataset: Path, tmp_path: Path) -> Iterator[Session]:
    opened = Session()
    opened.open_project(tmp_path / "project")
    opened.open_cutouts(survey_dataset)
    yield opened
    opened.close()


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

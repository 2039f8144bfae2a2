"""Proposed galaxies, one after the other: keys, going back, undo, training meanwhile, and several people."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from galaxies import write_dataset
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from app.adapt.suggestions import SuggestionsPanel
from app.adapt.widgets import gain_plot
from app.jobs.job import Job
from app.session.session import Session
from core.data.cutouts import Cutouts
from core.events import Progress, Work

WAIT = 60_000


@pytest.fixture
def nameless() -> Iterator[None]:
    QSettings().remove("labels/person")
    yield
    QSettings().remove("labels/person")


@pytest.fixture
def unlabelled(galaxies: Path, session_with_run: Session, tmp_path: Path, nameless: None) -> Session:
    """The session with a run, and another survey open, of which only a few galaxies are labelled."""
    project = session_with_run.project
    assert project is not None
    path = project.dataset_path("new survey")
    path.parent.mkdir(exist_ok=True)
    with Cutouts.open(galaxies) as cutouts:
        shape = np.where(np.arange(120) < 24, cutouts.columns["shape"], "")
        ids = [f"N{row:04d}" for row in range(120)]
        write_dataset(path, cutouts.images[:], {"shape": shape}, ["shape"], "r", ids=ids)
    session_with_run.open_cutouts(path)
    session_with_run.draft.edit("optimiser", session_with_run.draft.settings.optimiser.model_copy(update={"epochs": 2}))
    return session_with_run


@pytest.fixture
def panel(qtbot: QtBot, unlabelled: Session) -> SuggestionsPanel:
    opened = SuggestionsPanel(unlabelled)
    qtbot.addWidget(opened)
    opened.resize(1200, 700)
    with qtbot.waitExposed(opened):
        opened.show()
    opened.every.setValue(0)
    return opened


def ask(qtbot: QtBot, panel: SuggestionsPanel) -> None:
    with qtbot.waitSignal(panel.work.finished, timeout=WAIT):
        panel.suggest.click()


def test_galaxies_are_labelled_by_key_one_after_the_other(
    qtbot: QtBot, panel: SuggestionsPanel, unlabelled: Session
) -> None:
    ask(qtbot, panel)
    assert "training galaxies labelled" in panel.rule.text()
    assert panel.pad.names == ("edge-on", "round")
    first = unlabelled.current
    assert unlabelled.dataset.label(first) == ""
    assert "similar galax" in panel.why.text()
    assert "1 of " in panel.name.text()
    qtbot.keyClick(panel.view, Qt.Key.Key_2)
    assert unlabelled.dataset.label(first) == "round"
    assert "2 of " in panel.name.text()
    assert unlabelled.current != first
    qtbot.keyClick(panel.view, Qt.Key.Key_Right)
    assert "3 of " in panel.name.text()
    qtbot.keyClick(panel.view, Qt.Key.Key_Left)
    qtbot.keyClick(panel.view, Qt.Key.Key_Left)
    assert unlabelled.current == first
    assert panel.pad.buttons[1].isChecked()
    unlabelled.undo.undo()
    assert unlabelled.dataset.label(first) == ""
    assert not panel.pad.buttons[1].isChecked()
    assert unlabelled.current == first


def test_a_field_keeps_the_keys_that_are_typed_in_it(
    qtbot: QtBot, panel: SuggestionsPanel, unlabelled: Session
) -> None:
    ask(qtbot, panel)
    row = unlabelled.current
    panel.people.name.setFocus()
    qtbot.keyClicks(panel.people.name, "R2")
    assert unlabelled.dataset.label(row) == ""
    assert panel.people.name.text() == "R2"


def test_after_so_many_labels_it_trains_and_the_score_is_drawn(
    qtbot: QtBot, panel: SuggestionsPanel, unlabelled: Session
) -> None:
    ask(qtbot, panel)
    panel.every.setValue(3)
    before = unlabelled.dataset.split
    assert before is not None
    labelled = f"{len(before.train)} labels for training, {len(before.validation)} for validation."
    assert panel.training.text() == f"{labelled} 0 of 3 new ones until the next training."
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_1):
        qtbot.keyClick(panel.view, key)
    with qtbot.waitSignal(panel.retraining.trained, timeout=WAIT):
        pass
    qtbot.waitUntil(lambda: len(panel.plot.points) == 1, timeout=WAIT)
    split = unlabelled.dataset.split
    assert split is not None
    assert panel.plot.points[0].labels == len(split.train)
    assert "galaxies of the validation part" in panel.plot.legend.text()
    assert not panel.plot.random
    assert unlabelled.run is not None
    assert "labels, suggested" in unlabelled.run.title
    assert unlabelled.carried.path == unlabelled.run.best
    qtbot.waitUntil(lambda: not panel.work.is_running, timeout=WAIT)


@pytest.mark.slow
def test_labels_given_during_another_training_are_learned_from_after_it(
    qtbot: QtBot, panel: SuggestionsPanel, unlabelled: Session
) -> None:
    ask(qtbot, panel)
    panel.every.setValue(2)
    over = threading.Event()

    def other(stop: threading.Event) -> Work[None]:
        while not over.is_set():
            yield Progress(0, None)
            stop.wait(0.01)

    assert unlabelled.project is not None
    unlabelled.activity.begin_training(Job("Training", other), unlabelled.project.new_run("other"))
    qtbot.keyClick(panel.view, Qt.Key.Key_1)
    qtbot.keyClick(panel.view, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: panel.training.text() == "Waits: a training runs.", timeout=WAIT)
    with qtbot.waitSignal(panel.retraining.trained, timeout=WAIT):
        over.set()
    qtbot.waitUntil(lambda: not panel.work.is_running, timeout=WAIT)


def test_votes_of_several_people_are_kept_apart_and_conflicts_are_listed(
    qtbot: QtBot, panel: SuggestionsPanel, unlabelled: Session
) -> None:
    ask(qtbot, panel)
    rows = []
    for person, key in (("Ada", Qt.Key.Key_1), ("Ben", Qt.Key.Key_2), ("Cem", Qt.Key.Key_1)):
        panel.people.name.setText(person)
        panel.people.name.editingFinished.emit()
        rows.append(unlabelled.current)
        qtbot.keyClick(panel.view, key)
        panel.back.click()
    row = rows[0]
    assert rows == [row] * 3
    assert unlabelled.dataset.label(row) == "edge-on"
    qtbot.waitUntil(lambda: panel.people.conflicts.count() == 1, timeout=WAIT)
    assert "Ben: round" in panel.people.conflicts.item(0).text()
    qtbot.waitUntil(lambda: "1 conflict" in panel.people.agreement.text(), timeout=WAIT)
    panel.people.counting.setCurrentIndex(1)
    panel.people.counting.activated.emit(1)
    assert unlabelled.dataset.votes.counting == "majority"
    unlabelled.undo.undo()
    assert unlabelled.dataset.label(row) == "round", "of a tie the latest counts"
    unlabelled.undo.undo()
    assert unlabelled.dataset.label(row) == "edge-on"
    unlabelled.undo.undo()
    assert unlabelled.dataset.label(row) == ""
    panel.skip.click()
    assert unlabelled.current != row


def test_numbers_along_the_axis_do_not_touch() -> None:
    assert gain_plot._apart([20, 21, 22, 40, 41, 200]) == [22, 41, 200]
    assert gain_plot._apart([30]) == [30]


def test_before_a_proposal_there_is_a_sentence_and_no_black_place(
    qtbot: QtBot, panel: SuggestionsPanel, unlabelled: Session
) -> None:
    assert panel.nothing.isVisible() and not panel.view.isVisible()
    assert panel.nothing.title.text() == "No galaxies proposed yet"
    ask(qtbot, panel)
    assert panel.view.isVisible() and not panel.nothing.isVisible()
    unlabelled.open_project(unlabelled.project.folder.with_name("empty"))  # pyrefly: ignore[missing-attribute]
    assert panel.carry.network.currentIndex() == -1


def test_proposals_for_another_dataset_than_the_open_one_are_not_shown(
    qtbot: QtBot, panel: SuggestionsPanel, unlabelled: Session, galaxies: Path
) -> None:
    panel.suggest.click()
    assert panel.work.is_running
    unlabelled.open_cutouts(galaxies)
    qtbot.waitUntil(lambda: not panel.work.is_running, timeout=WAIT)
    assert panel._rows == [] and panel.nothing.isVisible()


def test_without_a_network_it_says_where_one_comes_from(qtbot: QtBot, session: Session) -> None:
    panel = SuggestionsPanel(session)
    qtbot.addWidget(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    assert panel.nothing.title.text() == "No network yet" and "weights file above" in panel.nothing.text.text()
    assert not panel.suggest.isEnabled()


def test_without_a_dataset_it_says_what_is_needed(qtbot: QtBot, qapp: object) -> None:
    session = Session()
    panel = SuggestionsPanel(session)
    qtbot.addWidget(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    assert panel.empty is not None and panel.empty.isVisible()
    session.close()

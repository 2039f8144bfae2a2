"""The whole road in the real window: from a run and a new survey to the curve of labels, counted in clicks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import planted_suggestions
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot
from second_survey import write_survey

from app.adapt.adaptation import AdaptationPanel
from app.shell.window import MainWindow
from app.studies.transfer import TransferPanel

MOST = 6


class Hand:
    """Clicks as a user does, and counts."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot, self.clicks = qtbot, 0

    def click(self, widget: QWidget) -> None:
        self._qtbot.waitUntil(lambda: widget.isVisible() and widget.isEnabled(), timeout=120_000)
        self._qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)
        self.clicks += 1

    def choose(self, box: QComboBox, text: str) -> None:
        """Open a box, and click the line of this text."""
        self.click(box)
        view, place = box.view(), box.findText(text)
        assert place >= 0
        at = view.visualRect(view.model().index(place, 0)).center()
        self._qtbot.mouseMove(view.viewport(), at)  # else a release soon after the press still belongs to the box
        self._qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
        self.clicks += 1


@pytest.fixture
def window(
    qtbot: QtBot, trained: Path, galaxies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    """The window with a project that holds a run, and a new survey that is open."""
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    folder = Path(shutil.copytree(trained, tmp_path / "project"))
    opened = MainWindow()
    qtbot.addWidget(opened)
    opened.resize(1280, 800)
    with qtbot.waitExposed(opened):
        opened.show()
    session = opened.session
    session.open_project(folder)
    assert session.project is not None
    shutil.copy(galaxies, session.project.dataset_path("old survey"))
    new = write_survey(session.project.dataset_path("new survey"), 3.5, 1.0, ("smooth", "edge-on"))
    session.dataset_wanted.emit(new)
    qtbot.waitUntil(lambda: session.dataset.cutouts is not None, timeout=60_000)
    session.draft.edit_together({"optimiser.epochs": 1, "optimiser.repeats": 1, "device": "cpu"})
    yield opened
    opened.close()


@pytest.mark.slow
def test_from_a_run_and_a_new_survey_to_the_curve_of_labels_in_six_clicks(qtbot: QtBot, window: MainWindow) -> None:
    hand, session = Hand(qtbot), window.session
    hand.click(window.workspace_bar.buttons["adapt"])
    adaptation = cast("AdaptationPanel", window.docks.panel("adaptation"))
    row = adaptation.match.rows["classes"]
    qtbot.waitUntil(lambda: row.button.isVisible(), timeout=120_000)
    hand.click(row.button)
    hand.choose(adaptation.classes.boxes["smooth"], "round")
    assert session.carried.class_map["smooth"] == "round"
    hand.click(adaptation.study)
    transfer = cast("TransferPanel", window.docks.panel("transfer"))
    assert transfer.carry.target.currentText() == "new survey"
    assert transfer._base.transfer.class_map["smooth"] == "round"
    hand.click(transfer.start)
    assert hand.clicks <= MOST
    qtbot.waitUntil(lambda: transfer.plot.shown is not None and len(transfer.plot.shown.lines) > 0, timeout=240_000)
    assert transfer.plot.shown is not None
    assert transfer.plot.shown.levels[0].title == "as is", "the unadapted network, to compare with"
    transfer.stop.click()
    qtbot.waitUntil(lambda: session.activity.studying is None, timeout=120_000)


@pytest.mark.slow
def test_another_dataset_is_opened_in_place_and_the_study_of_the_first_goes_on(
    qtbot: QtBot, window: MainWindow
) -> None:
    session = window.session
    window.show_workspace("studies")
    transfer = cast("TransferPanel", window.docks.panel("transfer"))
    window.docks.bring_to_front("transfer")
    settings = transfer.form.value().model_copy(update={"labels": ("0", "10"), "seeds": 1})
    transfer.form.set_value(settings)
    hand = Hand(qtbot)
    hand.click(transfer.start)
    qtbot.waitUntil(lambda: session.study is not None, timeout=120_000)
    assert session.project is not None
    other = session.project.folder / "studies" / "2026-01-01 10.00.00 what to label"
    planted_suggestions.save(planted_suggestions.plant(other))
    session.open_study(other)
    hand.choose(transfer.carry.target, "old survey")
    qtbot.waitUntil(lambda: transfer.carry.target.currentText() == "old survey", timeout=60_000)
    assert session.dataset.cutouts is not None and session.dataset.cutouts.path.stem == "old survey"
    assert window.docks.current == "studies"
    qtbot.waitUntil(lambda: session.activity.studying is None, timeout=240_000)
    assert transfer.plot.shown is not None
    assert session.study == other, "what is looked at meanwhile stays"
    folder = transfer._folder
    assert folder is not None and (folder / "study.png").exists()
    runs = list((folder / "runs").iterdir())
    assert runs and all("new survey" in (run / "data.txt").read_text() for run in runs)

"""The study of the order of labelling in the window: prepared, started, looked at, opened again."""

from __future__ import annotations

from pathlib import Path

import planted_suggestions
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.studies.labelling_order import LabellingOrderPanel
from core.studies import study_folders


def shown(qtbot: QtBot, session: Session) -> LabellingOrderPanel:
    panel = LabellingOrderPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 700)
    panel.show()
    return panel


def plant(session: Session) -> Path:
    """A finished study in the project."""
    assert session.project is not None
    folder = study_folders.new_folder(session.project.folder, "what to label")
    planted_suggestions.save(planted_suggestions.plant(folder))
    return folder


def test_a_finished_study_is_opened_with_both_pictures_table_and_sentences(qtbot: QtBot, session: Session) -> None:
    folder = plant(session)
    panel = shown(qtbot, session)
    session.open_study(folder)
    qtbot.waitUntil(lambda: panel.plot.shown is not None, timeout=30_000)
    assert [panel.view.itemText(place) for place in range(panel.view.count())] == [
        "Against labels", "Gain over random order", "Table"
    ]  # fmt: skip
    scores = panel.plot.shown
    assert scores is not None and [line.title for line in scores.lines] == [
        "random order", "auto, as proposed", "uncertain, as proposed"
    ]  # fmt: skip
    assert all((line.errors > 0).all() and len(line.runs) == 15 for line in scores.lines)
    panel.view.setCurrentIndex(1)
    panel.view.activated.emit(1)
    gains = panel.plot.shown
    assert gains is not None
    for line, planted in zip(gains.lines, (0.05, -0.03), strict=True):
        assert line.means == pytest.approx(planted, abs=4 * line.errors.max())
        assert line.errors.max() < 0.5 * scores.lines[0].errors.max(), "the noise of a seed is shared"
    assert panel.numbers.rowCount() == 15
    assert "a gain of +0.05" in panel.sentences.text() or "a gain of 0.05" in panel.sentences.text()
    assert panel.methods.chosen == ("auto", "uncertain")
    assert panel.start.text() == "Go on" and panel.figure.isEnabled()


def test_a_network_that_has_learned_the_hidden_labels_is_not_started_from_unasked(
    qtbot: QtBot, session_with_run: Session
) -> None:
    panel = shown(qtbot, session_with_run)
    assert session_with_run.carried.is_of_open_dataset
    assert not panel.starts.isChecked() and panel._base.transfer.start_from == ""
    assert "30 trainings" in panel.runs.text() and "drawn at random" in panel.runs.text()
    qtbot.mouseClick(
        panel.starts, Qt.MouseButton.LeftButton, pos=panel.starts.rect().center() - panel.starts.rect().center() / 1.05
    )
    assert panel._base.transfer.start_from == session_with_run.carried.start_from


@pytest.mark.slow
def test_a_study_by_clicks_draws_lines_with_errors_and_goes_on(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    session.draft.edit_together({"optimiser.epochs": 1, "optimiser.repeats": 1, "network.depth": 2, "device": "cpu"})
    few = {"labels": (8, 16), "seeds": 2, "least_steps": 1}
    panel.form.set_value(panel.form.value().model_copy(update=few))
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.activity.studying is None and panel.plot.shown is not None, timeout=120_000)
    lines = panel.plot.shown
    assert lines is not None and [line.title for line in lines.lines] == ["random order", "auto, as proposed"]
    assert all(len(line.runs) == 4 for line in lines.lines)
    assert session.study is not None and study_folders.kind_of(session.study) == "suggestions"
    assert panel.start.text() == "Go on"

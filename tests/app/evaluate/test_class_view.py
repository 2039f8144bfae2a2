from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.evaluate.class_view import ClassView
from app.evaluate.evaluation import EvaluationPanel
from app.session.session import Session
from core.evaluate.evaluation import Evaluation
from core.metrics.report import make_report
from core.project.runs import RunFolder


@pytest.fixture
def panel(qtbot: QtBot, session_with_run: Session) -> EvaluationPanel:
    found = EvaluationPanel(session_with_run)
    qtbot.addWidget(found)
    found.resize(1000, 650)
    found.show()
    qtbot.waitUntil(lambda: found.numbers["Accuracy"] != "–", timeout=60_000)
    return found


def mistaken(panel: EvaluationPanel) -> Evaluation:
    """The evaluation that is shown, with other labels of the first three galaxies."""
    shown = panel._evaluation
    assert shown is not None
    labels = shown.labels.copy()
    labels[:3] = 1 - labels[:3]
    return replace(shown, labels=labels, report=make_report(shown.target, labels, shown.predictions.scores))


def look_at(view: ClassView, title: str) -> None:
    titles = [view.tabs.tabText(place) for place in range(view.tabs.count())]
    view.tabs.setCurrentIndex(titles.index(title))


@pytest.mark.slow
def test_the_matrix_shows_galaxies_or_shares(panel: EvaluationPanel) -> None:
    matrix, share = panel.confusion, panel.class_view.overview.share
    counts = panel._evaluation.report.confusion
    assert [matrix.text(row, column) for row in (0, 1) for column in (0, 1)] == [str(each) for each in counts.ravel()]
    for place, axis in ((1, 1), (2, 0)):
        share.setCurrentIndex(place)
        expected = 100 * counts / np.maximum(counts.sum(axis=axis, keepdims=True), 1)
        assert matrix.text(0, 0) == f"{expected[0, 0]:.0f} %" and matrix.text(1, 0) == f"{expected[1, 0]:.0f} %"


def test_a_line_takes_galaxies_and_selects_them(qtbot: QtBot, panel: EvaluationPanel) -> None:
    session, view = panel._session, panel.class_view
    look_at(view, "Curves")
    curves = view.curves
    qtbot.waitUntil(lambda: curves.chart is not None, timeout=30_000)
    assert "AUC" in curves.plot.key.texts[0] and not curves.select.isVisible()
    scores = panel._evaluation.predictions.scores
    curves.kind.setCurrentIndex(curves.kind.findData("top"))
    curves.of.setCurrentIndex(2)
    curves.plot.set_marker(4)
    assert curves.taken.text().startswith("The first 4 by probability: 4 galaxies, of which ")
    curves.frequency.setValue(0.1)
    assert "Where 0.1 % of all galaxies are" in curves.taken.text()
    qtbot.mouseClick(curves.select, Qt.MouseButton.LeftButton)
    assert set(session.selection) == set(panel._evaluation.rows[np.argsort(-scores[:, 1])[:4]].tolist())
    curves.kind.setCurrentIndex(curves.kind.findData("threshold"))
    curves.plot.set_marker(0.3)
    assert "from a probability of 0.300 on" in curves.taken.text().casefold()
    qtbot.mouseClick(curves.select, Qt.MouseButton.LeftButton)
    assert len(session.selection) == (scores[:, 1] >= 0.3).sum()


@pytest.mark.slow
def test_figures_stand_in_bins_of_a_column_and_are_saved(
    qtbot: QtBot, panel: EvaluationPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = panel.class_view
    look_at(view, "Bins")
    bins = view.bins
    qtbot.waitUntil(lambda: bins.chart is not None or "no column" in bins.note.text(), timeout=30_000)
    assert bins.chart is not None
    bins.figure.setCurrentIndex(bins.figure.findData(f"completeness:{panel._evaluation.predictions.names[0]}"))
    qtbot.waitUntil(lambda: bins.chart.y_title.startswith("completeness of"), timeout=30_000)
    assert sum(sum(each.counts) for each in bins.chart.series) <= len(panel._evaluation.rows)
    label = panel._evaluation.target.column
    bins.figure.setCurrentIndex(bins.figure.findData(f"purity:{panel._evaluation.predictions.names[0]}"))
    bins.split.setCurrentText(label)
    qtbot.waitUntil(lambda: "that is the label itself" in bins.note.text(), timeout=30_000)
    assert bins.chart is None and not bins.plot.plot.listDataItems()
    bins.figure.setCurrentIndex(bins.figure.findData("accuracy"))
    qtbot.waitUntil(lambda: bins.chart is not None and len(bins.chart.series) == 2, timeout=30_000)
    bins.split.setCurrentIndex(0)
    qtbot.waitUntil(lambda: bins.chart is not None and len(bins.chart.series) == 1, timeout=30_000)
    target = tmp_path / "bins.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(target), "CSV (*.csv)"))
    with qtbot.waitSignal(panel._session.message, timeout=30_000):
        view.tabs.numbers.trigger()
    with target.open() as file:
        assert [int(row["galaxies"]) for row in csv.DictReader(file)] == list(bins.chart.series[0].counts)


def test_mistakes_are_labelled_anew_and_undone(qtbot: QtBot, panel: EvaluationPanel) -> None:
    session, view = panel._session, panel.class_view
    look_at(view, "Doubtful")
    doubtful = view.doubtful
    made = mistaken(panel)
    doubtful.set_evaluation(made)
    called = made.predictions.scores.argmax(axis=1)
    wrong = made.rows[called != made.labels].tolist()
    qtbot.waitUntil(lambda: doubtful._found is not None and len(doubtful._found) == len(wrong), timeout=30_000)
    doubtful.list.selectRow(0)
    row = int(doubtful._found.rows[0])
    assert session.current == row and row in wrong
    before, suggested = session.dataset.label(row), doubtful._found.suggested[0]
    name = next(each for each in made.predictions.names if each != before)
    doubtful.label.setCurrentText(name)
    qtbot.mouseClick(doubtful.relabel, Qt.MouseButton.LeftButton)
    assert session.dataset.label(row) == name and suggested in made.predictions.names
    session.undo.undo()
    assert session.dataset.label(row) == before


@pytest.mark.slow
def test_two_runs_are_compared(qtbot: QtBot, panel: EvaluationPanel) -> None:
    session, view = panel._session, panel.class_view
    look_at(view, "Two runs")
    two = view.two_runs
    assert not two.compare.isEnabled()
    assert "no other run" in two.verdict.text()
    first = session.run
    shutil.copytree(first.path, first.path.with_name("another"))
    session.runs_changed.emit()
    assert two.other.currentText() == "another" and two.compare.isEnabled()
    qtbot.mouseClick(two.compare, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: two.compare.isEnabled(), timeout=60_000)
    assert "needed" in two.verdict.text() or "no difference in accuracy beyond chance" in two.verdict.text()


@pytest.fixture
def larger(session_with_run: Session) -> Session:
    """Its run with most galaxies in the validation part, some of which are labelled wrongly by hand."""
    run, dataset = session_with_run.run, session_with_run.dataset
    lines = run.split_file.read_text().splitlines()
    run.split_file.write_text("\n".join(each.replace(",train", ",validation") for each in lines) + "\n")
    names = dataset.class_names
    rows = list(range(0, len(dataset.cutouts), 5))
    dataset.set_labels(rows, [names[1] if dataset.label(row) == names[0] else names[0] for row in rows])
    return session_with_run


def test_one_click_calibrates_and_another_takes_it_back(qtbot: QtBot, larger: Session) -> None:
    panel = EvaluationPanel(larger)
    qtbot.addWidget(panel)
    panel.resize(1000, 650)
    panel.show()
    bar = panel.class_view.overview.temperature
    qtbot.waitUntil(lambda: panel.numbers["Accuracy"] != "–", timeout=60_000)
    loss = panel.numbers["Log loss"]
    run: RunFolder = larger.run
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bar.button.text() == "Undo calibration", timeout=60_000)
    assert run.temperature_file.exists() and "Temperature" in bar.told.text()
    assert "fit by construction" in panel.remarks.text and panel.numbers["Log loss"] != loss
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bar.button.text() == "Calibrate" and panel.numbers["Log loss"] == loss, timeout=60_000)
    assert not run.temperature_file.exists()


@pytest.mark.slow
def test_where_no_temperature_is_possible_that_is_said(qtbot: QtBot, panel: EvaluationPanel) -> None:
    bar = panel.class_view.overview.temperature
    with qtbot.waitSignal(panel._session.message, timeout=60_000) as said:
        qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    assert "temperature" in said.args[0].casefold()
    assert bar.button.isEnabled() and bar.button.text() == "Calibrate"

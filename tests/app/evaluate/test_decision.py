"""The choice of a decision in Evaluate: what it shows follows at once, and it is kept with the run."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.evaluate.evaluation import EvaluationPanel
from app.evaluate.widgets.decision_bar import DecisionBar
from app.evaluate.widgets.reliability import ReliabilityPlot
from app.session.session import Session
from core.metrics.calibration import calibrate
from core.metrics.decision import MOST_PROBABLE


def shown(qtbot: QtBot, session: Session) -> EvaluationPanel:
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 650)
    panel.show()
    qtbot.waitUntil(lambda: panel.numbers["Accuracy"] != "–", timeout=60_000)
    return panel


def choose(qtbot: QtBot, panel: EvaluationPanel, title: str) -> None:
    """Choose a rule with the keyboard, as a user does."""
    place = panel.decision.rule.findText(title)
    assert place >= 0
    panel.decision.rule.setFocus()
    step = Qt.Key.Key_Down if place > panel.decision.rule.currentIndex() else Qt.Key.Key_Up
    for _ in range(abs(place - panel.decision.rule.currentIndex())):
        qtbot.keyClick(panel.decision.rule, step)


def decision_of(panel: EvaluationPanel) -> str:
    assert panel._evaluation is not None
    return panel._evaluation.report.decision.asked  # pyright: ignore[reportAttributeAccessIssue]


def test_a_chosen_decision_moves_the_matrix_and_is_kept_with_the_run(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    run = session_with_run.run
    assert run is not None and not run.decision_file.exists()
    log_loss, weights = panel.numbers["Log loss"], run.best.read_bytes()
    choose(qtbot, panel, "Frequencies of a survey")
    qtbot.waitUntil(lambda: decision_of(panel).startswith("frequencies"), timeout=10_000)
    panel.decision.frequencies.setText("edge-on=0.0001, disk=0.9999")
    names = panel._evaluation.predictions.names if panel._evaluation else ()
    panel.decision.frequencies.setText(", ".join(f"{name}={0.0001 if i else 1}" for i, name in enumerate(names)))
    qtbot.keyClick(panel.decision.frequencies, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.confusion._counts[:, 1:].sum() == 0, timeout=10_000)
    assert panel.numbers["Log loss"] == log_loss
    assert run.decision_file.exists()
    assert run.best.read_bytes() == weights
    again = shown(qtbot, session_with_run)
    assert again.confusion._counts[:, 1:].sum() == 0, "the kept decision is followed when the run is opened again"
    assert again.decision.rule.currentText() == "Frequencies of a survey"
    choose(qtbot, again, "Most probable class")
    qtbot.waitUntil(lambda: not run.decision_file.exists(), timeout=10_000)


def test_frequencies_are_estimated_from_the_galaxies_without_their_labels(
    qtbot: QtBot, session_with_run: Session
) -> None:
    panel = shown(qtbot, session_with_run)
    choose(qtbot, panel, "Frequencies of a survey")
    qtbot.waitUntil(lambda: decision_of(panel).startswith("frequencies"), timeout=10_000)
    qtbot.mouseClick(panel.decision.estimate, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: decision_of(panel) == "frequencies:estimated", timeout=10_000)
    assert "±" in panel.decision._pages.toolTip()


def test_frequencies_that_are_none_are_refused_and_the_decision_stays(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    before = decision_of(panel)
    with qtbot.waitSignal(session_with_run.message, timeout=10_000) as told:
        panel.decision.chosen.emit("frequencies:bar=1")
    assert "no class “bar”" in told.args[0]
    assert decision_of(panel) == before


def test_the_reliability_plot_shows_a_point_for_each_bin_with_galaxies(qtbot: QtBot) -> None:
    random = np.random.default_rng(1)
    scores = random.dirichlet([1.0, 1.0], 300)
    found = calibrate(random.integers(0, 2, 300), scores)
    plot = ReliabilityPlot()
    qtbot.addWidget(plot)
    plot.set_bins(found.bins)
    assert len(plot._points.xData) == len(found.bins) == 5
    assert "galaxies at" in plot.toolTip()
    plot.set_bins(())
    assert not len(plot._points.xData if plot._points.xData is not None else ())


def test_the_height_of_the_bar_is_the_same_for_every_rule(qtbot: QtBot) -> None:
    bar = DecisionBar()
    qtbot.addWidget(bar)
    bar.show_decision(MOST_PROBABLE, {"a": 0.7, "b": 0.3})
    bar.resize(600, bar.sizeHint().height())
    heights = set()
    for page in range(bar._pages.count()):
        bar._pages.setCurrentIndex(page)
        heights.add(bar.sizeHint().height())
    assert len(heights) == 1

"""Several seeds with one click, and runs that are joined."""

from __future__ import annotations

import shutil

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.evaluate.evaluation import EvaluationPanel
from app.session.session import Session
from app.train.comparison import ComparisonPanel
from app.train.runs import RunsPanel
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from core.events import BatchEnded, NetworkBegun, Preview
from core.nets.ensemble import Ensemble
from core.nets.predictor import Predictor
from core.project import ensembles
from core.project.runs import RunFolder


def click(qtbot: QtBot, button: object) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def shown(qtbot: QtBot, panel: object) -> object:
    qtbot.addWidget(panel)
    panel.resize(640, 640)
    panel.show()
    return panel


def test_two_seeds_and_a_click_train_two_networks_that_answer_together(qtbot: QtBot, session: Session) -> None:
    session.draft.edit("optimiser.epochs", 2)
    settings, panel = shown(qtbot, SettingsPanel(session)), shown(qtbot, TrainingPanel(session))
    settings.form.name.setText("pair")
    settings.seeds.setValue(2)
    assert settings.start.text() == "Start 2 networks"
    click(qtbot, settings.start)
    assert not settings.seeds.isEnabled()
    begun: list[NetworkBegun] = []

    def check(events: list[object]) -> None:
        begun.extend(
            event.what for event in events if isinstance(event, Preview) and isinstance(event.what, NetworkBegun)
        )
        if isinstance(events[-1], BatchEnded):  # on a busy machine many events are told at once, the last one is read
            assert panel.reason.text().startswith(f"Network {begun[-1].number} of 2: epoch ")

    assert session.activity.training is not None
    session.activity.training.happened.connect(check)
    qtbot.waitUntil(lambda: "2 networks together: validation accuracy" in panel.reason.text(), timeout=240_000)
    assert [network.number for network in begun] == [1, 2]
    assert session.project is not None and session.run is not None
    assert [run.title for run in session.project.runs()] == ["pair", "pair seed 1", "pair seed 2"]
    assert session.run.title == "pair" and isinstance(Predictor.load(session.run.best), Ensemble)
    assert panel.numbers["Validation"] != "–" and "Several runs answer together" in panel.baseline.text()
    assert len(panel.curves.points("val_loss")[0]) == 0, "its networks have curves, it has none"
    assert settings.start.isEnabled() and settings.form.start_from.findText("pair") < 0
    assert settings.form.start_from.findText("pair seed 1") >= 0

    runs = shown(qtbot, RunsPanel(session))
    assert runs.chosen == session.run and runs.explain.isEnabled()
    assert not runs.fine_tune.isEnabled() and not runs.use_settings.isEnabled()
    texts = [runs.table.topLevelItem(place).text(4) for place in range(3)]
    assert sorted(texts) == ["2 runs together", "random weights", "random weights"]
    judged = shown(qtbot, EvaluationPanel(session))
    qtbot.waitUntil(lambda: "of which the data cause" in judged.remarks.text, timeout=240_000)


@pytest.mark.slow
def test_a_training_of_several_networks_that_is_stopped_keeps_those_that_were_trained(
    qtbot: QtBot, session: Session
) -> None:
    settings, panel = shown(qtbot, SettingsPanel(session)), shown(qtbot, TrainingPanel(session))
    session.draft.edit("optimiser.epochs", 500)
    settings.seeds.setValue(3)
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: panel.numbers["Best"] != "–", timeout=240_000)
    click(qtbot, panel.stop)
    qtbot.waitUntil(lambda: "select several in Compare" in panel.reason.text(), timeout=240_000)
    assert session.project is not None
    (kept,) = session.project.runs()
    assert kept.best.exists() and len(list((session.project.folder / "runs").iterdir())) == 1


def test_runs_that_are_selected_in_compare_are_joined(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    assert session.run is not None and session.project is not None
    second = RunFolder(session.run.path.with_name("2026-11-28 10.00.00 second"))
    shutil.copytree(session.run.path, second.path)
    panel = shown(qtbot, ComparisonPanel(session))
    qtbot.waitUntil(lambda: len(panel.table.shown) == 2, timeout=120_000)
    assert not panel.join.isEnabled()
    panel.table.selectAll()
    qtbot.waitUntil(panel.join.isEnabled, timeout=120_000)
    with qtbot.waitSignal(session.message, timeout=240_000) as told:
        click(qtbot, panel.join)
    assert "2 networks together: validation accuracy" in told.args[0]
    assert session.run.title in {"first + 1", "second + 1"}
    listed = ensembles.read(session.run.ensemble_file)
    assert {run.title for run in listed.members} == {"first", "second"}

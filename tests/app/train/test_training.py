import csv
import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from waiting import wait_for_a_standstill

from app.session.session import Session
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from core.project.runs import RunFolder


def shown(qtbot: QtBot, session: Session) -> tuple[SettingsPanel, TrainingPanel]:
    settings, panel = SettingsPanel(session), TrainingPanel(session)
    for widget in (settings, panel):
        qtbot.addWidget(widget)
        widget.resize(500, 650)
        widget.show()
    return settings, panel


def click(qtbot: QtBot, button: object) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def with_epochs(session: Session, epochs: int) -> None:
    session.draft.edit("optimiser.epochs", epochs)


def test_a_click_on_start_trains_and_leaves_a_run_with_its_curves(qtbot: QtBot, session: Session) -> None:
    settings, panel = shown(qtbot, session)
    settings.form.name.setText("by click")
    click(qtbot, settings.start)
    assert not settings.start.isEnabled()
    assert panel.stop.isEnabled()
    qtbot.waitUntil(lambda: "are kept" in panel.reason.text(), timeout=60_000)
    assert panel.numbers["Epoch"] == "3/3"
    assert session.run is not None
    metrics = json.loads(session.run.metrics_file.read_text())
    final, classes = metrics["validation"], metrics["data"]["classes"]["validation"]
    assert panel.numbers["Validation"].startswith(f"{final['accuracy']:.3f} ± 0.")
    told = panel.numbers.explanation("Validation")
    assert f"{final['galaxies']} galaxies, answers averaged over 8 views" in told
    assert "commonest class" in told
    assert panel.curves.guess == max(classes.values()) / sum(classes.values())
    assert "by click" in session.run.path.name
    with session.run.history_file.open() as file:
        assert len(list(csv.DictReader(file))) == 3
    assert panel.verdict.isVisible()
    assert "the run ended after 3 epochs, and a verdict needs 8" in panel.verdict.text()
    assert settings.start.isEnabled()
    panel.resize(450, 400)  # as wide as it is on a small screen
    assert " ".join(panel.reason.shown_lines()) == panel.reason.text()
    other = session.run.path.with_name("2026-01-01 10.00.00 other")
    shutil.copytree(session.run.path, other)
    session.open_run(RunFolder(other))
    assert panel.reason.text() == "", "it was about the training before"


@pytest.mark.slow
def test_stop_keeps_the_best_weights(qtbot: QtBot, session: Session) -> None:
    with_epochs(session, 500)
    settings, panel = shown(qtbot, session)
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: panel.numbers["Best"] != "–", timeout=60_000)
    click(qtbot, panel.stop)
    qtbot.waitUntil(lambda: "Stopped by you" in panel.reason.text(), timeout=20_000)
    assert session.run is not None
    assert session.run.best.exists()


@pytest.mark.slow
def test_pause_holds_the_numbers_and_resume_goes_on(qtbot: QtBot, session: Session) -> None:
    with_epochs(session, 500)
    settings, panel = shown(qtbot, session)
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: panel.numbers["Best"] != "–", timeout=60_000)
    click(qtbot, panel.pause)
    assert panel.pause.text() == "Resume"
    held = wait_for_a_standstill(qtbot, lambda: (panel.numbers["Epoch"], panel.numbers["Loss"]), 500)
    click(qtbot, panel.pause)
    qtbot.waitUntil(lambda: (panel.numbers["Epoch"], panel.numbers["Loss"]) != held, timeout=10_000)
    click(qtbot, panel.stop)
    qtbot.waitUntil(lambda: settings.start.isEnabled(), timeout=20_000)


def test_without_a_dataset_start_is_off_and_says_why(qtbot: QtBot) -> None:
    session = Session()
    settings, _ = shown(qtbot, session)
    assert not settings.start.isEnabled()
    assert "Open a dataset" in settings.start.toolTip()
    assert "Open a dataset" in settings.outlook.notice.text()
    session.close()


def test_a_refused_training_shows_the_sentence_and_the_remedy(qtbot: QtBot, session: Session) -> None:
    session.draft.edit("network.depth", 9)
    settings, panel = shown(qtbot, session)
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: settings.start.isEnabled(), timeout=30_000)
    assert "too many for stamps of 24 × 24" in panel.reason.text()
    assert "Choose at most 5 blocks" in panel.reason.text()


def test_fine_tuning_shows_the_unadapted_network_first(qtbot: QtBot, session: Session, trained: Path) -> None:
    run = next((trained / "runs").iterdir())
    session.draft.edit_together({"transfer.start_from": str(run), "transfer.freeze_blocks": 1})
    settings, panel = shown(qtbot, session)
    assert settings.start.text() == "Fine-tune"
    assert settings.form.start_from.currentText() == "first"
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: bool(panel.baseline.text()), timeout=60_000)
    assert "unadapted" in panel.baseline.text()
    assert "accuracy" in panel.baseline.text()
    qtbot.waitUntil(lambda: "are kept" in panel.reason.text(), timeout=60_000)
    assert "On the same" in panel.baseline.text()


def test_an_earlier_run_of_the_project_can_be_chosen_as_the_beginning(qtbot: QtBot, trained: Path) -> None:
    session = Session()
    session.open_project(trained)
    settings, _ = shown(qtbot, session)
    assert settings.form.start_from.itemText(0) == "Random weights"
    settings.form.start_from.setCurrentIndex(1)
    settings.form.start_from.activated.emit(1)
    assert Path(session.draft.settings.transfer.start_from).parent == trained / "runs"
    session.close()

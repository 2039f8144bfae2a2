"""Projects of earlier versions in the window; see ``tests/golden/README.md``."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.runs import RunsPanel
from app.train.training_form import TrainingForm
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("state", ["first-light", "inside", "bench"])
def test_an_old_project_opens_and_a_click_opens_its_run(qtbot: QtBot, tmp_path: Path, state: str) -> None:
    project = Path(shutil.copytree(GOLDEN / state, tmp_path / state))
    session = Session()
    told: list[object] = []
    session.problem.connect(told.append)
    panel = RunsPanel(session)
    qtbot.addWidget(panel)
    panel.resize(800, 400)
    panel.show()
    try:
        session.open_project(project)
        session.open_cutouts(project / "datasets" / "survey.h5")
        runs = sorted((project / "runs").iterdir())
        assert panel.table.topLevelItemCount() == len(runs)
        item = panel.table.findItems("first", Qt.MatchFlag.MatchExactly)[0]
        assert "accuracy" in item.text(1)
        panel.table.scrollToItem(item)
        place = panel.table.visualItemRect(item).center()
        qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert session.run is not None
        assert session.run.path == runs[0]
        qtbot.mouseClick(panel.use_settings, Qt.MouseButton.LeftButton)
        assert session.draft.settings == toml.load(RunSettings, runs[0] / "settings.toml")
        assert session.predictor_path is not None
        assert told == []
    finally:
        session.close()


def test_settings_of_an_old_run_fill_the_form(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = TrainingForm(session)
    qtbot.addWidget(form)
    file = next((GOLDEN / "first-light" / "runs").glob("* every knob")) / "settings.toml"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    form.load.trigger()
    assert session.draft.settings.network.normalise == "none"
    assert session.draft.settings.network.kernel == 5


def test_a_run_with_settings_of_a_newer_program_is_listed_with_the_others(
    qtbot: QtBot, session_with_run: Session
) -> None:
    assert session_with_run.project is not None
    run: RunFolder = session_with_run.project.runs()[0]
    text = run.settings_file.read_text(encoding="utf-8")
    newer = text.replace(f"format {RunSettings.file_format}", f"format {RunSettings.file_format + 1}", 1)
    run.settings_file.write_text(newer, encoding="utf-8")
    panel = RunsPanel(session_with_run)
    qtbot.addWidget(panel)
    panel.show()
    item = panel.table.topLevelItem(0)
    assert item is not None
    assert item.text(0) == "first"

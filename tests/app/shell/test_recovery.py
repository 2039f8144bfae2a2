"""The log, the report of a defect, and what is told after the program ended unexpectedly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.notices import CrashDialog
from app.shell import memory
from app.shell.log_panel import LogPanel
from app.shell.unexpected_end import OpenMark, find_unexpected_end
from app.shell.window import MainWindow
from core.errors import Problem
from core.project.project import Project

ROOT = Path(__file__).parents[3]


def end_abruptly(folder: Path, project: Path, training: Path | None) -> None:
    """A window of another process that is killed while a training runs."""
    code = (
        "import os, sys; from pathlib import Path; from app.shell.unexpected_end import OpenMark\n"
        "folder, project, training = map(Path, sys.argv[1:])\n"
        "OpenMark(folder).write(project, training if training.name else None); os._exit(9)"
    )
    command = [sys.executable, "-c", code, str(folder), str(project), str(training or "")]
    assert subprocess.run(command, cwd=ROOT, env=os.environ).returncode == 9


def test_messages_and_problems_are_in_the_log_and_its_file(window: MainWindow, tmp_path: Path) -> None:
    window.log.keep_in(tmp_path / "log")
    window.session.message.emit("Saved in é.csv\nnot a line of its own")
    window.session.report(Problem("The disk is full.", "Make room."))
    window.menus.actions_by_name["log"].trigger()
    panel = window.findChild(LogPanel)
    assert (
        "Saved in é.csv\\nnot" in panel.text.toPlainText()
        and "The disk is full. Make room." in panel.text.toPlainText()
    )
    panel.only_wrong.setChecked(True)
    window.session.message.emit("Later")
    assert panel.text.toPlainText().count("\n") == 0 and "disk is full" in panel.text.toPlainText()
    lines = (tmp_path / "log" / "window.log").read_text(encoding="utf-8").splitlines()
    assert [line.split()[2] for line in lines] == ["message", "problem", "message"]
    panel.close()


def test_the_report_of_a_defect_ends_with_the_log(window: MainWindow) -> None:
    window.session.message.emit("The last thing that was told")
    window.session.report(ValueError("a defect"))
    dialog = window.findChild(CrashDialog)
    assert "ValueError: a defect" in dialog.report
    assert "The last thing that was told" in dialog.report.split("Log")[-1]
    dialog.close()


def test_an_unexpected_end_is_told_once_with_the_training_that_it_interrupted(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    project = Project.create(tmp_path / "project", "one")
    run = project.new_run("deep")
    run.settings_file.write_text("")
    project.close()
    end_abruptly(tmp_path / "marks", project.folder, run.path)
    window.recovery.begin(tmp_path / "marks")
    assert "ended unexpectedly" in window.notices.texts[-1] and "“deep” was interrupted" in window.notices.texts[-1]
    named = {button.text(): button for button in window.notices.findChildren(QPushButton)}
    named["Show the run"].click()
    assert window.session.run is not None and window.session.run.path == run.path
    window.recovery.end()
    assert find_unexpected_end(tmp_path / "marks") is None and not list((tmp_path / "marks").iterdir())


def test_a_window_that_is_open_or_was_closed_did_not_end_unexpectedly(tmp_path: Path) -> None:
    mark = OpenMark(tmp_path)
    mark.write(tmp_path, None)
    assert find_unexpected_end(tmp_path) is None and list(tmp_path.iterdir())
    mark.remove()
    assert not list(tmp_path.iterdir())
    (tmp_path / f"open-{os.uname().nodename}-1.json").write_text("[")
    assert find_unexpected_end(tmp_path) is None and not list(tmp_path.iterdir())


def test_what_was_typed_is_kept_before_the_window_is_closed(window: MainWindow, galaxies: Path, tmp_path: Path) -> None:
    window.session.open_project(tmp_path / "project")
    window.session.open_cutouts(galaxies)
    window.recovery.begin(tmp_path / "marks")
    window.session.draft.edit("optimiser.epochs", 77)
    assert window.recovery._later.isActive()
    window.recovery._later.timeout.emit()
    assert "epochs = 77" in memory.load(tmp_path / "project").draft
    assert json.loads((tmp_path / "project" / "window.json").read_text())["dataset"]

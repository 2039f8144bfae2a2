"""The program from its command line to its window, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DRIVER = """
import sys, threading
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from app import start
from app.shell.window import MainWindow

def look():
    window = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
    {look}

original = QApplication.exec
def exec_(*arguments):
    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(50)
    QTimer.singleShot(60_000, QApplication.quit)
    return original()
QApplication.exec = staticmethod(exec_)
sys.exit(start.run({arguments!r}))
"""


def started(arguments: list[str], look: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Start the program and look at its window every 50 ms."""
    variables = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "TUNINGFORK_HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
    }
    code = DRIVER.format(look=look, arguments=arguments)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_a_dataset_on_the_command_line_is_opened(survey_dataset: Path, tmp_path: Path) -> None:
    look = """
    if window.session.dataset.cutouts is not None:
        print("opened", len(window.session.dataset.cutouts), flush=True)
        window.close()
"""
    done = started([str(survey_dataset)], look, tmp_path)
    assert done.stdout == "opened 90\n", done.stderr
    assert done.returncode == 0


def test_a_folder_without_a_project_becomes_one_only_if_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "cat.jpg").touch()
    look = """
    if window.notices.texts:
        print(window.notices.texts[0], flush=True)
        window.close()
"""
    done = started([str(tmp_path / "photographs")], look, tmp_path)
    assert "holds other files" in done.stdout, done.stderr
    assert list((tmp_path / "photographs").iterdir()) == [tmp_path / "photographs" / "cat.jpg"]


def test_a_defect_on_any_thread_is_shown_and_the_window_stays(tmp_path: Path) -> None:
    look = """
    from app.notices import CrashDialog
    dialog = window.findChild(CrashDialog)
    if dialog is None:
        threading.Thread(target=lambda: 1 / 0).start()
    else:
        print("said", "ZeroDivisionError" in dialog.findChild(QPlainTextEdit).toPlainText(), flush=True)
        dialog.close()
        window.close()
"""
    done = started([], look, tmp_path)
    assert "said True" in done.stdout, done.stderr
    assert done.returncode == 0

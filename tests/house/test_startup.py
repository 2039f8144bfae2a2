"""The window is painted first, the heavy libraries come behind it; the command line answers at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "astropy", "galsim", "sklearn", "scipy", "matplotlib", "pyarrow")
LATE = ("numpy", "h5py", "pyqtgraph", "pydantic", "pydantic_core", "tomlkit", "filelock", "psutil")
OURS = ("core.settings.declare", "core.data.settings", "core.train.settings", "core.project.project")
"""What a window without galaxies does not need: it comes with the first ones, or before them in a job."""

WINDOW = """
import sys
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Witness(QObject):
    def eventFilter(self, thing, event):
        if event.type() == QEvent.Type.Paint and isinstance(thing, QMainWindow):
            heavy = [name for name in {heavy!r} if name in sys.modules]
            QApplication.instance().removeEventFilter(self)
            print("painted with", heavy, flush=True)
            QTimer.singleShot(0, thing.close)
        return False

original = QApplication.exec
def exec_(*arguments):
    QApplication.instance().installEventFilter(witness)
    return original()
witness = Witness()
QApplication.exec = staticmethod(exec_)
from app import start
sys.exit(start.run([]))
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"QT_QPA_PLATFORM": "offscreen"} | environment
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120, check=False)


def test_the_window_is_painted_before_anything_heavy_is_imported(tmp_path: Path):
    done = run(WINDOW.format(heavy=(*HEAVY, *LATE, *OURS)), TUNINGFORK_HOME=str(tmp_path / "home"))
    assert "painted with []" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], pytest.param(["train", "--help"], marks=pytest.mark.slow), ["settings"]], ids=" ".join
)
def test_help_and_settings_need_no_heavy_library(arguments: list[str]):
    done = run(
        f"""
import sys
from app import command
sys.argv = ["tuningfork", *{arguments!r}]
try:
    code = command.main()
except SystemExit as end:
    code = end.code
heavy = [name for name in {(*HEAVY, "PySide6")!r} if name in sys.modules]
print("ended with", code or 0, heavy)
"""
    )
    assert done.stdout.rstrip().endswith("ended with 0 []"), done.stdout[-500:] + done.stderr

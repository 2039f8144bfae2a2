"""How soon the window is on the screen, against a bare PySide6 + pyqtgraph window."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROUNDS = 7

BARE = """
import time
began, busy = time.perf_counter(), time.process_time()
from PySide6.QtWidgets import QApplication, QMainWindow
import pyqtgraph
application = QApplication([])
window = QMainWindow()
window.setCentralWidget(pyqtgraph.PlotWidget())
window.show()
application.processEvents()
print(time.perf_counter() - began, time.process_time() - busy)
"""

OURS = """
import time
began, busy = time.perf_counter(), time.process_time()
from PySide6.QtWidgets import QApplication
from app import theme
from app.shell.window import MainWindow
application = QApplication([])
theme.apply(application)
window = MainWindow()
window.show()
application.processEvents()
print(time.perf_counter() - began, time.process_time() - busy)
"""


def seconds(code: str, home: Path) -> tuple[float, float]:
    """Seconds on the clock, and of the processor, which depend less on what else is running."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(home)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is compiled, as its libraries are
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    clock, processor = map(float, done.stdout.split())
    return clock, processor


@pytest.mark.benchmark
def test_the_window_is_on_the_screen_nearly_as_soon_as_a_bare_one(tmp_path: Path):
    seconds(OURS, tmp_path)  # compiles
    rounds = [(seconds(OURS, tmp_path), seconds(BARE, tmp_path)) for _ in range(ROUNDS)]
    print()
    for place, what in enumerate(("on the clock", "of the processor")):
        ours, bare = (statistics.median(each[place] for each in times) for times in zip(*rounds, strict=True))
        print(f"window on the screen, {what}: {ours:.2f} s, bare {bare:.2f} s, ratio {ours / bare:.2f}")
        assert ours / bare <= 1.05

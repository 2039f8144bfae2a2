"""A day's work in a few minutes: the window changes rooms, trains a little, explains and cancels, again and again.

What it holds is measured after each cycle: memory, threads, open files and widgets must not grow.
"""

from __future__ import annotations

import gc
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

if TYPE_CHECKING:
    from reliability.window_driver import Driver

_WARM = 0.2  # share of the cycles in which caches fill


@dataclass(frozen=True)
class Held:
    """What the process holds after a cycle: memory [bytes], and numbers of threads, open files and widgets."""

    memory: int
    threads: int
    files: int
    widgets: int


@dataclass(frozen=True)
class Growth:
    """The growth of one quantity: its first value after warming up, its last one, and the slope per 100 cycles."""

    name: str
    first: float
    last: float
    slope: float
    limit: float

    @property
    def is_flat(self) -> bool:
        """Whether it does not grow."""
        return self.slope <= self.limit


_LIMITS = {"memory": 3e6, "threads": 0.5, "files": 0.5, "widgets": 2.0}  # per 100 cycles


def work(driver: Driver, cycles: int) -> None:
    """Do the work in the driver's window, and write down what it holds after each cycle."""
    from app.shell.workspaces import WORKSPACES

    for number in range(cycles):
        for name in WORKSPACES:
            driver.window.show_workspace(name)
            driver.let_work(0.05)
        _label_and_undo(driver, number)
        _train_a_little(driver)
        driver.predict()
        _explain_a_little(driver, number)
        driver.note(json.dumps(asdict(measure(driver))))


def measure(driver: Driver) -> Held:
    """What this process holds once everything is deleted that nobody needs."""
    from PySide6.QtCore import QCoreApplication, QEvent

    for _ in range(3):
        gc.collect()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        driver.let_work(0.02)
    process = psutil.Process()
    widgets = len(driver.application.allWidgets())
    return Held(process.memory_info().rss, process.num_threads(), process.num_fds(), widgets)


def growth(log: Path) -> list[Growth]:
    """The growth of each quantity after warming up; the slope is the median of all slopes between pairs."""
    from scipy.stats import theilslopes

    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    held = [json.loads(line) for line in lines][int(_WARM * len(lines)) :]
    found: list[Growth] = []
    for name, limit in _LIMITS.items():
        values = np.array([each[name] for each in held], dtype=float)
        slope = 100 * float(theilslopes(values).slope) if len(values) > 1 else 0.0
        found.append(Growth(name, values[0], values[-1], slope, limit))
    return found


def _label_and_undo(driver: Driver, number: int) -> None:
    from app.session import label_commands

    session = driver.window.session
    assert session.dataset.cutouts is not None
    label_commands.give(session, [number % len(session.dataset.cutouts)], "disk")
    driver.let_work(0.02)
    session.undo.undo()


def _train_a_little(driver: Driver) -> None:
    session = driver.window.session
    driver.window.show_workspace("train")
    driver.press_start()
    began = time.monotonic()
    driver.wait(lambda: session.activity.training is None or time.monotonic() > began + 0.3)
    if (job := session.activity.training) is not None:
        job.stop()
    driver.wait(lambda: session.activity.training is None)
    if (run := session.run) is not None and session.project is not None and run.path.parent.name == "runs":
        session.open_run(None)
        shutil.rmtree(run.path, ignore_errors=True)
        session.runs_changed.emit()


def _explain_a_little(driver: Driver, number: int) -> None:
    session = driver.window.session
    assert session.project is not None and session.dataset.cutouts is not None
    session.open_run(next((run for run in session.project.runs()), None))
    driver.window.show_workspace("explain")
    for step in range(3):
        session.set_current((7 * number + step) % len(session.dataset.cutouts))
        driver.let_work(0.1)

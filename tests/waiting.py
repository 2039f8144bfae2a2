"""Waiting for work to end, and for nothing to happen, on machines of any speed.

A wait of so many milliseconds passes on a slow machine whatever happens. What shall not happen is looked for after all
work has ended; and where work is held, while other work of the same kind goes on beside it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import Shiboken

from app.jobs.job import Job
from core.events import Event, Progress, Work

_LONG = 60_000  # ms; a machine that is slower has stopped


class PatientBot(QtBot):
    """A bot whose waits end when what is waited for has come, and whose widgets are closed.

    pytest-qt refers to widgets weakly: a panel that no test refers to any more would be deleted while its work goes on,
    where a window closes its panels and their work.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        super().__init__(request)
        self._held: list[Any] = []

    def addWidget(self, widget: Any, *, before_close_func: Callable[[Any], None] | None = None) -> None:
        """Close it after the test, whoever else refers to it."""
        self._held.append(widget)
        super().addWidget(widget, before_close_func=before_close_func)

    def waitUntil(self, callback: Callable[[], Any], *, timeout: int = _LONG) -> None:
        """Fail only where a patient astronomer would have given up."""
        super().waitUntil(callback, timeout=max(timeout, _LONG))

    def waitSignal(self, signal: Any, *, timeout: int = _LONG, **options: Any) -> Any:
        """Fail only where a patient astronomer would have given up; for what may stay away, wait as long as told."""
        patience = timeout if options.get("raising") is False else max(timeout, _LONG)
        return super().waitSignal(signal, timeout=patience, **options)


def is_idle() -> bool:
    """Whether no job runs and nothing is put off to a moment later."""
    things = Shiboken.getAllValidWrappers()
    return not any(
        (isinstance(thing, Job) and thing.is_running)
        or (isinstance(thing, QTimer) and thing.isActive() and thing.isSingleShot())
        for thing in things
    )


def wait_for_all_work(qtbot: QtBot) -> None:
    """Wait until every job has ended and told its end, and what follows from that too."""
    qtbot.waitUntil(is_idle)
    QCoreApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qtbot.waitUntil(is_idle)


def paint(widget: QWidget) -> None:
    """Paint now what would be painted soon; a plot finds its range when it is painted."""
    for _ in range(2):  # what is painted at first may ask for another layout
        QCoreApplication.processEvents()
        widget.grab()


def stays(qtbot: QtBot, read: Callable[[], Any], steps: int = 50) -> bool:
    """Whether ``read`` gives the same before and after a job beside it has made and told so many steps of 2 ms."""
    told: list[Event] = []
    clock = Job("Clock", _ticking)
    clock.happened.connect(told.extend)
    before = read()
    clock.start()
    qtbot.waitUntil(lambda: len(told) >= steps)
    clock.close()
    return read() == before


def wait_for_a_standstill(qtbot: QtBot, read: Callable[[], Any], steps: int = 50) -> Any:
    """What is read once it changes no more while so many steps are made, see :func:`stays`."""
    end = time.monotonic() + _LONG / 1000
    while not stays(qtbot, read, steps):
        assert time.monotonic() < end, "it goes on and on"
    return read()


def _ticking(stop: threading.Event) -> Work[None]:
    step = 0
    while not stop.is_set():
        time.sleep(0.002)
        step += 1
        yield Progress(step, None, "ticks")

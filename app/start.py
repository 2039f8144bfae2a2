"""Start the window: it paints before it imports what only open data, settings or files need.

So no module of the shell or the session imports numpy, pydantic or what builds on them at its head: whatever needs
them imports them when it is first asked for, and a job imports them right after the first paint.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSettings, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app import theme
from app.jobs.garbage import GarbageCollector
from app.jobs.unanswering import end_program
from app.shell.window import MainWindow
from core.project.user_folders import log_folder

_LONGEST_WAIT = 2000  # ms


class _CrashHooks(QObject):
    """Brings uncaught exceptions of any thread to the window's thread."""

    happened = Signal(object)

    def install(self) -> None:
        """Replace the interpreter's exception hooks."""
        sys.excepthook = self._handle_exception
        threading.excepthook = lambda arguments: self.happened.emit(arguments.exc_value)

    def _handle_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        if not issubclass(kind, KeyboardInterrupt):
            self.happened.emit(error)


class _AfterPaint(QObject):
    """Calls a function once, after a window was painted for the first time; before that it would delay the painting.

    Parameters
    ----------
    window
        It owns this.
    function
        What is called. A window that is not painted, such as a minimised one, does not keep it waiting for long.
    """

    def __init__(self, window: QWidget, function: Callable[[], None]) -> None:
        super().__init__(window)
        self._window = window
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(function)
        self._timer.start(_LONGEST_WAIT)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice the first painting."""
        if event.type() == QEvent.Type.Paint and watched is self._window:
            self._window.removeEventFilter(self)
            if self._timer.isActive():
                self._timer.start(0)
        return False


def run(arguments: Sequence[str]) -> int:
    """Open the window and run until it is closed.

    Parameters
    ----------
    arguments
        ``--demo``, ``--no-reopen``, or the path of a project, a dataset or a packed project.
    """
    parser = argparse.ArgumentParser(prog="tuningfork")
    parser.add_argument("path", nargs="?", type=Path, help="a project, a dataset or a packed project")
    parser.add_argument("--demo", action="store_true", help="open the demonstration survey")
    parser.add_argument("--no-reopen", action="store_true", help="do not open the last project again")
    options = parser.parse_args(arguments)

    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(["tuningfork"])
    QCoreApplication.setOrganizationName("Tuning Fork")
    QCoreApplication.setApplicationName("tuning-fork")
    QApplication.setDesktopFileName("tuning-fork")
    chosen = str(QSettings().value("theme", "system"))
    theme.apply(application, {"light": False, "dark": True}.get(chosen))
    GarbageCollector(application)
    window = MainWindow()
    crashes = _CrashHooks(window)
    crashes.happened.connect(window.report)
    crashes.install()
    window.show()
    window.log.keep_in(log_folder())

    def begin() -> None:
        window.recovery.begin(log_folder())
        window.begin(options.path, demonstration=options.demo, reopen=not options.no_reopen)

    _AfterPaint(window, begin)
    return end_program(QApplication.exec())

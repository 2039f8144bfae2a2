"""Start the window: it paints before anything heavy is imported."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QCoreApplication, QObject, QSettings, QTimer, Signal
from PySide6.QtWidgets import QApplication

from app import theme
from app.jobs.garbage import GarbageCollector
from app.jobs.unanswering import end_program
from app.shell.window import MainWindow
from core.project.user_folders import log_folder


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
    window.recovery.begin(log_folder())
    reopen = not options.no_reopen
    QTimer.singleShot(0, lambda: window.begin(options.path, demonstration=options.demo, reopen=reopen))
    return end_program(QApplication.exec())

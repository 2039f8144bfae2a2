"""Threads that do not answer: work inside a library or on a dead disk cannot be ended, only be left alone.

A window that waited for such a thread would never close. It is asked to stop, given some seconds, and then left; when
the program ends meanwhile, it ends without it.
"""

from __future__ import annotations

import contextlib
import os
import sys

from PySide6.QtCore import QCoreApplication, QSettings, QThread

PATIENCE = 8.0  # seconds that a thread gets to stop
_LAST_PATIENCE = 1.0  # seconds, at the very end
_left: list[QThread] = []


def leave_alone(thread: QThread) -> None:
    """Wait no longer for a thread; it is kept until it ends by itself."""
    _left.append(thread)
    thread.finished.connect(lambda: _left.remove(thread))


def number() -> int:
    """How many threads were left alone and still run."""
    return len(_left)


def end_program(status: int) -> int:
    """End the program in spite of threads that do not answer, and with them the processes that it started.

    Returns
    -------
        The status, where every thread has ended; otherwise this does not return.
    """
    application = QCoreApplication.instance()
    threads = [] if application is None else application.findChildren(QThread)
    if not any(thread.isRunning() and not thread.wait(int(1000 * _LAST_PATIENCE)) for thread in threads):
        return status
    import psutil

    QSettings().sync()
    with contextlib.suppress(psutil.Error):
        children = psutil.Process().children(recursive=True)
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.kill()
        psutil.wait_procs(children, timeout=_LAST_PATIENCE)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a program without a console has none
            stream.flush()
    os._exit(status)

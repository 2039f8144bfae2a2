"""The log: what the program did and told, in memory for its panel and the crash dialog, and in a file."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Literal

from PySide6.QtCore import QObject, Signal

from app.jobs.job import Job
from app.session.session import Session
from core.errors import Problem
from core.printable import on_one_line

Kind = Literal["work", "message", "problem", "defect"]

_MOST = 2000  # lines in memory
_TAIL = 60  # lines in the report of a defect
_FILE, _CRASH_FILE = "window.log", "crash.log"
_MOST_BYTES, _KEPT = 2_000_000, 3


@dataclass(frozen=True)
class Line:
    """A line of the log: when, of which kind, and what."""

    when: datetime
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.when:%Y-%m-%d %H:%M:%S}  {self.kind:9}{on_one_line(self.text)}"


class Log(QObject):
    """Notes the jobs, messages and problems of a session.

    Attributes
    ----------
    lines
        The last ones, the newest last.

    Notes
    -----
    Signals: ``added(line)``.
    """

    added = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lines: deque[Line] = deque(maxlen=_MOST)
        self._handler: RotatingFileHandler | None = None
        self._crashes: IO[str] | None = None
        session.message.connect(lambda text: self.note("message", text))
        session.problem.connect(self.note_error)
        session.activity.job_started.connect(self._follow)

    def note(self, kind: Kind, text: str) -> None:
        """Add a line."""
        line = Line(datetime.now().astimezone(), kind, text)
        self.lines.append(line)
        if self._handler is not None:
            self._handler.handle(logging.makeLogRecord({"msg": str(line)}))
        self.added.emit(line)

    def note_error(self, error: object) -> None:
        """Add a problem or a defect."""
        if isinstance(error, Problem):
            text = f"{error} {error.detail}".strip()
            if not self.lines or self.lines[-1].text != text:  # a panel reports what its job has met
                self.note("problem", text)
        elif isinstance(error, BaseException):
            self.note("defect", f"{type(error).__name__}: {error}")

    def tail(self, most: int = _TAIL) -> str:
        """The last lines as text."""
        return "\n".join(map(str, list(self.lines)[-most:]))

    def _follow(self, job: Job) -> None:
        began = time.monotonic()
        self.note("work", f"{job.title}: begun")
        job.failed.connect(self.note_error)
        job.ended.connect(lambda: self.note("work", f"{job.title}: {job.state} after {time.monotonic() - began:.1f} s"))

    # -- the file --------------------------------------------------------------------------------------------------

    def keep_in(self, folder: Path) -> None:
        """Write the lines to a file in a folder, too, and there what the interpreter says when it breaks down.

        A folder that cannot be written to is done without.
        """
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            self._handler = RotatingFileHandler(
                folder / _FILE, maxBytes=_MOST_BYTES, backupCount=_KEPT, encoding="utf-8", errors="backslashreplace"
            )
            self._crashes = (folder / _CRASH_FILE).open("a", encoding="utf-8")
            faulthandler.enable(self._crashes)

    def close(self) -> None:
        """Close the files."""
        if self._crashes is not None:
            faulthandler.disable()
            self._crashes.close()
        if self._handler is not None:
            self._handler.close()
        self._handler = self._crashes = None


def only(lines: Sequence[Line], kinds: Sequence[Kind]) -> list[Line]:
    """The lines of some kinds."""
    return [line for line in lines if line.kind in kinds]

"""Whether the program ended unexpectedly the last time: killed, broken down, or the power was cut.

While a window is open, a file says so, with its process, its project and the training that runs. A clean end removes
it. One whose process is gone tells the next start what was interrupted.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.errors import Problem
from core.project.files import write_atomically
from core.reading import read_json

_CLOCK = 2.0  # seconds by which two readings of the start of a process may differ


@dataclass(frozen=True)
class UnexpectedEnd:
    """What was interrupted: the time at which it was last heard of, the project and the training; empty: none."""

    when: datetime
    project: str = ""
    training: str = ""


class OpenMark:
    """The file that says that a window is open.

    Parameters
    ----------
    folder
        For such files.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / f"open-{platform.node()}-{os.getpid()}.json"

    def write(self, project: Path | None, training: Path | None) -> None:
        """Note what is open and what runs; a disk that cannot be written to is done without."""
        import psutil

        values = {
            "process": os.getpid(),
            "begun": psutil.Process().create_time(),
            "project": "" if project is None else str(project),
            "training": "" if training is None else str(training),
        }
        with contextlib.suppress(OSError, Problem):
            write_atomically(self._file, json.dumps(values))

    def remove(self) -> None:
        """Note the clean end."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)


def find_unexpected_end(folder: Path) -> UnexpectedEnd | None:
    """The latest unexpected end, of which is then told no more; None: there was none."""
    found: list[UnexpectedEnd] = []
    for file in sorted(folder.glob(f"open-{platform.node()}-*.json")):  # several machines may share the folder
        with contextlib.suppress(OSError, Problem, ValueError, TypeError, KeyError):
            if _is_open(file):
                continue
            values = read_json(file, "The mark of an open window")
            when = datetime.fromtimestamp(file.stat().st_mtime).astimezone()
            found.append(UnexpectedEnd(when, str(values["project"]), str(values["training"])))
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
    return max(found, key=lambda end: end.when, default=None)


def _is_open(file: Path) -> bool:
    """Whether the process that wrote a mark still runs, and is not another one of its number."""
    import psutil

    values = read_json(file, "The mark of an open window")
    try:
        begun = psutil.Process(int(values["process"])).create_time()
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
    return abs(begun - float(values["begun"])) < _CLOCK

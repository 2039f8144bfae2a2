"""Readers with planted faults, by which the machinery shows that it sees each of them. Run as a program."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from reliability.outcomes import NeighbourLost  # noqa: E402 - found by the line above
from reliability.reader import Reader  # noqa: E402
from reliability.workers import Limits, try_files  # noqa: E402

from core.errors import Problem, UnreadableFile  # noqa: E402

_LIMITS = Limits(seconds=0.2, memory=20 * 2**20, grace=0.2, silence=1.0)
_WHOLE = b"whole"


def _write(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(_WHOLE)
    return folder / "file"


def _planted(fault: Callable[[Path], object]) -> Callable[[Path, Path], Problem | None]:
    """A road on which every damaged file meets the fault."""

    def road(_folder: Path, file: Path) -> Problem | None:
        if file.read_bytes() != _WHOLE:
            fault(file)
        return None

    return road


def _throw(error: BaseException) -> None:
    raise error


def _compute(_file: Path) -> None:
    while True:
        pass


def _compute_long(_file: Path) -> None:
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass


def _grow(_file: Path) -> None:
    _ = b"x" * (40 * 2**20)


def _connect(_file: Path) -> None:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9), 0.1)


def _open_in_c(file: Path) -> None:
    ctypes.CDLL(None).fopen(bytes(file.parents[2] / "bait.txt"), b"r")


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda _file: None, "read"),
    "a problem": (lambda _file: _throw(UnreadableFile("It is damaged.")), "refused"),
    "an error": (lambda _file: _throw(KeyError("x")), "defect"),
    "the end": (lambda _file: _throw(SystemExit(0)), "defect"),
    "a dead process": (lambda _file: os.kill(os.getpid(), signal.SIGSEGV), "crash"),
    "no end of computing": (_compute, "hang"),
    "long computing": (_compute_long, "hang"),
    "no end of waiting": (lambda _file: time.sleep(100), "hang"),
    "much memory": (_grow, "memory"),
    "another file": (lambda file: (file.parents[2] / "bait.txt").read_bytes(), "outside"),
    "another file, by a library": (_open_in_c, "outside"),
    "another program": (lambda _file: os.system("true"), "outside"),
    "the network": (_connect, "outside"),
    "a lost neighbour": (lambda _file: _throw(NeighbourLost("good1")), "neighbour lost"),
}


def main() -> None:
    """Print what the machinery made of each fault, as JSON."""
    seen = {}
    for name, (fault, _) in FAULTS.items():
        reader = Reader(name, _write, _planted(fault), (lambda content, _chance: content + b"x",))
        tally = try_files(reader, [1, 2], processes=2, limits=_LIMITS)
        seen[name] = dict(tally.counts)
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

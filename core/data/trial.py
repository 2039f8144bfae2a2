"""Trying HDF5 files in a process of its own before this one opens them.

The HDF5 library runs for ever on some damaged files, or asks for more memory than there is; nothing inside this process
could end that. So another process opens each file first. It takes some tenths of a second to start, once, and then a
millisecond a file; files that were tried already, or that this process has written, are not tried again as long as
their size and time stay the same.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.data import open_files
from core.data.regular_files import open_regular
from core.errors import Stopped, UnreadableFile
from core.events import NEVER

if TYPE_CHECKING:
    import h5py

COMMAND = "--try-files"
"""The argument with which the frozen program becomes the process that tries files, as :mod:`app.command` knows."""

_ROOT = Path(__file__).parents[2]  # the folder of this ``core``, installed or not
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_COMPUTING = 1.0  # seconds of computing for any file
_BYTES_PER_SECOND = 10e6  # and for each so many bytes one more; a tenth of what short texts, the slowest, take
_LONGER = 60.0  # seconds more at most
_WAITING = 60.0  # seconds, however little it computes
_STARTING = 60.0  # seconds
_MEMORY = 800 * 2**20  # bytes beyond what the process began with
_LOOK_EVERY = 0.02  # seconds
_TOO_LARGE = "it asks for far more memory than its size allows"

Identity = tuple[int, int, int, int]


def open_file(path: Path | str, stop: threading.Event = NEVER) -> h5py.File:
    """Open an HDF5 file for reading, once it is known that this comes to an end.

    Raises
    ------
    UnreadableFile
        It does not, or this is no regular file.
    OSError
        It cannot be read.
    Stopped
        ``stop`` was set.
    """
    require_openable(path, stop)
    return open_files.open_shared(path)


def require_openable(path: Path | str, stop: threading.Event = NEVER) -> None:
    """Require a file with which the HDF5 library comes to an end; nothing is said of whether it is whole.

    Raises
    ------
    UnreadableFile, OSError, Stopped
        As :func:`open_file`.
    """
    name = str(path)
    identity = _identity(name)
    if identity not in _known and _has_signature(name, identity[2]):
        with _one_at_a_time:
            if identity not in _known:
                _known[identity] = _try_file(name, identity[2], stop)
    if reason := _known.get(identity, ""):
        raise UnreadableFile(f"The file is damaged: {reason}.", "Download or copy it again.", name)


def trust(path: Path | str) -> None:
    """Take a file that this process has written as one that can be opened."""
    _known[_identity(str(path))] = ""


def _has_signature(name: str, size: int) -> bool:
    """Whether the HDF5 library would take a file for its own; it looks at 0, 512, 1024, 2048 bytes and so on."""
    with open_regular(name) as file:
        at = 0
        while at < size:
            file.seek(at)
            if file.read(len(_SIGNATURE)) == _SIGNATURE:
                return True
            at = 2 * at or 512
    return False


def _identity(name: str) -> Identity:
    """Device, number, size and time of a regular file, which change when another one takes its place."""
    with open_regular(name) as file:
        status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


_known: dict[Identity, str] = {}  # why a file cannot be opened; empty if it can
_one_at_a_time = threading.Lock()
_processes: list[_Process] = []  # the one that tries files, if it was started


class _Ended(Exception):  # noqa: N818 - what it means depends on when
    """The process has ended by itself."""


class _Process:
    """The process that tries files, as seen from here."""

    def __init__(self) -> None:
        frozen = [sys.executable, COMMAND]
        plain = [sys.executable, "-P", "-m", "core.data.trial_process"]
        path = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if part)
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            frozen if getattr(sys, "frozen", False) else plain,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._is_ready = False

    def try_file(self, name: str, size: int, stop: threading.Event) -> str:
        """Why a file of ``size`` bytes cannot be opened; empty if it can.

        Raises
        ------
        _Ended
            The process did so.
        OSError
            It does not start.
        """
        if not self._is_ready:
            self._wait_for_start(stop)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # if it has ended, that is the answer
            self._process.stdin.write(json.dumps(name).encode() + b"\n")
            self._process.stdin.flush()
        allowed = min(size / _BYTES_PER_SECOND, _LONGER)

        def judge(computed: float, taken: int) -> str:
            if computed > _COMPUTING + allowed:
                return "the HDF5 library does not come to an end with it"
            return _TOO_LARGE if taken > _MEMORY else ""

        return self._wait(judge, _WAITING + allowed, stop)

    def _wait_for_start(self, stop: threading.Event) -> None:
        try:
            reason = self._wait(lambda _computed, _taken: "", _STARTING, stop)
        except _Ended:
            reason = "it has ended"
        if reason:
            raise OSError(f"the process that tries files does not start: {reason}")
        self._is_ready = True

    def _wait(self, judge: Callable[[float, int], str], longest: float, stop: threading.Event) -> str:
        """Wait for an answer, or until the process is ended since ``judge`` gives a reason."""
        began, (computed, taken) = time.monotonic(), self._measure()
        answer: list[bytes] = []
        assert self._process.stdout is not None
        pipe = self._process.stdout
        listener = threading.Thread(target=lambda: answer.append(pipe.readline()), daemon=True)
        listener.start()
        reason = ""
        while not reason:
            listener.join(_LOOK_EVERY)
            if not listener.is_alive():
                break
            now_computed, now_taken = self._measure()
            reason = judge(now_computed - computed, now_taken - taken)
            if time.monotonic() - began > longest:
                reason = reason or f"it could not be read within {longest:.0f} s"
            if stop.is_set():
                reason = "stopped"
        if reason:
            self.end()
            listener.join()
            if stop.is_set():
                raise Stopped
            return reason
        if not answer[0]:
            raise _Ended
        return _TOO_LARGE if answer[0] == b"memory\n" else ""

    def _measure(self) -> tuple[float, int]:
        """Seconds of computing and bytes of memory so far."""
        import psutil  # late: most programs that read images need none of this

        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            times = process.cpu_times()
            return times.user + times.system, process.memory_info().rss
        return 0.0, 0

    @property
    def has_ended(self) -> bool:
        """Whether it can be asked no more."""
        return self._process.poll() is not None

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def start() -> None:
    """Start the process that tries files, so that the first file need not wait for it."""
    if not _processes:
        _processes.append(_Process())


def end() -> None:
    """End the process that tries files; another one is started when it is needed."""
    while _processes:
        _processes.pop().end()


def _try_file(name: str, size: int, stop: threading.Event) -> str:
    """Why a file cannot be opened; empty if it can, or if no process can be started to try it."""
    for _ in range(2):  # it may have been ended by someone who needed its memory
        if _processes and _processes[0].has_ended:
            end()
        try:
            start()
            return _processes[0].try_file(name, size, stop)
        except _Ended:
            continue
        except OSError:
            return ""
    return "the HDF5 library breaks down on it"


def _forget_process() -> None:
    """After a fork: the process belongs to the other one."""
    global _one_at_a_time  # noqa: PLW0603
    _one_at_a_time = threading.Lock()
    _processes.clear()


atexit.register(end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_process)

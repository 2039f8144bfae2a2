"""The processes that simulate blocks of galaxies; none outlives the process that started it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Self

import psutil

from core import errors
from core.errors import Problem

COMMAND = "--simulate-blocks"
"""The argument with which the frozen program becomes a worker, as :mod:`app.command` knows."""

_ROOT = Path(__file__).parents[2]  # the folder of this ``core``, installed or not
_AHEAD = 2  # blocks that a worker is given at once, so that it never waits
_SHUTDOWN_TIMEOUT = 10.0  # seconds
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def usual_workers() -> int:
    """As many as there are processor cores that this process may use."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    with contextlib.suppress(AttributeError, psutil.Error):  # macOS
        cores = min(cores, len(psutil.Process().cpu_affinity() or [0]))
    return cores


class Crew:
    """Workers that simulate the blocks that they are given, a context manager.

    Each has a pipe to this process: when it is closed, or this process dies, the worker ends at once. Each computes in
    one thread, so that the stamps are the same to the last bit whatever the number of workers.

    Parameters
    ----------
    task
        What a worker has to know, see :mod:`core.simulate.worker_process`.
    count
        Number of workers.
    log
        File for what they print.
    """

    def __init__(self, task: dict[str, Any], count: int, log: Path) -> None:
        self._task, self._count, self._log = json.dumps(task), count, log
        self._answers: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
        self._workers: list[subprocess.Popen[str]] = []
        self._listeners: list[threading.Thread] = []
        self._busy = [0] * count

    def __enter__(self) -> Self:
        with self._log.open("w", encoding="utf-8") as log:
            for number in range(self._count):
                worker = subprocess.Popen(  # noqa: S603 - this program itself
                    _command(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    encoding="utf-8",
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C goes to this process, which stops its workers
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
                self._workers.append(worker)
                assert worker.stdout is not None
                listener = threading.Thread(target=self._listen, args=(number, worker.stdout), daemon=True)
                listener.start()
                self._listeners.append(listener)
                self._tell(number, self._task)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            if worker.stdin is not None:
                with contextlib.suppress(OSError):  # it has ended
                    worker.stdin.close()
        for worker in self._workers:
            try:
                worker.wait(_SHUTDOWN_TIMEOUT)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        for listener in self._listeners:
            listener.join()

    @property
    def idle(self) -> int | None:
        """A worker that can be given another block; None: all have enough to do."""
        least = min(range(self._count), key=self._busy.__getitem__)
        return least if self._busy[least] < _AHEAD else None

    def give(self, worker: int, block: int) -> None:
        """Give a block to a worker."""
        self._busy[worker] += 1
        self._tell(worker, str(block))

    def answer(self, seconds: float) -> dict[str, Any] | None:
        """The next answer, see :mod:`core.simulate.worker_process`; None if there is none within so many seconds.

        Raises
        ------
        Problem
            A worker has met with one, or has died.
        """
        try:
            worker, line = self._answers.get(timeout=seconds)
        except queue.Empty:
            return None
        if not line:
            raise self._death(worker)
        said: dict[str, Any] = json.loads(line)
        if "problem" in said:
            kind, *texts = said["problem"]
            raise getattr(errors, kind, Problem)(*texts)
        self._busy[worker] -= "block" in said
        return said

    def _tell(self, worker: int, line: str) -> None:
        pipe = self._workers[worker].stdin
        assert pipe is not None
        with contextlib.suppress(OSError):  # it has ended, which its silence tells
            pipe.write(line + "\n")
            pipe.flush()

    def _listen(self, worker: int, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self._answers.put((worker, line))
        self._answers.put((worker, ""))

    def _death(self, number: int) -> Problem:
        worker = self._workers[number]
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(_SHUTDOWN_TIMEOUT)
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n") if self._log.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if worker.returncode and worker.returncode < 0:
            last = f"signal {-worker.returncode}"
        return Problem(
            f"A process that simulates galaxies has ended ({last or 'without a word'}).",
            "If memory is short, close other programs or use fewer workers.",
            str(self._log),
        )


def _command() -> list[str]:
    """The command line of a worker.

    With the safe path (``-P``) Python does not import modules from the working folder.
    """
    frozen = getattr(sys, "frozen", False)
    return [sys.executable, COMMAND] if frozen else [sys.executable, "-P", "-m", "core.simulate.worker_process"]


def _environment() -> dict[str, str]:
    path = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return os.environ | _ONE_THREAD | {"PYTHONPATH": path, "PYTHONUTF8": "1"}

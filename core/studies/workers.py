"""Several processes at work on one search. Each is the command line's worker; none outlives the one that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Self

import psutil

from core.errors import Problem

_SHUTDOWN_TIMEOUT = 60.0  # seconds for a worker to end its batch and give its trial back
_ROOT = Path(__file__).parents[2]  # where this very ``core`` lies, installed or not


class Crew:
    """Workers that help with a search as long as the block lasts.

    Each is held on a pipe: when this process closes it, or dies, the worker gives its trial back and ends. The
    processors are shared among them.

    Parameters
    ----------
    data
        The dataset.
    folder
        The search's.
    count
        How many.
    """

    def __init__(self, data: Path, folder: Path, count: int) -> None:
        self._data, self._folder, self._count = data, folder, count
        self._logs: list[IO[bytes]] = []
        self._workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        (self._folder / "workers").mkdir(exist_ok=True)
        for number in range(1, self._count + 1):
            log = self._log(number).open("ab")
            self._logs.append(log)
            self._workers.append(
                subprocess.Popen(  # noqa: S603 - this very program
                    worker_command(self._data, self._folder, number),
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=worker_environment(self._count),
                    start_new_session=True,  # Ctrl-C is for this process, which passes the wish on
                )
            )
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            if worker.stdin is not None:
                worker.stdin.close()
        for worker in self._workers:
            try:
                worker.wait(_SHUTDOWN_TIMEOUT)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        for log in self._logs:
            log.close()

    @property
    def is_at_work(self) -> bool:
        """Whether any worker is alive."""
        return any(worker.poll() is None for worker in self._workers)

    @property
    def problem(self) -> Problem:
        """What the workers said last."""
        said = [
            line for number in range(1, self._count + 1) for line in self._log(number).read_text("utf-8").splitlines()
        ]
        return Problem(
            f"All workers have ended before the search was over: {said[-1] if said else 'they said nothing.'}",
            "See their logs.",
            str(self._folder / "workers"),
        )

    def _log(self, number: int) -> Path:
        return self._folder / "workers" / f"{number}.log"


def worker_command(data: Path, folder: Path, number: int) -> list[str]:
    """The command line of a worker.

    With the safe path (``-P``) Python does not look for modules in the working folder, which may hold a ``core`` or a
    ``torch.py`` of the user's own.
    """
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-P", "-m", "core.cli"]
    return [*program, "search", str(data), "-o", str(folder), "--worker", "--leash", str(number), "--quiet"]


def worker_environment(count: int) -> dict[str, str]:
    """The environment of a worker: this program's folder is searched first, and so many share the processors."""
    threads = max(1, (psutil.cpu_count(logical=False) or os.cpu_count() or 1) // count)
    path = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": path}

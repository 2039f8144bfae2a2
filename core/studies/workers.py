"""Worker processes of a study. Each runs the command line's worker; none outlives the process that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

import psutil

from core.errors import Problem
from core.project.files import make_folder
from core.project.labels import LabelJournal

_SHUTDOWN_TIMEOUT = 60.0  # seconds for a worker to finish its batch and return its trial
_SEARCH = ("search",)
_ROOT = Path(__file__).parents[2]  # the folder of this ``core``, installed or not


class Crew:
    """The workers of a study, a context manager: they run as long as the block lasts.

    Each has a pipe to this process: when it is closed, or this process dies, the worker returns its trial, or saves its
    run, and ends. The processors are shared among them.

    Parameters
    ----------
    data
        The dataset.
    folder
        The study's.
    count
        Number of workers.
    hand_labels
        Labels given by hand; None: there are none.
    command
        Of the command line, which runs them.
    """

    def __init__(
        self,
        data: Path,
        folder: Path,
        count: int,
        hand_labels: LabelJournal | None = None,
        command: Sequence[str] = _SEARCH,
    ) -> None:
        self._data, self._folder, self._count, self._hand_labels = data, folder, count, hand_labels
        self._command = command
        self._logs: list[IO[bytes]] = []
        self._workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        make_folder(self._folder / "workers")
        for number in range(1, self._count + 1):
            log = self._log(number).open("ab")
            self._logs.append(log)
            self._workers.append(
                subprocess.Popen(  # noqa: S603 - this program itself
                    worker_command(self._data, self._folder, number, self._hand_labels, self._command),
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=worker_environment(self._count),
                    start_new_session=True,  # Ctrl-C goes to this process, which stops its workers
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
        """The problem that the workers have failed, with the last line of their logs."""
        lines = [
            line for number in range(1, self._count + 1) for line in self._log(number).read_text("utf-8").splitlines()
        ]
        return Problem(
            f"All workers have ended before the study was over: {lines[-1] if lines else 'their logs are empty.'}",
            "See their logs.",
            str(self._folder / "workers"),
        )

    def _log(self, number: int) -> Path:
        return self._folder / "workers" / f"{number}.log"


def worker_command(
    data: Path,
    folder: Path,
    number: int,
    hand_labels: LabelJournal | None = None,
    command: Sequence[str] = _SEARCH,
) -> list[str]:
    """The command line of a worker.

    With the safe path (``-P``) Python does not import modules from the working folder, which may hold a ``core`` or a
    ``torch.py`` of the user's.
    """
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-P", "-m", "core.cli"]
    worker = [*command, str(data), "-o", str(folder), "--worker", "--leash", str(number), "--quiet"]
    return [*program, *worker, *(["--hand-labels", str(hand_labels.path)] if hand_labels is not None else [])]


def worker_environment(count: int) -> dict[str, str]:
    """The environment of a worker: this program's folder comes first, and ``count`` workers share the processors.

    Unless the number of threads was fixed by the user, a worker gives up some where others use the processors, too.
    """
    from core.train.cores import SHARE, is_number_fixed  # late: it loads torch

    threads = max(1, (psutil.cpu_count(logical=False) or os.cpu_count() or 1) // count)
    path = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH", "")) if part)
    shares = {} if is_number_fixed(os.environ) else {SHARE: "1"}
    return os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": path} | shares

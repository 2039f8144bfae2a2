"""Processes that make the pieces of :mod:`core.data.import_pieces` ahead of who uses them; none outlives this one."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from pathlib import Path
from typing import Any

import psutil

from core.data.discovery import Source
from core.data.import_pieces import Piece, PiecePlan, write_piece
from core.errors import Problem, Stopped
from core.events import NEVER, Progress, Work

_WAIT = 0.1  # seconds between looks at ``stop``
_FEW = 256  # files that are read sooner than a process starts


def usual_workers() -> int:
    """As many as there are processor cores that this process may use."""
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    with contextlib.suppress(AttributeError, psutil.Error):  # macOS
        cores = min(cores, len(psutil.Process().cpu_affinity() or [0]))
    return cores


Take = Callable[[], Work[Piece]]
"""Gives the next piece, in their order, once it is made."""


@contextlib.contextmanager
def making(
    common: PiecePlan, pieces: Sequence[tuple[Sequence[Source], Path]], workers: int, stop: threading.Event = NEVER
) -> Generator[Take]:
    """Make pieces within the block, a few ahead of the one that is taken.

    Parameters
    ----------
    common
        What they have in common.
    pieces
        The files and the dataset to be written of each.
    workers
        Number of processes; 0, or a few files only: this one alone.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    """
    if workers < 1 or sum(len(sources) for sources, _ in pieces) <= _FEW:
        waiting = iter(pieces)

        def make() -> Work[Piece]:
            yield Progress(0, None, "files")
            return write_piece(common, *next(waiting), stop)

        yield make
        return
    context = multiprocessing.get_context("spawn")  # which is safe beside the threads of torch and of the window
    ended = context.Event()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(common, ended))
    try:
        yield _Line(pool, pieces, workers, stop).take
    finally:
        ended.set()
        pool.shutdown(cancel_futures=True)


class _Line:
    """The pieces in their order, of which so many as there are processes, and one more, are being made."""

    def __init__(
        self,
        pool: ProcessPoolExecutor,
        pieces: Sequence[tuple[Sequence[Source], Path]],
        workers: int,
        stop: threading.Event,
    ) -> None:
        self._pool, self._waiting, self._stop = pool, deque(pieces), stop
        self._made: deque[Future[Piece]] = deque()
        for _ in range(workers + 1):
            self._give()

    def _give(self) -> None:
        if self._waiting:
            self._made.append(self._pool.submit(_make, *self._waiting.popleft()))

    def take(self) -> Work[Piece]:
        """The next piece."""
        first = self._made.popleft()
        try:
            while True:
                if self._stop.is_set():
                    raise Stopped
                with contextlib.suppress(TimeoutError):
                    made = first.result(_WAIT)
                    self._give()
                    return made
                yield Progress(0, None, "files")
        except BrokenProcessPool:
            raise Problem(
                "A process that reads images has ended.",
                "If memory is short, close other programs or use fewer processes (--workers 0: none).",
            ) from None


# -- in the other process ------------------------------------------------------------------------------------------

_task: list[Any] = []


def _begin(common: PiecePlan, ended: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program that waits
    _task[:] = common, ended
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End at once when the process that waits is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _make(sources: Sequence[Source], output: Path) -> Piece:
    common, ended = _task
    return write_piece(common, sources, output, ended)

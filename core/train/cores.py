"""How many threads a training computes with, while other programs use some of the cores.

A step of a training is some hundred loops that all threads do together, and each ends when the last thread has. On a
core that another program uses, that thread waits for its turn, a few milliseconds, and all others wait for it, mostly
without giving up their cores: the convolution kernels of oneDNN wait in a loop of their own. With two threads on two
cores, one of which is taken, a step then takes fifty times as long as with one thread. So a training counts the cores
that others use, and computes with as many threads as there are cores left.

Sums depend on the number of threads in their last digits, so that a change is said. Whoever needs every digit again
fixes the number with the environment variable ``OMP_NUM_THREADS``, on a machine that is otherwise idle.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import psutil
import torch

from core.errors import Problem

SHARE = "TUNINGFORK_SHARES_CORES"  # in the environment of a study's worker: its OMP_NUM_THREADS may be too many
_WINDOW = 2.0  # seconds over which the use of the cores is averaged
_SLACK = 0.5  # of a core may be used by others while it counts as free
_FIRST_PATIENCE, _LONGEST_PATIENCE = 6.0, 300.0  # seconds for which cores have to be free, before they are used


@dataclass(frozen=True)
class Use:
    """The seconds for which cores have been used at one time: by all programs, this process, and this thread of it."""

    at: float
    by_all: float
    by_process: float
    by_thread: float

    @classmethod
    def now(cls) -> Use:
        """The present one, of the cores that this process may use."""
        own = _own_cores()
        times = [each for core, each in enumerate(psutil.cpu_times(percpu=True)) if not own or core in own]
        at = time.monotonic()
        idle = sum(each.idle + getattr(each, "iowait", 0.0) for each in times)
        return cls(at, at * len(times) - idle, time.process_time(), time.thread_time())

    def others_until(self, later: Use, threads: int) -> float:
        """How many cores others have used on average from this time to a later one.

        Others are other programs, and in this one whatever is computed besides by other threads than these: the
        calling one and those that work for it, which are as busy as it is, or less.
        """
        own = min(later.by_process - self.by_process, threads * (later.by_thread - self.by_thread))
        return max(0.0, (later.by_all - self.by_all - own) / (later.at - self.at))


class SharedCores:
    """The threads of a training.

    Parameters
    ----------
    is_fixed
        Whether their number stays, as on a graphics card, whose speed does not depend on it.
    most
        The largest number; None: the present one.
    cores
        How many cores the process may use; None: as the system says.
    read
        Reads the use of the cores.
    clock
        The time of that reading, which alone takes a hundredth of the time.
    """

    def __init__(
        self,
        is_fixed: bool,
        most: int | None = None,
        cores: int | None = None,
        read: Callable[[], Use] = Use.now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most or torch.get_num_threads()
        self._cores = cores or len(_own_cores()) or os.cpu_count() or 1
        self._read, self._clock = read, clock
        self._is_fixed = is_fixed or self._most == 1
        self._threads = self._most
        self._last = None if self._is_fixed else read()
        self._free_since: float | None = None
        self._patience = _FIRST_PATIENCE

    @classmethod
    def of(cls, device: torch.device) -> SharedCores:
        """Those of a training on this device, in this process."""
        return cls(device.type != "cpu" or is_number_fixed(os.environ))

    @property
    def threads(self) -> int:
        """How many threads compute now."""
        return self._threads

    def share(self, after: str) -> Problem | None:
        """Change the number of threads if need be; returns what to say, with ``after`` such as “batch 3 of epoch 2”."""
        before = self._threads
        others = self._adapt()
        if others is None:
            return None
        torch.set_num_threads(self._threads)
        return _describe(before, self._threads, others, self._cores, after)

    def _adapt(self) -> float | None:
        """Choose the number of threads anew; returns how many cores others use if it has changed."""
        if self._last is None or self._clock() - self._last.at < _WINDOW:
            return None
        use = self._read()
        others, self._last = self._last.others_until(use, self._threads), use
        wanted = affordable(self._most, self._threads, self._cores - others)
        if wanted <= self._threads:
            self._free_since = None
        elif self._free_since is None:
            self._free_since = use.at
        if wanted == self._threads or (wanted > self._threads and not self._is_patience_over(use.at)):
            return None
        self._threads = wanted
        return others

    def _is_patience_over(self, now: float) -> bool:
        """Whether cores have been free long enough; the next time it has to be for longer."""
        if self._free_since is None or now - self._free_since < self._patience:
            return False
        self._free_since, self._patience = None, min(2 * self._patience, _LONGEST_PATIENCE)
        return True


def affordable(most: int, present: int, free: float) -> int:
    """How many threads to compute with, when others leave so many cores free.

    Cores that become free are used only where that gives a quarter more threads, or all.

    Examples
    --------
    >>> affordable(2, 2, free=1.0), affordable(2, 1, free=1.9), affordable(16, 12, free=13.2)
    (1, 2, 12)
    """
    wanted = min(max(1, int(free + _SLACK)), most)
    return present if present < wanted < min(most, 1.25 * present) else wanted


def is_number_fixed(environment: Mapping[str, str]) -> bool:
    """Whether the number of threads was fixed by whoever started the program."""
    return "OMP_NUM_THREADS" in environment and SHARE not in environment


@contextlib.contextmanager
def threads_given_back() -> Iterator[None]:
    """At the end, compute with as many threads as before."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def _own_cores() -> set[int]:
    """The cores that this process may use; empty where the system does not say."""
    with contextlib.suppress(AttributeError, psutil.Error, OSError):
        return set(psutil.Process().cpu_affinity() or ())
    return set()


def _describe(before: int, now: int, others: float, cores: int, after: str) -> Problem:
    threads = f"{now} thread" + ("s" if now != 1 else "")
    why = (
        f"Other programs use {others:.1f} of {cores} cores"
        if now < before
        else f"{cores - others:.1f} of {cores} cores are free again"
    )
    return Problem(
        f"{why}: after {after} the training computes with {threads} instead of {before}. "
        "Sums differ in their last digits, so that the same training on an idle machine gives slightly other numbers.",
        "To get the same ones on a busy machine, start the program with OMP_NUM_THREADS set.",
        "threads",
    )

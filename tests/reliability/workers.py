"""Child processes that try damaged files one after the other, watched from outside for time and memory.

A child is forked from a process that has imported the heavy libraries, so that another one costs milliseconds. One that
dies, hangs or grows is counted and replaced.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import psutil
from reliability.outcomes import Finding, NeighbourLost, Outcome, describe_place
from reliability.reader import Reader
from reliability.watch import Watch

from core.errors import Problem


@dataclass(frozen=True)
class Limits:
    """What a damaged file may take.

    ``seconds`` of computing beyond what a whole file takes, and ``memory`` beyond what the process had [bytes]; more is
    counted, and after ``grace`` more seconds, or at 2.5 times the memory, the process is killed. ``silence`` is for one
    that waits without computing [seconds].
    """

    seconds: float = 2.0
    memory: int = 10**9
    grace: float = 8.0
    silence: float = 20.0


USUAL = Limits()
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux


@dataclass(frozen=True)
class _Reply:
    number: int
    outcome: Outcome
    place: str
    seconds: float
    memory: int


@dataclass
class Tally:
    """What became of the damaged files of one reader: counts, the longest time [s], the most memory [bytes]."""

    reader: str
    counts: dict[Outcome, int] = field(default_factory=dict[Outcome, int])
    findings: list[Finding] = field(default_factory=list[Finding])
    seconds: float = 0.0
    memory: int = 0

    @property
    def total(self) -> int:
        """The number of files."""
        return sum(self.counts.values())

    def join(self, other: Tally) -> None:
        """Add what became of further files."""
        for outcome, count in other.counts.items():
            self.counts[outcome] = self.counts.get(outcome, 0) + count
        self.findings += other.findings
        self.seconds, self.memory = max(self.seconds, other.seconds), max(self.memory, other.memory)

    def add(self, reply: _Reply) -> None:
        """Count one."""
        self.counts[reply.outcome] = self.counts.get(reply.outcome, 0) + 1
        self.seconds, self.memory = max(self.seconds, reply.seconds), max(self.memory, reply.memory)
        if reply.outcome not in ("read", "refused"):
            self.findings.append(Finding(self.reader, reply.number, reply.outcome, reply.place))


def damage(reader: Reader, content: bytes, number: int) -> bytes:
    """Damaged file ``number`` of a reader; 0 is the whole one."""
    if not number:
        return content
    chance = random.Random(f"{reader.name} {number}")
    mutation = reader.mutations[chance.randrange(len(reader.mutations))]
    with contextlib.suppress(Exception):  # a mutation that does not apply to what an earlier one has left
        return mutation(content, chance)
    return content[: chance.randrange(len(content) + 1)]


def try_files(reader: Reader, numbers: Sequence[int], processes: int = 2, limits: Limits = USUAL) -> Tally:
    """Take damaged files through the program and count what becomes of them."""
    tally, waiting = Tally(reader.name), list(reversed(numbers))
    children: list[_Child] = []
    with tempfile.TemporaryDirectory(prefix="reliability") as scratch:
        try:
            places = range(min(processes, len(numbers)))
            children.extend(_Child(reader, Path(scratch) / str(place), limits) for place in places)
            while waiting or any(child.is_busy for child in children):
                for child in children:
                    if not child.is_busy and waiting:
                        child.send(waiting.pop())
                wait([child.pipe for child in children if child.is_busy], timeout=0.05)
                for child in children:
                    if reply := child.look():
                        tally.add(reply)
        except _WholeFileFails as failure:
            tally.add(failure.reply)
            tally.counts[failure.reply.outcome] = len(numbers)
        finally:
            for child in children:
                child.end()
    return tally


class _WholeFileFails(Exception):
    """Not even the whole file goes well."""

    def __init__(self, reply: _Reply) -> None:
        super().__init__(reply.place)
        self.reply = reply


class _Child:
    """One process and what it is doing."""

    def __init__(self, reader: Reader, scratch: Path, limits: Limits) -> None:
        self._reader, self._scratch, self._limits = reader, scratch, limits
        self._start()

    def _start(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
        forked = multiprocessing.get_context("fork")
        self.pipe, other = forked.Pipe()
        self._process = forked.Process(target=_serve, args=(self._reader, self._scratch, other))
        self._process.start()
        other.close()
        self._number: int | None = None
        try:
            first: _Reply = self.pipe.recv()
        except EOFError:
            self.end()
            raise RuntimeError(f"{self._reader.name}: the whole file cannot be written") from None
        if first.outcome not in ("read", "refused"):
            self.end()
            raise _WholeFileFails(first)
        self._usual, self._resting = first.seconds, first.memory

    @property
    def is_busy(self) -> bool:
        return self._number is not None

    def send(self, number: int) -> None:
        self._number, self._began = number, time.monotonic()
        self._computed = self._measure()[0]
        self._looked = 0.0
        self._most = 0
        self.pipe.send(number)

    def look(self) -> _Reply | None:
        """The reply if there is one; or what is counted in its place of a child that has died, hangs or grows."""
        if self._number is None:
            return None
        if self.pipe.poll():
            with contextlib.suppress(EOFError, ConnectionError):
                reply: _Reply = self.pipe.recv()
                self._number = None
                if reply.memory > self._resting + self._limits.memory // 3 and reply.outcome == "read":
                    self._restart()
                return self._judge(reply)
        if not self._process.is_alive():
            code = self._process.exitcode or 0
            return self._replace("crash", signal.Signals(-code).name if code < 0 else f"it ended with {code}")
        waited = time.monotonic() - self._began
        if waited - self._looked < 0.05:
            return None
        self._looked = waited
        seconds, memory = self._measure()
        limits = self._limits
        if memory > self._resting + 2.5 * limits.memory:
            return self._replace("memory", f"more than {2.5 * limits.memory / 1e9:.1f} GB", memory - self._resting)
        if seconds - self._computed > limits.seconds + limits.grace + self._usual:
            return self._replace("hang", "it computed without an end")
        if waited > limits.silence and seconds - self._computed < limits.seconds:
            return self._replace("hang", "it waited without an end")
        return None

    def _judge(self, reply: _Reply) -> _Reply:
        grown = max(0, reply.memory - self._resting)
        outcome, place = reply.outcome, reply.place
        if outcome in ("read", "refused", "defect") and grown > self._limits.memory:
            outcome, place = "memory", f"{grown / 1e9:.1f} GB; {place}"
        elif outcome in ("read", "refused", "defect") and reply.seconds > self._limits.seconds + self._usual:
            outcome, place = "hang", f"{reply.seconds:.1f} s; {place}"
        return _Reply(reply.number, outcome, place, reply.seconds, grown)

    def _measure(self) -> tuple[float, int]:
        """Seconds of computing and bytes of the process and those that it has started."""
        seconds, memory = 0.0, 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            for each in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    times = each.cpu_times()
                    seconds += times.user + times.system
                    memory += each.memory_info().rss
        return seconds, memory

    def _replace(self, outcome: Outcome, place: str, memory: int = 0) -> _Reply:
        assert self._number is not None
        reply = _Reply(self._number, outcome, place, time.monotonic() - self._began, memory)
        self._restart()
        return reply

    def _restart(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        if self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()
        self.pipe.close()


def _serve(reader: Reader, scratch: Path, pipe: Connection[Any, Any]) -> None:
    """Try what is asked for, the whole file first."""
    os.setsid()  # so that it is ended together with what it has started
    ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - until the process ends
    inside, bait = scratch / "inside", scratch / "bait.txt"
    inside.mkdir(parents=True)
    bait.write_text("nobody opens this")
    os.environ["TMPDIR"] = tempfile.tempdir = str(inside)
    os.environ["TUNINGFORK_CACHE"] = str(inside / "cache")
    folder = inside / "case"
    file = reader.write(folder)
    content, name = file.read_bytes(), file.relative_to(folder)
    shutil.move(folder, template := inside / "template")
    watch = Watch(inside, bait)

    def attempt(number: int) -> _Reply:
        shutil.copytree(template, folder, symlinks=True)
        (folder / name).write_bytes(damage(reader, content, number))
        _forget_peak()
        reply = _try(reader, folder, folder / name, number, watch)
        shutil.rmtree(folder, ignore_errors=True)
        return reply

    attempt(0)  # so that what is imported or compiled once is not counted
    for number in _asked(pipe):
        pipe.send(attempt(number))


def _asked(pipe: Connection[Any, Any]) -> Iterator[int]:
    yield 0
    with contextlib.suppress(EOFError):
        while True:
            yield pipe.recv()


def _try(reader: Reader, folder: Path, file: Path, number: int, watch: Watch) -> _Reply:
    outcome: Outcome
    before = _computed()
    watch.start()
    try:
        problem = reader.road(folder, file)
        outcome, place = ("refused", str(problem)) if problem is not None else ("read", "")
    except Problem as problem:
        outcome, place = "refused", str(problem)
    except NeighbourLost as error:
        outcome, place = "neighbour lost", str(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        outcome, place = "defect", describe_place(error)
    if seen := watch.stop():
        outcome, place = "outside", seen[0]
    return _Reply(number, outcome, place, _computed() - before, _peak())


def _computed() -> float:
    """Seconds of computing of this process and of those that it has started, ended or not."""
    seconds = sum(os.times()[:4])
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            times = each.cpu_times()
            seconds += times.user + times.system
    return seconds


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """The most memory of the process since :func:`_forget_peak` [bytes]."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return psutil.Process().memory_info().rss

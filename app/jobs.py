"""A piece of work on a thread of its own, seen from the window.

``core`` hands out generators. A :class:`Job` pulls one on a ``QThread`` and drops its events in a mailbox, which a
33 ms timer on the window's thread empties: whatever the generator's speed, the window draws thirty times a second.
The generator is created, run and closed on its own thread, so that its files are, too.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from PySide6.QtCore import QObject, QThread, QTimer, Signal
from shiboken6 import isValid

from core.errors import Stopped
from core.events import EpochEnded, Event, Progress, Work

State = Literal["waiting", "running", "paused", "finished", "failed", "stopped"]
_TICK = 33  # ms
_MAILBOX = 20_000  # events: a generator that is faster than the window waits


class _Puller(QThread):
    """Pulls one generator until it ends, pausing and stopping as it is told."""

    def __init__(self, work: Callable[[threading.Event], Work[Any]], parent: QObject) -> None:
        super().__init__(parent)
        self.setObjectName("work")
        self.mailbox: deque[Event] = deque()
        self.stop = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self.outcome: tuple[State, Any] = ("stopped", None)
        self._work = work

    def run(self) -> None:
        """On the own thread: create, pull, close."""
        try:
            work = self._work(self.stop)
            try:
                while True:
                    self.go.wait()
                    self.mailbox.append(next(work))
                    while len(self.mailbox) > _MAILBOX and not self.stop.is_set():
                        time.sleep(_TICK / 1000)
            except StopIteration as end:
                self.outcome = ("finished", end.value)
            finally:
                work.close()
        except Stopped:
            self.outcome = ("stopped", None)
        except BaseException as error:  # noqa: BLE001 - one of the two places where everything is caught
            self.outcome = ("failed", error)


class Job(QObject):
    """One run of one piece of work.

    Parameters
    ----------
    title
        What it does, for the status bar.
    work
        Makes the generator; called on the job's thread with the event that asks it to stop.
    pausable
        Whether a pause makes sense.

    Notes
    -----
    Signals: ``happened(list of events)`` at most thirty times a second and always before the end; then exactly one of
    ``finished(result)``, ``failed(exception)`` and ``stopped()``; then ``ended()``.
    """

    happened = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    stopped = Signal()
    ended = Signal()
    state_changed = Signal(str)

    def __init__(
        self,
        title: str,
        work: Callable[[threading.Event], Work[Any]],
        parent: QObject | None = None,
        *,
        pausable: bool = False,
    ) -> None:
        super().__init__(parent)
        self.title = title
        self.pausable = pausable
        self.state: State = "waiting"
        self.progress: Progress | None = None
        self._fraction: float | None = None
        self._pulled = 0.0  # seconds, without pauses
        self._since = 0.0
        self._thread = _Puller(work, self)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self._deliver)
        self._thread.finished.connect(self._end)
        thread = self._thread
        self.destroyed.connect(lambda: _abandon(thread))

    def start(self) -> None:
        """Begin."""
        self._since = time.monotonic()
        self._change("running")
        self._timer.start()
        self._thread.start(QThread.Priority.LowPriority)

    def pause(self) -> None:
        """Pull no more until :meth:`resume`; the step that is under way is finished."""
        if self.state == "running":
            self._thread.go.clear()
            self._pulled += time.monotonic() - self._since
            self._change("paused")

    def resume(self) -> None:
        """Go on after a pause."""
        if self.state == "paused":
            self._since = time.monotonic()
            self._change("running")
            self._thread.go.set()

    def stop(self) -> None:
        """Ask the work to end; what it has to hand over still arrives."""
        self._thread.stop.set()
        self._thread.go.set()
        if self.state == "paused":
            self._since = time.monotonic()
            self._change("running")

    def close(self) -> None:
        """Stop and wait for the end, whose signals are still sent."""
        if self.is_running:
            self.stop()
            self._thread.wait()
            self._end()

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.state in {"running", "paused"}

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._thread.stop.is_set()

    @property
    def fraction(self) -> float | None:
        """Share that is done, 0…1; None if unknown."""
        return self._fraction

    @property
    def time_left(self) -> float | None:
        """Seconds left at the present rate; None if unknown."""
        if not self._fraction or not self.is_running:
            return None
        spent = self._pulled + (time.monotonic() - self._since if self.state == "running" else 0.0)
        return spent * (1 - self._fraction) / self._fraction

    def _deliver(self) -> None:
        mailbox = self._thread.mailbox
        events = [mailbox.popleft() for _ in range(len(mailbox))]
        if not events:
            return
        for event in events:
            if isinstance(event, Progress):
                self.progress = event
                self._fraction = event.done / event.total if event.total else None
            elif isinstance(event, EpochEnded):
                self._fraction = event.epoch / event.epochs
        self.happened.emit(events)

    def _end(self) -> None:
        if not self.is_running:
            return
        self._timer.stop()
        self._deliver()
        state, value = self._thread.outcome
        self._change(state)
        if state == "finished":
            self.finished.emit(value)
        elif state == "failed":
            self.failed.emit(value)
        else:
            self.stopped.emit()
        self.ended.emit()
        self._thread.deleteLater()
        self._timer.deleteLater()

    def _change(self, state: State) -> None:
        self.state = state
        self.state_changed.emit(state)


def _abandon(thread: _Puller) -> None:
    """The job's owner is going away: end its thread first, for Qt aborts when a running thread is deleted."""
    if isValid(thread):
        thread.stop.set()
        thread.go.set()
        thread.wait()


class Latest(QObject):
    """Only the newest of several requests counts: starting one stops the one before and silences it.

    Its signals are those of the newest :class:`Job`.
    """

    happened = Signal(object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest: Job | None = None
        self._ending: list[Job] = []

    @property
    def is_running(self) -> bool:
        """Whether the newest request is still worked on."""
        return self._newest is not None

    def start(self, job: Job) -> None:
        """Put a new request in the place of the one before."""
        self.stop()
        job.setParent(self)
        self._newest = job
        self._ending.append(job)
        job.happened.connect(lambda events, job=job: self._pass_on(job, self.happened, events))
        job.finished.connect(lambda result, job=job: self._pass_on(job, self.finished, result))
        job.failed.connect(lambda error, job=job: self._pass_on(job, self.failed, error))
        job.ended.connect(lambda job=job: self._forget(job))
        job.start()

    def stop(self) -> None:
        """Drop the request that is under way; nothing more is heard of it."""
        if self._newest is not None:
            self._newest.stop()
            self._newest = None

    def close(self) -> None:
        """Stop everything and wait for it."""
        self._newest = None
        for job in list(self._ending):
            job.close()

    def _pass_on(self, job: Job, signal: Any, value: object) -> None:
        if job is self._newest:
            if signal is not self.happened and job.state in {"finished", "failed"}:
                self._newest = None
            signal.emit(value)

    def _forget(self, job: Job) -> None:
        if job is self._newest:
            self._newest = None
        self._ending.remove(job)
        job.deleteLater()

"""A piece of work runs on its own thread and tells the window what has happened.

A :class:`Job` drives one generator of ``core``. Its worker pulls ``next()`` and drops each event in a mailbox; a timer
on the window's thread empties the mailbox thirty times a second into one ``happened(list)``. So a training that
reports ten thousand batches costs the window thirty calls a second, and no event is lost. The generator is created,
run and closed on the worker, so that files and networks never cross threads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from PySide6.QtCore import QCoreApplication, QObject, QThread, QTimer, Signal

from app.jobs.pace import Pace
from core.errors import Stopped
from core.events import Event, Progress, Work

JobState = Literal["waiting", "running", "paused", "finished", "failed", "stopped"]
Verb: TypeAlias = Callable[[threading.Event], Work[Any]]

_INTERVAL = 33  # ms between two deliveries
_MAILBOX = 20_000  # events; a generator that is so far ahead waits for the window
_STACK = 16 << 20  # bytes; some systems give threads too little for deep numerical code


class _Worker(QThread):
    """Pulls the generator. It belongs to the application, so that a panel that goes away cannot take it along."""

    def __init__(self, verb: Verb, stop: threading.Event) -> None:
        super().__init__(QCoreApplication.instance())
        self.setStackSize(_STACK)
        self._verb = verb
        self._stop = stop
        self._go_on = threading.Event()
        self._go_on.set()
        self.mailbox: deque[Event] = deque()
        self.outcome: JobState = "stopped"
        self.result: Any = None

    def run(self) -> None:
        """Pull the generator to its end; nothing raised leaves the thread."""
        try:
            self.result = self._pull(self._verb(self._stop))
            self.outcome = "finished"
        except Stopped:
            self.outcome = "stopped"
        except Exception as error:  # noqa: BLE001 - the one place where the window catches what work raises
            self.result, self.outcome = error, "failed"

    def _pull(self, work: Work[Any]) -> Any:
        try:
            while True:
                self._go_on.wait()
                self.mailbox.append(next(work))
                while len(self.mailbox) > _MAILBOX and not self._stop.is_set():
                    time.sleep(_INTERVAL / 1000)
        except StopIteration as end:
            return end.value
        finally:
            work.close()

    def hold(self, paused: bool) -> None:
        """Pull no further until told to go on."""
        if paused:
            self._go_on.clear()
        else:
            self._go_on.set()

    def wind_up(self) -> None:
        """Ask the work to stop, also while it is held."""
        self._stop.set()
        self._go_on.set()

    def wind_up_and_wait(self) -> None:
        """Ask the work to stop and wait until it has."""
        self.wind_up()
        self.wait()


class Job(QObject):
    """One piece of work on one thread.

    Parameters
    ----------
    title
        What it is called in the window.
    work
        Called with the stop event on the worker's thread; returns the generator that is pulled there.
    parent
        Its owner. If the owner is deleted, the work is asked to stop and ends by itself.
    pausable
        Whether a pause button makes sense.
    """

    happened = Signal(object)  # list of events, in order
    finished = Signal(object)  # the result
    failed = Signal(object)  # a Problem, or any other exception
    stopped = Signal()  # it was asked to stop and has nothing to hand over
    ended = Signal()  # after any of the three
    state_changed = Signal(str)

    def __init__(self, title: str, work: Verb, parent: QObject | None = None, pausable: bool = False) -> None:
        super().__init__(parent)
        self.title = title
        self.pausable = pausable
        self.state: JobState = "waiting"
        self._stop = threading.Event()
        self._verb = work
        self._worker: _Worker | None = None
        self._pace = Pace()
        self._started = 0.0
        self._paused_at: float | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self._deliver)
        self.destroyed.connect(self._stop.set)

    @property
    def progress(self) -> Progress | None:
        """How much is done: the last progress told, or the epochs of a training."""
        return self._pace.progress

    @property
    def fraction(self) -> float | None:
        """Share that is done, 0 to 1; None if unknown."""
        return self._pace.fraction

    @property
    def time_left(self) -> float | None:
        """Seconds still needed, from the pace so far; None if unknown."""
        return self._pace.seconds_left(self._clock())

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended; a paused job is running too."""
        return self.state in ("running", "paused")

    def _clock(self) -> float:
        """Seconds since the start, without pauses."""
        return (self._paused_at or time.monotonic()) - self._started

    def start(self) -> None:
        """Begin; only the first call counts."""
        if self.state != "waiting":
            return
        application = QCoreApplication.instance()
        assert application is not None
        if self.parent() is None:
            self.setParent(application)  # somebody has to hold it while it runs
        self._started = time.monotonic()
        self._worker = worker = _Worker(self._verb, self._stop)
        worker.setObjectName(self.title)
        self.destroyed.connect(worker.wind_up)
        application.aboutToQuit.connect(worker.wind_up_and_wait)
        worker.finished.connect(self._over)
        worker.finished.connect(worker.deleteLater)
        worker.start(QThread.Priority.LowPriority)  # the window goes first
        self._timer.start()
        self._change("running")

    def pause(self) -> None:
        """Pull no further; the step under way is still finished."""
        if self.pausable and self.state == "running" and self._worker is not None and not self.stopping:
            self._paused_at = time.monotonic()
            self._worker.hold(True)
            self._change("paused")

    def resume(self) -> None:
        """Go on after a pause."""
        if self.state == "paused" and self._worker is not None and self._paused_at is not None:
            self._started += time.monotonic() - self._paused_at
            self._paused_at = None
            self._worker.hold(False)
            self._change("running")

    def stop(self) -> None:
        """Ask the work to stop; it still hands over what is whole. A job that was never started ends at once."""
        self._stop.set()
        if self._worker is not None:
            self.resume()
            self._worker.wind_up()
        elif self.state == "waiting":
            self._change("stopped")
            self.stopped.emit()
            self.ended.emit()

    def close(self, wait: bool = True) -> None:
        """Stop, and wait until the thread is gone; the end is told before this returns."""
        self.stop()
        if wait and self._worker is not None:
            self._worker.wait()
            self._over()

    def _change(self, state: JobState) -> None:
        self.state = state
        self.state_changed.emit(state)

    def _deliver(self) -> None:
        """Hand on what has come since the last time, in one signal."""
        if self._worker is None:
            return
        mailbox, events = self._worker.mailbox, []
        while mailbox:  # only this thread takes out, so that what is seen is there
            events.append(mailbox.popleft())
        now = self._clock()
        for event in events:
            self._pace.note(event, now)
        if events:
            self.happened.emit(events)

    def _over(self) -> None:
        """The thread is done: deliver the rest, then how it ended."""
        worker = self._worker
        if worker is None or not worker.wait():
            return
        self._deliver()
        if self._worker is None:  # a listener closed this job meanwhile
            return
        self._worker = None
        self._timer.stop()
        self._change(worker.outcome)
        match worker.outcome:
            case "finished":
                self.finished.emit(worker.result)
            case "failed":
                self.failed.emit(worker.result)
            case _:
                self.stopped.emit()
        self.ended.emit()


class Latest(QObject):
    """Only the newest of several requests delivers; an older one is stopped, and what waits is replaced.

    At most one job runs and one waits, so that somebody who leafs through a hundred galaxies starts two or three jobs
    and not a hundred. It owns the jobs that it is given.
    """

    happened = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    stopped = Signal()
    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._current: Job | None = None
        self._waiting: Job | None = None

    @property
    def is_running(self) -> bool:
        """Whether a request runs or waits."""
        return self._current is not None

    def start(self, job: Job) -> None:
        """Run ``job`` instead of whatever was asked before."""
        job.setParent(self)
        if self._current is None:
            self._run(job)
            return
        self._drop_waiting()
        self._waiting = job
        self._current.stop()

    def stop(self) -> None:
        """No answer is wanted any more: of what was asked, only that it was stopped is told."""
        self._drop_waiting()
        if self._current is not None:
            self._current.stop()

    def close(self) -> None:
        """Stop and wait until the thread is gone."""
        self._drop_waiting()
        if self._current is not None:
            self._current.close()

    def _drop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting.deleteLater()
            self._waiting = None

    def _run(self, job: Job) -> None:
        self._current = job
        job.happened.connect(self._happened)
        job.finished.connect(self._finished)
        job.failed.connect(self._failed)
        job.stopped.connect(self._stopped)
        job.ended.connect(self._ended)
        job.start()

    def _wanted(self) -> bool:
        return self._current is not None and not self._current.stopping

    def _happened(self, events: object) -> None:
        if self._wanted():
            self.happened.emit(events)

    def _finished(self, result: object) -> None:
        if self._wanted():
            self.finished.emit(result)
        else:
            self._stopped()

    def _failed(self, error: object) -> None:
        if self._wanted():
            self.failed.emit(error)
        else:
            self._stopped()

    def _stopped(self) -> None:
        if self._waiting is None:
            self.stopped.emit()

    def _ended(self) -> None:
        done, self._current = self._current, None
        if done is not None:
            done.deleteLater()
        following, self._waiting = self._waiting, None
        if following is not None:
            self._run(following)
        else:
            self.ended.emit()

"""Jobs: work on a thread of its own that reports its events to the window.

A :class:`Job` drives one generator of ``core``. Its worker pulls ``next()`` and drops each event in a mailbox; a timer
on the window's thread empties the mailbox thirty times a second into one ``happened(list)``. So a training that
reports ten thousand batches costs the window thirty calls a second, and no event is lost. The generator is created,
run and closed on the worker, so that files and networks never cross threads.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from PySide6.QtCore import QCoreApplication, QObject, QThread, QTimer, Signal

from app.jobs import unanswering
from app.jobs.progress_estimate import ProgressEstimate
from app.jobs.quiet_import import libraries_imported
from core.errors import Stopped
from core.events import Event, Progress, Work

JobState = Literal["waiting", "running", "paused", "finished", "failed", "stopped"]
WorkFactory: TypeAlias = Callable[[threading.Event], Work[Any]]

_GRACE = 2000  # ms in which a job that only reads may still answer
_INTERVAL = 33  # ms between two deliveries
_MAILBOX = 20_000  # events; a generator that is so far ahead waits for the window
_TURN = (
    0.001  # seconds after which a thread that computes in Python hands over the interpreter; Python's default is 5 ms
)
_STACK = 16 << 20  # bytes; some systems give threads too little for deep numerical code


class _Worker(QThread):
    """Pulls the generator. It belongs to the application, so that deleting a panel does not delete it."""

    def __init__(self, factory: WorkFactory, stop: threading.Event, *, at_once: bool) -> None:
        super().__init__(QCoreApplication.instance())
        self.setStackSize(_STACK)
        self._factory = factory
        self._stop = stop
        self._at_once = at_once
        self._resumed = threading.Event()
        self._resumed.set()
        self.mailbox: deque[Event] = deque()
        self.outcome: JobState = "stopped"
        self.result: Any = None

    def run(self) -> None:
        """Pull the generator to its end; nothing raised leaves the thread."""
        try:
            if not self._at_once:
                self._wait_for_libraries()
            self.result = self._pull(self._factory(self._stop))
            self.outcome = "finished"
        except Stopped:
            self.outcome = "stopped"
        except Exception as error:  # noqa: BLE001 - the one place where the window catches what work raises
            self.result, self.outcome = error, "failed"

    def _wait_for_libraries(self) -> None:
        while not libraries_imported.wait(_INTERVAL / 1000):
            if self._stop.is_set():
                raise Stopped

    def _pull(self, work: Work[Any]) -> Any:
        try:
            while True:
                self._resumed.wait()
                self.mailbox.append(next(work))
                while len(self.mailbox) > _MAILBOX and not self._stop.is_set():
                    time.sleep(_INTERVAL / 1000)
        except StopIteration as end:
            return end.value
        finally:
            work.close()

    def set_paused(self, paused: bool) -> None:
        """Pause or resume pulling the generator."""
        if paused:
            self._resumed.clear()
        else:
            self._resumed.set()

    def request_stop(self) -> None:
        """Ask the work to stop, also while it is paused."""
        self._stop.set()
        self._resumed.set()

    def stop_and_wait(self) -> None:
        """Ask the work to stop and wait some seconds until it has."""
        self.request_stop()
        self.wait(int(1000 * unanswering.PATIENCE))


class Job(QObject):
    """One job on one thread.

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
    at_once
        Whether it begins while the window still imports its libraries; all others wait for that.
    is_reading
        Whether it only reads: if it does not answer for a while after it was asked to stop, it is left alone.
    """

    happened = Signal(object)  # list of events, in order
    finished = Signal(object)  # the result
    failed = Signal(object)  # a Problem, or any other exception
    stopped = Signal()  # it was asked to stop and has nothing to hand over
    ended = Signal()  # after any of the three
    state_changed = Signal(str)

    def __init__(
        self,
        title: str,
        work: WorkFactory,
        parent: QObject | None = None,
        pausable: bool = False,
        *,
        at_once: bool = False,
        is_reading: bool = False,
    ) -> None:
        super().__init__(parent)
        self._is_reading = is_reading
        self.title = title
        self.pausable = pausable
        self.state: JobState = "waiting"
        self._stop = threading.Event()
        self._factory = work
        self._at_once = at_once
        self._worker: _Worker | None = None
        self._estimate = ProgressEstimate()
        self._started = 0.0
        self._paused_at: float | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self._deliver)
        self.destroyed.connect(self._stop.set)

    @property
    def progress(self) -> Progress | None:
        """How much is done: the last progress event, or the epochs of a training."""
        return self._estimate.progress

    @property
    def fraction(self) -> float | None:
        """Share that is done, 0 to 1; None if unknown."""
        return self._estimate.fraction

    @property
    def time_left(self) -> float | None:
        """Estimated seconds left; None if unknown."""
        return self._estimate.seconds_left(self._clock())

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
            self.setParent(application)  # keeps it alive while it runs
        sys.setswitchinterval(_TURN)  # one tick of the window takes the interpreter several times, and waits each time
        self._started = time.monotonic()
        self._worker = worker = _Worker(self._factory, self._stop, at_once=self._at_once)
        worker.setObjectName(self.title)
        self.destroyed.connect(worker.request_stop)
        application.aboutToQuit.connect(worker.stop_and_wait)
        worker.finished.connect(self._finish)
        worker.finished.connect(worker.deleteLater)
        worker.start(QThread.Priority.LowPriority)  # the window has priority
        self._timer.start()
        self._set_state("running")

    def pause(self) -> None:
        """Pull no further; the step under way is still finished."""
        if self.pausable and self.state == "running" and self._worker is not None and not self.stopping:
            self._paused_at = time.monotonic()
            self._worker.set_paused(True)
            self._set_state("paused")

    def resume(self) -> None:
        """Go on after a pause."""
        if self.state == "paused" and self._worker is not None and self._paused_at is not None:
            self._started += time.monotonic() - self._paused_at
            self._paused_at = None
            self._worker.set_paused(False)
            self._set_state("running")

    def stop(self) -> None:
        """Ask the work to stop; it still returns complete results. A job that was never started ends at once."""
        self._stop.set()
        if self._worker is not None:
            self.resume()
            self._worker.request_stop()
            if self._is_reading:
                QTimer.singleShot(_GRACE, self, self.leave_alone)
        elif self.state == "waiting":
            self._set_state("stopped")
            self.stopped.emit()
            self.ended.emit()

    def close(self) -> None:
        """Stop, and wait some seconds until the thread has ended; the end is signalled before this returns."""
        self.stop()
        if self._worker is None:
            return
        if self._worker.wait(int(1000 * unanswering.PATIENCE)):
            self._finish()
        else:
            self.leave_alone()

    def leave_alone(self) -> None:
        """Wait no longer for a thread that does not answer: the job counts as stopped, whatever it may still give."""
        worker, application = self._worker, QCoreApplication.instance()
        if worker is None:
            return
        if worker.isFinished():
            self._finish()
            return
        worker.request_stop()
        worker.finished.disconnect(self._finish)
        if application is not None:
            application.aboutToQuit.disconnect(worker.stop_and_wait)
        unanswering.leave_alone(worker)
        self._worker = None
        self._timer.stop()
        self._set_state("stopped")
        self.stopped.emit()
        self.ended.emit()

    def _set_state(self, state: JobState) -> None:
        self.state = state
        self.state_changed.emit(state)

    def _deliver(self) -> None:
        """Emit the events since the last delivery in one signal."""
        if self._worker is None:
            return
        mailbox, events = self._worker.mailbox, []
        while mailbox:  # only this thread removes events
            events.append(mailbox.popleft())
        now = self._clock()
        for event in events:
            self._estimate.note(event, now)
        if events:
            self.happened.emit(events)

    def _finish(self) -> None:
        """Deliver the remaining events of a finished thread, then its outcome."""
        worker = self._worker
        if worker is None or not worker.wait():
            return
        self._deliver()
        if self._worker is None:  # a listener closed this job meanwhile
            return
        self._worker = None
        self._timer.stop()
        self._set_state(worker.outcome)
        match worker.outcome:
            case "finished":
                self.finished.emit(worker.result)
            case "failed":
                self.failed.emit(worker.result)
            case _:
                self.stopped.emit()
        self.ended.emit()


class Latest(QObject):
    """Runs only the newest of several requests: the running one is stopped, a waiting one is replaced.

    At most one job runs and one waits, so that leafing through a hundred galaxies starts two or three jobs
    and not a hundred. It owns the jobs that it is given. A result that comes too late is closed, if it can be.
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
        """Run ``job`` in place of any earlier request."""
        job.setParent(self)
        if self._current is None:
            self._run(job)
            return
        self._drop_waiting()
        self._waiting = job
        self._current.stop()

    def stop(self) -> None:
        """Stop the running request and drop the waiting one; only ``stopped`` and ``ended`` are emitted."""
        self._drop_waiting()
        if self._current is not None:
            self._current.stop()

    def close(self) -> None:
        """Stop, and wait until the thread has ended."""
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

    def _is_wanted(self) -> bool:
        return self._current is not None and not self._current.stopping

    def _happened(self, events: object) -> None:
        if self._is_wanted():
            self.happened.emit(events)

    def _finished(self, result: object) -> None:
        if self._is_wanted():
            self.finished.emit(result)
            return
        if callable(close := getattr(result, "close", None)):
            close()
        self._stopped()

    def _failed(self, error: object) -> None:
        if self._is_wanted():
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

"""Closing the window: all work is asked to stop, and is waited for in sight of the user, but never without a bound."""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QCoreApplication, QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.jobs import unanswering
from app.jobs.job import Job, Latest
from app.session.activity import Activity
from app.widgets.focus_guard import keep_from_focus

_UNSEEN = 0.4  # seconds of waiting of which nothing is shown
_LONGER = 30.0  # seconds that one more wish for patience gives
_TICK = 50  # ms
_NAMED = 6  # jobs listed by name


def wind_up(window: QWidget, activity: Activity) -> None:
    """Stop all work of a window, wait for it as long as that is sensible, and leave alone what does not answer."""
    for latest in window.findChildren(Latest):
        latest.stop()
    for job in running_jobs(window):
        job.stop()
    started = time.monotonic()
    while running_jobs(window) and time.monotonic() < started + _UNSEEN:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, _TICK)
        time.sleep(_TICK / 5000)
    if running_jobs(window):
        notice = ClosingNotice(window, activity)
        notice.exec()
        notice.deleteLater()
    for job in running_jobs(window):
        job.leave_alone()


def running_jobs(window: QWidget) -> list[Job]:
    """The jobs of a window that have not ended, and those that belong to none."""
    application = QCoreApplication.instance()
    assert application is not None
    free = application.findChildren(Job, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return [job for job in (*window.findChildren(Job), *free) if job.is_running]


class ClosingNotice(QDialog):
    """What the closing window waits for, for how long, and what is lost if it does not come to its end.

    Parameters
    ----------
    window
        The window that closes.
    activity
        Tells which of its jobs trains, and which is a study.
    """

    def __init__(self, window: QWidget, activity: Activity) -> None:
        super().__init__(window)
        self.setWindowTitle("Closing")
        self.setModal(True)
        self.setMinimumWidth(460)
        self._window, self._activity = window, activity
        self._end = time.monotonic() + unanswering.PATIENCE
        self.head, self.jobs, self.risk, self.left = (QLabel() for _ in range(4))
        self.head.setText("Waiting for work to stop")
        self.head.setProperty("role", "title")
        self.left.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        for label in (self.head, self.jobs, self.risk, self.left):
            label.setWordWrap(True)
            column.addWidget(label)
        self.longer = QPushButton("Wait longer")
        self.now = QPushButton("Close now")
        keep_from_focus(self.now)
        self.longer.clicked.connect(self._wait_longer)
        self.now.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.longer)
        buttons.addWidget(self.now)
        column.addLayout(buttons)
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK)
        self._clock.timeout.connect(self._look)
        self._clock.start()
        self._look()

    def reject(self) -> None:
        """Go on waiting: all work has been asked to stop, so that there is no way back."""

    def done(self, result: int) -> None:
        """Close the notice."""
        self._clock.stop()
        super().done(result)

    def _wait_longer(self) -> None:
        self._end = max(self._end, time.monotonic()) + _LONGER

    def _look(self) -> None:
        """Show what still runs; end if nothing does, or if there has been patience enough."""
        running, left = running_jobs(self._window), self._end - time.monotonic()
        if not running or left <= 0:
            self.accept()
            return
        names = [f"•  {job.title}" for job in running[:_NAMED]]
        more = [f"•  and {len(running) - _NAMED} more"] if len(running) > _NAMED else []
        self.jobs.setText("\n".join(names + more))
        self.risk.setText(self._describe_risk(running))
        self.left.setText(f"The window closes in {math.ceil(left)} s in any case.")

    def _describe_risk(self, running: list[Job]) -> str:
        """What is lost of this work if it is not waited for; files are written wholly or not at all."""
        training, study = self._activity.training, self._activity.studying
        said: list[str] = []
        if training in running:
            said.append("Of the training, the epoch under way is lost; those before it are kept, and it can go on.")
        if study in running:
            said.append("Of the study, the run under way is lost; the runs before it are kept, and it can go on.")
        if any(job not in (training, study) for job in running):
            said.append("What has not come to its end is not saved; labels and finished files are.")
        return " ".join(said)

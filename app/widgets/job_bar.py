"""The bar of one running job: title, progress, time left, pause and stop."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from app.theme import icon
from app.widgets.focus_guard import keep_from_focus
from app.widgets.message_line import MessageLine
from core.events import Progress
from core.wording import singular

_DELAY = 300  # ms; shorter jobs are never shown
TICK = 250  # ms between two updates of the time left, wherever it is shown
_STEPS = 1000


class Watched(Protocol):
    """The interface that the bar expects of a job."""

    title: str
    pausable: bool

    @property
    def happened(self) -> Any: ...  # noqa: D102
    @property
    def ended(self) -> Any: ...  # noqa: D102
    @property
    def state_changed(self) -> Any: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def progress(self) -> Progress | None: ...  # noqa: D102
    @property
    def fraction(self) -> float | None: ...  # noqa: D102
    @property
    def time_left(self) -> float | None: ...  # noqa: D102
    @property
    def stopping(self) -> bool: ...  # noqa: D102
    def pause(self) -> None: ...  # noqa: D102
    def resume(self) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102


class JobBar(QWidget):
    """A job's title, progress, time left, pause and stop. Hidden while there is none.

    Signals: ``done()`` when the watched job has ended.
    """

    done = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Watched | None = None
        self.title = MessageLine(1, "")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(72)
        self.bar.setRange(0, _STEPS)
        self.left = QLabel()
        self.left.setProperty("role", "muted")
        self.left.setFixedWidth(self.left.fontMetrics().horizontalAdvance("≤ 59:59 min left") + 4)
        self.pause = _make_button("mdi6.pause", "Pause")
        self.stop = _make_button("mdi6.stop", "Stop")
        keep_from_focus(self.pause, self.stop)
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 0, 4, 0)
        line.setSpacing(8)
        line.addStretch()  # in a wide place the title stands beside its bar
        line.addWidget(self.title, 1)
        for widget in (self.bar, self.left):
            line.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self.pause)
        line.addWidget(self.stop)
        policy = self.pause.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.pause.setSizePolicy(policy)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_DELAY)
        self._delay.timeout.connect(self.show)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK)
        self._tick.timeout.connect(self.refresh)
        self.pause.clicked.connect(self._pause_or_resume)
        self.stop.clicked.connect(self._stop)
        self.hide()

    @property
    def job(self) -> Watched | None:
        """The job that is watched."""
        return self._job

    def watch(self, job: Watched) -> None:
        """Show this job until it ends; a short one is never shown."""
        self._unwatch()
        self._job = job
        self.title.setText(job.title)
        self.title.setMaximumWidth(self.title.fontMetrics().horizontalAdvance(self.title.text()) + 4)
        self.pause.setVisible(job.pausable)
        self.stop.setEnabled(True)
        job.happened.connect(self.refresh)
        job.state_changed.connect(self.refresh)
        job.ended.connect(self._ended)
        self._delay.start()
        self._tick.start()
        self.refresh()

    def refresh(self, _what: object = None) -> None:
        """Update bar and text."""
        job = self._job
        if job is None:
            return
        fraction, paused = job.fraction, job.state == "paused"
        self.bar.setRange(0, 0 if fraction is None and not paused else _STEPS)
        if fraction is not None:
            self.bar.setValue(round(_STEPS * fraction))
        self.pause.setIcon(icon("mdi6.play" if paused else "mdi6.pause"))
        self.pause.setToolTip("Go on" if paused else "Pause")
        self.left.setText("stopping…" if job.stopping else "paused" if paused else _describe_state(job))
        self.setToolTip(_format_progress(job.progress))

    def _pause_or_resume(self) -> None:
        if self._job is not None:
            (self._job.resume if self._job.state == "paused" else self._job.pause)()

    def _stop(self) -> None:
        if self._job is not None:
            self.stop.setEnabled(False)
            self._job.stop()
            self.refresh()

    def _ended(self) -> None:
        self._unwatch()
        self.done.emit()

    def _unwatch(self) -> None:
        if self._job is not None:
            self._job.happened.disconnect(self.refresh)
            self._job.state_changed.disconnect(self.refresh)
            self._job.ended.disconnect(self._ended)
            self._job = None
        self._delay.stop()
        self._tick.stop()
        self.hide()


def format_duration(seconds: float) -> str:
    """Format seconds as exactly as an estimate deserves: ``5 s``, ``2:10 min``, ``1:05 h``."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02d} h"


def describe_time_left(job: Watched) -> str:
    """The estimate of the time left, such as ``2:10 min``; of a training at most that, since it may stop early."""
    if job.time_left is None:
        return ""
    most = "≤ " if job.progress is not None and job.progress.unit == "epochs" else ""
    return f"{most}{format_duration(job.time_left)}"


def _describe_state(job: Watched) -> str:
    if left := describe_time_left(job):
        return f"{left} left"
    return "" if job.fraction is None else f"{100 * job.fraction:.0f} %"


def _format_progress(progress: Progress | None) -> str:
    if progress is None:
        return ""
    total = "" if progress.total is None else f" of {progress.total:,}"
    last = progress.done if progress.total is None else progress.total
    return f"{progress.done:,}{total} {singular(progress.unit) if last == 1 else progress.unit}".strip()


def _make_button(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(name))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setAutoRaise(True)
    return button

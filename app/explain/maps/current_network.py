"""Which network is asked: that of the open run or, while a training runs, that of its last finished epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs.job import Job
from app.session.session import Session
from core.events import CheckpointSaved
from core.project.runs import RunFolder


class CurrentNetwork(QObject):
    """Follows trainings and the open run.

    Parameters
    ----------
    session
        Whose.

    Notes
    -----
    Signals: ``changed()`` when there are other weights, or none.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._checkpoint: Path | None = None
        self._follows = False
        session.predictor_changed.connect(self._show_open_run)
        session.activity.job_started.connect(self._follow_training)
        if session.activity.training is not None:
            self._follow_training(session.activity.training)

    @property
    def path(self) -> Path | None:
        """The weights' file; None: there is none yet."""
        return self._checkpoint or self._session.predictor_path

    @property
    def run(self) -> RunFolder | None:
        """The run whose best weights these are; None of a training that goes on."""
        return self._session.run if self._checkpoint is None else None

    @property
    def title(self) -> str:
        """What the network is called."""
        if self._checkpoint is not None:
            return "In training"
        return self._session.run.title if self._session.run is not None else ""

    def _follow_training(self, job: Job) -> None:
        if job is self._session.activity.training:
            self._follows = True
            job.happened.connect(self._take_checkpoint)
            job.ended.connect(self._show_open_run)

    def _take_checkpoint(self, events: Sequence[object]) -> None:
        saved = [event for event in events if isinstance(event, CheckpointSaved)]
        if saved and self._follows:
            self._checkpoint = saved[-1].path
            self.changed.emit()

    def _show_open_run(self) -> None:
        """Another run was opened: stay with it, even if a training goes on."""
        self._follows, self._checkpoint = False, None
        self.changed.emit()

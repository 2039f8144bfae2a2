"""The network to explain: that of the open run or, while a training runs, its latest checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs.job import Job
from app.session.session import Session
from core.events import CheckpointSaved
from core.project.runs import RunFolder


class CurrentNetwork(QObject):
    """Follows the open run and the checkpoints of a running training.

    Parameters
    ----------
    session
        Its open run and training are followed.

    Notes
    -----
    Signals: ``changed()`` when the weights have changed or are gone.
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
        """The weights file; None: there is none yet."""
        return self._checkpoint or self._session.predictor_path

    @property
    def run(self) -> RunFolder | None:
        """The run whose best weights these are; None for the checkpoint of a running training."""
        return self._session.run if self._checkpoint is None else None

    @property
    def is_in_training(self) -> bool:
        """Whether it is the latest checkpoint of a running training."""
        return self._checkpoint is not None

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
        """Use the open run from now on, even if a training goes on."""
        self._follows, self._checkpoint = False, None
        self.changed.emit()

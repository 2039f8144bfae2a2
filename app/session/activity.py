"""What runs: jobs, and among them the training and the study that must not be disturbed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs.job import Job
from core.events import CheckpointSaved, NetworkBegun, Preview
from core.project.runs import RunFolder


class Activity(QObject):
    """The jobs of one window.

    Attributes
    ----------
    jobs
        What is running.
    training, training_folder
        The job that trains, if one does, and the run's folder.
    studying
        The job of the study that goes on, if one does.

    Notes
    -----
    Signals: ``job_started(job)``; ``training_begun`` after a training was added, and before it starts;
    ``training_advanced`` when its folder has become a run, when that has its first weights, and after its end.
    """

    job_started = Signal(object)
    training_begun = Signal()
    training_advanced = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs: list[Job] = []
        self.training: Job | None = None
        self.training_folder: Path | None = None
        self.studying: Job | None = None
        self._is_run = self._has_weights = False

    @property
    def at_work(self) -> str:
        """What must not be disturbed: ``a training`` or ``a study``; empty: nothing."""
        if self.training is not None:
            return "a training"
        return "a study" if self.studying is not None else ""

    def add(self, job: Job) -> None:
        """Own a job from its start to its end."""
        job.setParent(self)
        self.jobs.append(job)
        job.ended.connect(lambda: self._forget(job))
        self.job_started.emit(job)

    def begin_training(self, job: Job, run: RunFolder) -> None:
        """Start a training, of which all panels hear."""
        self.training, self.training_folder = job, run.path
        self._is_run, self._has_weights = False, run.best.exists()
        job.happened.connect(self._note_training)
        self.add(job)
        self.training_begun.emit()
        job.start()

    def add_study(self, job: Job) -> None:
        """Own the job of a study; its panel starts it."""
        self.studying = job
        self.add(job)

    def close(self) -> None:
        """Stop what is running, and wait for it."""
        for job in list(self.jobs):
            job.close()

    def is_trained(self, run: RunFolder) -> bool:
        """Whether this run is being trained."""
        return self.training_folder is not None and run.path == self.training_folder

    def _note_training(self, events: Sequence[object]) -> None:
        """Announce the first event, before which the settings are written, and the first weights."""
        for event in events:
            if isinstance(event, Preview) and isinstance(event.what, NetworkBegun):  # of several, the next one
                self.training_folder = event.what.folder
                self._is_run = self._has_weights = False
        saved = self._has_weights or any(isinstance(event, CheckpointSaved) for event in events)
        if not self._is_run or saved != self._has_weights:
            self._is_run, self._has_weights = True, saved
            self.training_advanced.emit()

    def _forget(self, job: Job) -> None:
        self.jobs.remove(job)
        if job is self.studying:
            self.studying = None
        if job is self.training:
            self.training = self.training_folder = None
            self.training_advanced.emit()
        job.deleteLater()

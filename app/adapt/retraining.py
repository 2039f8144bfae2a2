"""Training again in the background after every so many new labels."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.adapt import work
from app.session.session import Session
from core.adapt.suggest.run_titles import title_of_run
from core.errors import Problem
from core.project.runs import RunFolder
from core.train.settings import RunSettings


class Retraining(QObject):
    """Begins a training when enough labels are new, with the settings of the Train workspace.

    Parameters
    ----------
    session
        Its labelled galaxies are counted, and it trains.

    Attributes
    ----------
    every
        After how many new training labels; 0: never by itself.
    start_from
        The network from which it starts, as settings name it, where the settings name none.
    problem
        Why the last one could not begin or failed; empty: it did not.

    Notes
    -----
    Signals: ``changed`` when there is something else to say; ``trained(run)`` after a training began here and has
    weights.
    """

    changed = Signal()
    trained = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.every = 0
        self.start_from = ""
        self.problem = ""
        self._labels_before: int | None = None  # None: nobody labels here yet
        self._run: RunFolder | None = None
        session.dataset.changed.connect(self._new_dataset)
        session.dataset.split_changed.connect(self._consider)
        session.activity.training_advanced.connect(self._consider)

    def count_from_now(self) -> None:
        """Count new labels from now on, unless they are counted already."""
        if self._labels_before is None:
            self._labels_before = self.labels

    @property
    def labels(self) -> int:
        """Labelled galaxies of the training part, as a training would use them; 0: none is possible yet."""
        split = self._session.dataset.split
        return 0 if split is None else len(split.train)

    @property
    def is_running(self) -> bool:
        """Whether a training that began here goes on."""
        return self._run is not None

    @property
    def hindrance(self) -> str:
        """Why no training can begin; empty: one can."""
        session = self._session
        if session.project is None or session.dataset.cutouts is None:
            return "Open a dataset first."
        if session.activity.at_work:
            return f"Waits: {session.activity.at_work} runs."
        if (problem := session.dataset.split_problem) is not None and session.dataset.split is None:
            return problem.text
        return ""

    @property
    def sentence(self) -> str:
        """What is going on, or what is missing until the next training."""
        if self.problem:
            return self.problem
        if self.is_running:
            return f"Training with {self._labels_before or 0:,} labels in the background; go on labelling."
        if self.hindrance:
            return self.hindrance
        if self._labels_before is None:
            return ""
        split = self._session.dataset.split
        judging = 0 if split is None else len(split.validation)
        labelled = f"{self.labels:,} labels for training, {judging:,} for validation."
        if not self.every:
            return labelled
        new = self.labels - self._labels_before
        return f"{labelled} {new:,} of {self.every:,} new ones until the next training."

    def begin(self) -> None:
        """Train now, if that is possible."""
        session = self._session
        project, cutouts = session.project, session.dataset.cutouts
        if self.hindrance or project is None or cutouts is None:
            self.changed.emit()
            return
        labels = self.labels
        try:
            folder = project.new_run(title_of_run(labels))
            job = work.retrain(self._settings(), cutouts.path, folder, session.dataset.journal)
        except Problem as problem:
            self.problem = problem.text
            self.changed.emit()
            return
        self.problem, self._labels_before, self._run = "", labels, folder
        job.ended.connect(self._ended)
        job.failed.connect(self._failed)
        session.activity.begin_training(job, folder)
        self.changed.emit()

    def _settings(self) -> RunSettings:
        settings = self._session.draft.settings
        if settings.transfer.start_from or not self.start_from:
            return settings
        transfer = settings.transfer.model_copy(update={"start_from": self.start_from, "bands": "", "class_map": {}})
        return settings.model_copy(update={"transfer": transfer})

    def _consider(self) -> None:
        """Begin when enough labels are new."""
        before = self._labels_before
        if before is not None and self.every and not self.is_running and self.labels - before >= self.every:
            self.begin()
        else:
            self.changed.emit()

    def _new_dataset(self) -> None:
        self.problem, self._labels_before = "", None
        self.changed.emit()

    def _failed(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.problem = problem.text

    def _ended(self) -> None:
        run, self._run = self._run, None
        if run is not None and Path(run.best).exists():
            self.trained.emit(run)
        self.changed.emit()

"""What is open, selected and running: the one object that panels listen to.

Panels change it through its methods and hear of every change, their own included, by its signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.jobs.job import Job
from core.errors import Problem
from core.project.labels import LabelJournal
from core.project.project import Project
from core.project.runs import RunFolder
from core.train.settings import RunSettings

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts
    from core.data.split import Split
    from core.data.target import Target


class Session(QObject):
    """The state of one window.

    Attributes
    ----------
    project
        The open project; None: none.
    cutouts
        The open dataset, read from the window's thread only.
    target, split
        What its labels are and its parts, by the draft settings; None where they make no sense yet.
    current
        Row of the galaxy that is looked at; −1: none.
    selection
        Rows of the selected galaxies.
    run
        The run that is looked at.
    settings
        Draft of the next run's settings.
    undo
        What can be taken back: labels given by hand.
    jobs
        What is running.
    training, training_folder
        The job that trains, if one does, and the run's folder.
    study
        Folder of the study that is looked at.
    studying
        The job of the study that goes on, if one does.
    """

    project_changed = Signal()
    cutouts_changed = Signal()
    split_changed = Signal()
    current_changed = Signal(int)
    selection_changed = Signal()
    settings_changed = Signal()
    predictor_changed = Signal()
    labels_changed = Signal(object)
    runs_changed = Signal()
    study_changed = Signal()
    studies_changed = Signal()
    job_started = Signal(object)
    training_begun = Signal()
    workspace_wanted = Signal(str)
    problem = Signal(object)
    message = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self.cutouts: Cutouts | None = None
        self.target: Target | None = None
        self.split: Split | None = None
        self.split_problem: Problem | None = None
        self.current = -1
        self.selection: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.run: RunFolder | None = None
        self.settings = RunSettings()
        self.undo = QUndoStack(self)
        self.jobs: list[Job] = []
        self.training: Job | None = None
        self.training_folder: Path | None = None
        self.study: Path | None = None
        self.studying: Job | None = None
        self._hand_labels: Mapping[tuple[str, str], str] = {}
        self._columns: dict[str, NDArray[Any]] | None = None

    # -- what is open ----------------------------------------------------------------------------------------------

    def open_project(self, folder: Path) -> None:
        """Open the project in a folder, or make one there.

        Raises
        ------
        Problem
            It cannot be opened; what was open stays so.
        """
        if self.project is not None and self.project.folder == folder:
            return
        project = Project.open_or_create(folder, folder.name)
        if self.project is not None:
            self.close_cutouts()
            self.project.close()
        self.project = project
        self.run = None
        self.study = None
        self.project_changed.emit()
        self.runs_changed.emit()
        self.predictor_changed.emit()
        self.study_changed.emit()
        self.studies_changed.emit()

    def open_cutouts(self, path: Path) -> None:
        """Open a dataset; the first galaxy becomes the current one.

        Raises
        ------
        Problem
            It cannot be read; what was open stays so.
        """
        from core.data.cutouts import Cutouts

        cutouts = Cutouts.open(path)
        self._let_go()
        self.cutouts = cutouts
        self._hand_labels = self.journal.replay() if self.journal is not None else {}
        data = self.settings.data
        if any(name not in self.columns for name in (*data.labels, *([data.group] if data.group else []))):
            data = data.model_copy(update={"labels": (), "group": ""})  # they were of another dataset
            self.settings = self.settings.model_copy(update={"data": data})
            self.settings_changed.emit()
        self._divide()
        self.cutouts_changed.emit()
        self.split_changed.emit()
        self.selection_changed.emit()
        self.set_current(0 if len(cutouts) else -1)

    def close_cutouts(self) -> None:
        """Close the dataset, if one is open."""
        if self.cutouts is not None:
            self._let_go()
            self.cutouts_changed.emit()

    def _let_go(self) -> None:
        if self.cutouts is not None:
            self.cutouts.close()
        self.cutouts, self.target, self.split, self.split_problem, self._columns = None, None, None, None, None
        self.current, self.selection = -1, np.empty(0, dtype=np.int64)
        self.undo.clear()

    def open_run(self, run: RunFolder | None) -> None:
        """Look at a run: its curves, its settings, its network."""
        self.run = run
        self.predictor_changed.emit()

    def begin_training(self, job: Job, run: RunFolder) -> None:
        """Start a training, of which all panels hear."""
        self.training, self.training_folder = job, run.path
        self.add_job(job)
        self.training_begun.emit()
        job.start()

    def open_study(self, folder: Path | None) -> None:
        """Look at a study; None: at none, so that a new one may be prepared."""
        self.study = folder
        self.study_changed.emit()

    @property
    def predictor_path(self) -> Path | None:
        """Weights of the run that is looked at, once it has some."""
        return self.run.best if self.run is not None and self.run.best.exists() else None

    # -- galaxies --------------------------------------------------------------------------------------------------

    def set_current(self, row: int) -> None:
        """Look at another galaxy."""
        if row != self.current:
            self.current = row
            self.current_changed.emit(row)

    def set_selection(self, rows: NDArray[np.int64]) -> None:
        """Select galaxies."""
        self.selection = np.asarray(rows, dtype=np.int64)
        self.selection_changed.emit()

    # -- labels ----------------------------------------------------------------------------------------------------

    @property
    def journal(self) -> LabelJournal | None:
        """Hand labels of the open dataset; None without a project."""
        if self.project is None or self.cutouts is None:
            return None
        return self.project.labels(self.cutouts.path)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The catalogue of the open dataset, hand labels included."""
        from core.project.labels import relabelled

        if self.cutouts is None:
            return {}
        if self._columns is None:
            self._columns = relabelled(self.cutouts.columns, self.cutouts.ids, self._hand_labels)
        return self._columns

    @property
    def label_column(self) -> str:
        """The column that hand labels go to."""
        names = self.settings.data.labels or (self.cutouts.labels if self.cutouts is not None else ())
        return names[0] if names else "label"

    def set_labels(self, rows: Sequence[int], labels: Sequence[str]) -> None:
        """Record hand labels; call it through :mod:`app.session.label_commands`, so that they can be undone."""
        if self.cutouts is None or self.journal is None:
            return
        column, ids = self.label_column, self.cutouts.ids
        given = [(ids[row], self.label(row), label) for row, label in zip(rows, labels, strict=True)]
        self.journal.record_all(column, given)
        self._hand_labels = {**self._hand_labels, **{(name, column): label for name, _, label in given}}
        self._columns = None
        if not (self.settings.data.labels or self.cutouts.labels):  # the first label of an unlabelled dataset
            data = self.settings.data.model_copy(update={"labels": (column,)})
            self.settings = self.settings.model_copy(update={"data": data})
            self.settings_changed.emit()
        self._divide()
        self.labels_changed.emit(list(rows))
        self.split_changed.emit()

    def label(self, row: int) -> str:
        """The label of a galaxy as text; empty without."""
        from core.data.target import label_text

        column = self.columns.get(self.label_column)
        return "" if column is None else label_text(column[row])

    # -- settings and parts ----------------------------------------------------------------------------------------

    def set_settings(self, settings: RunSettings) -> None:
        """Change the draft of the next run's settings."""
        if settings == self.settings:
            return
        parts_change = settings.data != self.settings.data or settings.seed != self.settings.seed
        self.settings = settings
        if parts_change and self.cutouts is not None:
            self._divide()
            self.split_changed.emit()
        self.settings_changed.emit()

    def _divide(self) -> None:
        """Find the target and draw the parts by the draft settings; nothing is shown where that is impossible."""
        from core.data import split, target

        self.target = self.split = self.split_problem = None
        if self.cutouts is None:
            return
        data = self.settings.data
        try:
            names = data.labels or self.cutouts.labels
            self.target = target.recognise(self.columns, names, data.kind, self.cutouts.units)
            labels = target.encode(self.target, self.columns)
            groups = [target.label_text(value) for value in self.columns[data.group]] if data.group else None
            self.split = split.split(self.cutouts.ids, labels, self.target, data, self.settings.seed, groups)
        except Problem as problem:
            self.split_problem = problem
        except KeyError:
            self.split_problem = Problem(f"There is no column “{data.group}”.", "Choose another.", "data.group")

    # -- work ------------------------------------------------------------------------------------------------------

    def add_job(self, job: Job) -> None:
        """Own a job from its start to its end."""
        job.setParent(self)
        self.jobs.append(job)
        job.ended.connect(lambda: self._forget(job))
        self.job_started.emit(job)

    @property
    def at_work(self) -> str:
        """What must not be disturbed: ``a training`` or ``a study``; empty: nothing."""
        if self.training is not None:
            return "a training"
        return "a study" if self.studying is not None else ""

    def _forget(self, job: Job) -> None:
        self.jobs.remove(job)
        if job is self.training:
            self.training = self.training_folder = None
        if job is self.studying:
            self.studying = None
        job.deleteLater()

    def report(self, error: object) -> None:
        """Tell the user of a problem; anything else is a defect and goes to the crash dialog."""
        self.problem.emit(error)

    def close(self) -> None:
        """Stop what is running, wait for it, and close what is open."""
        for job in list(self.jobs):
            job.close()
        self.close_cutouts()
        if self.project is not None:
            self.project.close()
            self.project = None

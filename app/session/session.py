"""What is open, selected and running: the one object that panels listen to.

Panels change it through its methods and hear of every change, their own included, by its signals. The open dataset,
the draft of the next run's settings and what runs are parts of it.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.session.activity import Activity
from app.session.carried import Carried
from app.session.dataset import Dataset
from app.session.draft import Draft
from app.session.edit_commands import EditForm, EditSettings, Undoable
from app.session.samp_link import SampLink
from core.errors import Problem
from core.events import result_of
from core.project.runs import RunFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from core.data.opened import OpenedDataset
    from core.project.project import Project


class Session(QObject):
    """The state of one window.

    Attributes
    ----------
    project
        The open project; None: none.
    dataset
        The open dataset, its labels and its parts.
    draft
        The next run's settings.
    activity
        What is running.
    carried
        The network that is carried to the open dataset.
    current
        Row of the galaxy that is looked at; −1: none.
    run
        The run that is looked at.
    study
        Folder of the study that is looked at.
    is_changing
        Whether so many galaxies are being labelled that the window has turns in between.
    undo
        What can be taken back: labels given by hand, settings, notes on runs, drawn parts.
    samp
        The connection to other programs, such as TOPCAT and DS9.

    Notes
    -----
    A panel asks the window for a workspace, a panel or a dataset by ``workspace_wanted(name)``, ``panel_wanted(name)``
    and ``dataset_wanted(path)``, and by ``project_wanted(name)`` for a project of that name where none is open.

    ``relabelled(rows)`` tells that labels were taken back, or given again, by undo and redo: one wants to see those
    galaxies. ``similar_wanted(rows)`` asks for the galaxies most alike to these.
    """

    project_changed = Signal()
    current_changed = Signal(int)
    selection_changed = Signal()
    neighbours_changed = Signal()
    similar_wanted = Signal(object)
    relabelled = Signal(object)
    predictor_changed = Signal()
    runs_changed = Signal()
    study_changed = Signal()
    studies_changed = Signal()
    workspace_wanted = Signal(str)
    panel_wanted = Signal(str)
    project_wanted = Signal(str)
    dataset_wanted = Signal(object)
    problem = Signal(object)
    message = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project: Project | None = None
        self.draft = Draft(self)
        self.dataset = Dataset(self.draft, self)
        self.activity = Activity(self)
        self.current = -1
        self.run: RunFolder | None = None
        self.study: Path | None = None
        self.is_changing = False
        self.undo = QUndoStack(self)
        self.samp = SampLink(self)
        for changed in (self.runs_changed, self.studies_changed):
            changed.connect(self.dataset.refresh_parts)
        self.carried = Carried(self)
        self.activity.training_advanced.connect(self.runs_changed)
        self.draft.edited.connect(lambda before: self.undo.push(EditSettings(self.draft, before)))

    # -- what is open ----------------------------------------------------------------------------------------------

    def open_project(self, folder: Path) -> None:
        """Open the project in a folder, or make one there.

        Raises
        ------
        Problem
            It cannot be opened; what was open stays so.
        """
        from core.project.project import Project

        if self.project is not None and self.project.folder == folder:
            return
        project = Project.open_or_create(folder, folder.name)
        self.close_cutouts()  # whose labels are kept with the old project
        if self.project is not None:
            self.project.close()
        self.project = project
        self.run = None
        self.study = None
        self._announce_project()
        if project.problem is not None:
            self.report(project.problem)

    def _announce_project(self) -> None:
        self.project_changed.emit()
        self.runs_changed.emit()
        self.predictor_changed.emit()
        self.study_changed.emit()
        self.studies_changed.emit()

    def open_cutouts(self, path: Path) -> None:
        """Open a dataset and wait for it, where the window opens it in a job and then calls :meth:`show_dataset`.

        Raises
        ------
        Problem
            It cannot be read; what was open stays so.
        """
        from core.data import opened
        from core.data.cutouts import Cutouts

        self.dataset.unpin_file()  # whatever is there now is to be opened
        settings, journal = self.draft.settings, self.project.labels(path) if self.project is not None else None
        try:
            read = result_of(opened.prepare(Cutouts.open(path), journal, settings.data, settings.seed))
        except Problem:
            self.dataset.pin_file()
            raise
        self.show_dataset(read)

    def show_dataset(self, opened: OpenedDataset) -> None:
        """Have an opened dataset in place of the present one; the first galaxy becomes the current one."""
        self._forget_galaxies()
        self.dataset.replace(opened)
        self.selection_changed.emit()
        self.set_current(0 if len(opened.cutouts) else -1)
        if self.dataset.labels_problem is not None:
            self.report(self.dataset.labels_problem)

    def follow_project(self) -> None:
        """Go on where the project's folder is now: it was renamed, and everything in it with it.

        Labels that could not be written meanwhile are written there.

        Raises
        ------
        Problem
            It cannot be found, a training or a study runs, or it cannot be written to.
        """
        project, dataset = self.project, self.dataset
        if project is None:
            return
        if what := self.activity.at_work:
            raise Problem(f"The project cannot be followed to its new place while {what} runs.", "Stop it first.")
        old, row, cutouts, journal = project.folder, self.current, dataset.cutouts, dataset.journal
        if journal is not None and project.place is not None:
            earlier, journal.path = journal.path, _moved(journal.path, old, project.place)
            try:
                journal.save_unsaved()
            except Problem:
                journal.path = earlier
                raise
        project.follow()
        if cutouts is not None:
            self._forget_galaxies()
            if dataset.move_to(_moved(cutouts.path, old, project.folder)):
                self.selection_changed.emit()
                self.set_current(row)
            else:  # it was copied there: another file
                self.dataset_wanted.emit(_moved(cutouts.path, old, project.folder))
        settings = self.draft.settings
        for name, path in (
            ("transfer.start_from", settings.transfer.start_from),
            ("unlabelled.dataset", settings.unlabelled.dataset),
        ):
            if path:
                moved = str(_moved(Path(path), old, project.folder))
                self.draft.adapt({name: moved})
        self.run = None if self.run is None else RunFolder(_moved(self.run.path, old, project.folder))
        self.study = None if self.study is None else _moved(self.study, old, project.folder)
        self._announce_project()

    def close_cutouts(self) -> None:
        """Close the dataset, if one is open."""
        self._forget_galaxies()
        self.dataset.close()

    def _forget_galaxies(self) -> None:
        self.current = -1
        self.selection, self.neighbours = _as_rows([]), _as_rows([])
        self.undo.clear()

    def open_run(self, run: RunFolder | None) -> None:
        """Look at a run: its curves, its settings, its network."""
        self.run = run
        self.predictor_changed.emit()

    def open_study(self, folder: Path | None) -> None:
        """Look at a study; None: at none, so that a new one may be prepared."""
        self.study = folder
        self.study_changed.emit()

    @property
    def predictor_path(self) -> Path | None:
        """Weights of the run that is looked at, once it has some."""
        return self.run.best if self.run is not None and self.run.best.exists() else None

    # -- galaxies --------------------------------------------------------------------------------------------------

    @cached_property
    def selection(self) -> NDArray[np.int64]:
        """Rows of the selected galaxies."""
        return _as_rows([])

    @cached_property
    def neighbours(self) -> NDArray[np.int64]:
        """Rows of the galaxies that were found most alike to some, the most alike first."""
        return _as_rows([])

    def set_current(self, row: int) -> None:
        """Look at another galaxy."""
        if row != self.current:
            self.current = row
            self.current_changed.emit(row)

    def set_selection(self, rows: NDArray[np.int64]) -> None:
        """Select galaxies."""
        self.selection = _as_rows(rows)
        self.selection_changed.emit()

    def set_neighbours(self, rows: NDArray[np.int64]) -> None:
        """Have galaxies shown as those most alike to some; none: no longer."""
        self.neighbours = _as_rows(rows)
        self.neighbours_changed.emit()

    def keep_undo(self, *forms: Undoable) -> None:
        """Have Undo take back what the user changes in forms; the draft has its own, whatever edits it."""
        for form in forms:
            form.edited.connect(lambda old, new, names, form=form: self.undo.push(EditForm(form, old, new, names)))

    # -- problems and the end --------------------------------------------------------------------------------------

    def report(self, error: object) -> None:
        """Tell the user of a problem; anything else is a defect and goes to the crash dialog."""
        self.problem.emit(error)

    def close(self) -> None:
        """Stop what is running, wait for it, and close what is open."""
        self.samp.close()
        self.activity.close()
        self.close_cutouts()
        if self.project is not None:
            self.project.close()
            self.project = None


def _as_rows(rows: ArrayLike) -> NDArray[np.int64]:
    import numpy as np

    return np.asarray(rows, dtype=np.int64)


def _moved(path: Path, old: Path, new: Path) -> Path:
    """Where a path is after a folder was renamed."""
    return new / path.relative_to(old) if path.is_relative_to(old) else path

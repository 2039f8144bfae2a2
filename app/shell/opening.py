"""Opening projects and datasets: by menu, from the start page, by drag and drop, or from the command line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.jobs.job import Job, Latest
from app.session.session import Session
from app.shell import memory, recent, reopening, work
from core.errors import FolderInUse, Problem, UnreadableFile
from core.events import Skipped
from core.project.packages import is_package
from core.project.user_folders import projects_folder
from core.reading import modified

if TYPE_CHECKING:
    from core.data.opened import OpenedDataset

_LATER = 200  # ms


class Opening(QObject):
    """Opens projects and datasets in the session.

    Parameters
    ----------
    window
        Parent of dialogs.
    session
        Where they are opened; it reports problems and messages.
    may_leave
        Whether what is open may be closed, asked before something else is opened.

    Notes
    -----
    Signals: ``leaving()`` before another project is opened; ``opened(workspace)`` when a dataset is open, with the name
    of the workspace in which its project was left, if any; ``simulating(job)`` when the demonstration survey is being
    made; ``package_dropped(path)`` for a project, or results, as one file; ``refused(files)`` for dropped files that
    are neither project nor dataset.
    """

    leaving = Signal()
    opened = Signal(str)
    simulating = Signal(object)
    refused = Signal(object)
    package_dropped = Signal(object)

    def __init__(self, window: QWidget, session: Session, may_leave: Callable[[], bool]) -> None:
        super().__init__(window)
        self._window, self._session, self._may_leave = window, session, may_leave
        self._dropped: Path | None = None
        self._memory = memory.Memory()
        self._request = Latest(self)
        self._request.happened.connect(self._report_skipped)
        self._request.finished.connect(self._show_dataset)
        self._request.failed.connect(self._handle_failure)
        self._request.stopped.connect(session.dataset.pin_file)
        self._removal = Latest(self)  # of what killed programs have left
        self._look = Latest(self)
        self._look.finished.connect(self._open_project)
        self._look.failed.connect(session.report)
        self._look.ended.connect(self._forget_wanted)
        self._reopened: Path | None = None  # the last project, while it is being opened again
        for request in (self._look, self._request):
            request.failed.connect(self._end_reopening)
            request.stopped.connect(self._end_reopening)
        self._is_looking = False
        self._wanted: tuple[Path, str] | None = None  # the dataset to open once the project is
        self._others: list[Path] = []  # to open in place of one of the project that cannot be read

    def begin(self, path: Path | None, *, demonstration: bool, reopen: bool = False) -> None:
        """Open what the command line asks for; if it asks for nothing, the last project, if that is to be reopened."""
        from core.project.project import folder_of

        if demonstration:
            self.open_demonstration()
        elif path is not None and path.suffix == ".h5":
            self.open_dataset(path)
        elif path is not None and is_package(path):
            self.package_dropped.emit(path)
        elif path is not None:
            self.open_project(folder_of(path))
        elif reopen:
            self._reopen()

    def _reopen(self) -> None:
        """Open the last project, unless it is gone or the program broke down with it."""
        folder = reopening.last_project()
        if folder is None:
            return
        if not reopening.begin(folder):
            self._session.message.emit(f"“{folder.name}” is not reopened: the program ended while it was being opened.")
            return
        self._reopened = folder
        self.open_project(folder)

    def _end_reopening(self) -> None:
        if self._reopened is not None:
            self._reopened = None
            reopening.end()

    def open_dropped(self, paths: Sequence[Path]) -> None:
        """Open a dropped project or dataset; other files are refused, and may be imported instead."""
        from core.project.project import folder_of, is_project

        if len(paths) == 1 and is_project(folder_of(paths[0])):
            self.open_project(folder_of(paths[0]))
        elif len(paths) == 1 and paths[0].suffix == ".h5":
            self.open_dataset(paths[0])
            self._dropped = paths[0]
        elif len(paths) == 1 and is_package(paths[0]):
            self.package_dropped.emit(paths[0])
        else:
            self.refused.emit(paths)

    # -- projects --------------------------------------------------------------------------------------------------

    def new_project(self) -> None:
        """Ask for a folder and make a project there."""
        name, _ = QFileDialog.getSaveFileName(
            self._window, "New project: name its folder", str(projects_folder() / "My survey")
        )
        if name:
            self.open_project(Path(name))

    def provide_project(self, name: str) -> None:
        """Open the project of that name in the folder for new ones, or make it, unless one is open."""
        if self._session.project is None:
            self._try_open_project(projects_folder() / name)

    def ask_project(self) -> None:
        """Ask for a project folder and open it."""
        if folder := QFileDialog.getExistingDirectory(self._window, "Open a project folder", str(projects_folder())):
            self.open_project(Path(folder))

    def open_project(self, folder: Path) -> None:
        """Open a project as it was left, or else with its newest dataset, once its folder has answered."""
        if not self._refuse_while_running() and self._may_leave():
            self._is_looking = True
            self._start(self._look, work.look_at_project(folder))

    def _start(self, request: Latest, job: Job) -> None:
        """Start a job in place of an earlier one; if it takes long, it is shown and can be stopped."""
        request.start(job)
        self._session.activity.add(job)

    def _forget_wanted(self) -> None:
        self._is_looking, self._wanted = False, None

    def _open_project(self, folder: Path) -> None:
        if self._session.is_changing:
            QTimer.singleShot(_LATER, self, lambda: self._open_project(folder))
            return
        wanted = self._wanted
        self._forget_wanted()
        if self._refuse_while_running() or not self._may_leave():
            return
        self.leaving.emit()
        if not self._try_open_project(folder):
            return
        self._memory = memory.load(folder)
        memory.restore_draft(self._session, self._memory)
        if wanted is not None:
            self.open_dataset(*wanted)
            return
        project, left = self._session.project, memory.dataset_of(folder, self._memory)
        datasets = [] if project is None else sorted(project.datasets(), key=_age)
        self._others = [*filter(None, [left]), *(path for path in datasets if path != left)]
        if self._others:
            self._open(self._others.pop(0))
        else:
            self._end_reopening()
            self._session.message.emit(f"“{folder.name}” holds no galaxies yet: import some.")

    def open_demonstration(self) -> None:
        """Make or find the demonstration survey and open it in a project of its own."""
        job = work.make_demonstration()
        job.finished.connect(self._open_demonstration)
        job.failed.connect(self._session.report)
        self._session.activity.add(job)
        self.simulating.emit(job)
        job.start()

    def _open_demonstration(self, dataset: Path) -> None:
        if self._try_open_project(projects_folder() / "Demonstration"):
            self.open_dataset(dataset, "demonstration")

    def _try_open_project(self, folder: Path) -> bool:
        """Open a project, or report the problem; returns whether it was opened."""
        try:
            self._session.open_project(folder)
        except Problem as problem:
            is_quiet = folder == self._reopened and isinstance(problem, FolderInUse)
            self._end_reopening()
            if is_quiet:
                self._session.message.emit(f"“{folder.name}” is not reopened. {problem.sentence}")
            else:
                self._session.report(problem)
            return False
        self._request.stop()  # it was for the project before
        self._remember()
        self._removal.start(work.remove_abandoned(folder))
        return True

    def _remember(self) -> None:
        if self._session.project is not None:
            recent.remember(self._session.project.folder)

    def _refuse_while_running(self) -> bool:
        if what := self._session.activity.at_work:
            sentence = f"Another project cannot be opened while {what} runs."
            self._session.report(Problem(sentence, "Stop it first; what is done is kept."))
        return bool(what)

    # -- datasets --------------------------------------------------------------------------------------------------

    def ask_dataset(self) -> None:
        """Ask for a dataset and open it."""
        file, _ = QFileDialog.getOpenFileName(self._window, "Open a dataset", str(projects_folder()), "Datasets (*.h5)")
        if file:
            self.open_dataset(Path(file))

    def open_dataset(self, path: Path, name: str = "") -> None:
        """Open a dataset once its libraries are imported; without an open project, in a new one of its name."""
        self._dropped = None
        if self._is_looking:
            self._wanted = path, name
            return
        if not self._may_leave():
            return
        self._others = []
        self._open(path, name)

    def _open(self, path: Path, name: str = "") -> None:
        self._session.dataset.await_another()  # it may be opened again because it was replaced
        self.provide_project(path.stem)
        if self._session.project is None:
            return
        project, settings = self._session.project, self._session.draft.settings
        self._start(self._request, work.open_dataset(path, project, settings, name))

    def _report_skipped(self, events: Sequence[object]) -> None:
        for event in events:
            if isinstance(event, Skipped):
                self._session.report(event.problem)

    def _show_dataset(self, opened: OpenedDataset) -> None:
        if self._session.is_changing:
            QTimer.singleShot(_LATER, self, lambda: self._show_dataset(opened))
            return
        if not opened.has_present_labels:  # it was open already, and labelled meanwhile
            opened.close()
            self._open(opened.cutouts.path)
            return
        self._session.show_dataset(opened)
        self._remember()
        left, self._memory = self._memory, memory.Memory()
        memory.restore_view(self._session, left)
        self.opened.emit(left.workspace)
        self._end_reopening()

    def _handle_failure(self, error: object) -> None:
        """Offer a dropped file that is no dataset for import; report any other problem."""
        self._session.dataset.pin_file()
        dropped, self._dropped = self._dropped, None
        if dropped is not None and isinstance(error, UnreadableFile):
            self.refused.emit([dropped])
            return
        self._session.report(error)
        if isinstance(error, Problem) and self._others:  # the project's other datasets may be whole
            self._open(self._others.pop(0))


def _age(dataset: Path) -> float:
    """For sorting, the newest first; those without a date come last."""
    written = modified(dataset)
    return math.inf if written is None else -written.timestamp()

"""Projects and trainings as one file: pack them, and open what somebody has sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.jobs.job import Job
from app.panel import saving
from app.session.session import Session
from app.shell import work
from core.errors import Problem
from core.events import Skipped
from core.project.packages import SUFFIX, Contents, folder_name
from core.project.runs import RunFolder
from core.project.user_folders import projects_folder
from core.wording import count_of

PACKAGES = "Packages (*.zip)"


class Packages(QObject):
    """Packs the open project or the next training, and opens packages.

    Parameters
    ----------
    window
        Parent of dialogs.
    session
        What is open.
    open_project
        Opens a project in the window.
    settle
        Saves labels that are not saved yet; returns whether one may go on.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        open_project: Callable[[Path], None],
        settle: Callable[[], bool],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._open_project, self._settle = window, session, open_project, settle

    # -- packing ---------------------------------------------------------------------------------------------------

    def pack_project(self) -> None:
        """Ask whether the images go with it, and for a file; pack the open project."""
        from core.project.packing import describe

        project = self._session.project
        if project is None:
            self._session.report(Problem("No project is open.", "Open the one that you want to send."))
            return
        if what := self._session.activity.at_work:
            self._session.report(Problem(f"The project cannot be packed while {what} runs.", "Stop it, or wait."))
            return
        with_images = self._ask_for_images(project.datasets()) if self._settle() else None
        if with_images is None:
            return
        name = f"{project.folder.name}{SUFFIX}"
        home = project.folder.parent
        target = saving.ask_path(self._window, self._session, "Pack the project", name, PACKAGES, folder=home)
        if target is not None:
            job = work.pack_project(project.folder, target, with_images=with_images)
            self._run(job, lambda packed: self._session.message.emit(describe(packed, target)))

    def _ask_for_images(self, datasets: Sequence[Path]) -> bool | None:
        """Ask whether the datasets are packed, if there are any; None: neither, the user has changed their mind."""
        from core.project.packing import size_of

        if not datasets:
            return True
        size = size_of(sum(path.stat().st_size for path in datasets if path.exists()))
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Pack the project")
        box.setText("Shall the images go with the project?")
        box.setInformativeText(
            f"Its {count_of(len(datasets), 'dataset')}: {size}. Without them, whoever gets the file sees runs, curves, "
            "labels and studies, and needs the datasets for everything else."
        )
        whole = box.addButton("With images", QMessageBox.ButtonRole.AcceptRole)
        small = box.addButton("Without images", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(whole)
        box.exec()
        return None if box.clickedButton() not in {whole, small} else box.clickedButton() is whole

    def pack_training(self) -> None:
        """Ask for a file, and pack the training that the settings describe, to be run on another machine."""
        from core.project.packing import describe

        cutouts = self._session.dataset.cutouts
        if cutouts is None:
            self._session.report(Problem("No galaxies are open.", "Open the dataset that is to be learned."))
            return
        if not self._settle():
            return
        name = f"{cutouts.path.stem} job.zip"
        target = saving.ask_path(
            self._window, self._session, "Pack the training", name, PACKAGES, folder=projects_folder()
        )
        if target is None:
            return

        def say(packed: Contents) -> None:
            self._session.message.emit(
                f"{describe(packed, target)} On the other machine: tuningfork job run “{target.name}”. Its results are "
                "then beside it; open them here with File › Open package."
            )

        self._run(work.pack_training(self._session.draft.settings, cutouts.path, target), say)

    # -- opening ---------------------------------------------------------------------------------------------------

    def ask_package(self) -> None:
        """Ask for a package and open it."""
        chosen, _ = QFileDialog.getOpenFileName(self._window, "Open a package", str(projects_folder()), PACKAGES)
        if chosen:
            self.open_package(Path(chosen))

    def open_package(self, path: Path) -> None:
        """Open a package: a project in a new folder, the results of a job in the open project."""

        def show(contents: Contents) -> None:
            if contents.kind == "results":
                self._collect(path)
            elif contents.kind == "job":
                self._session.report(
                    Problem(
                        f"“{path.name}” holds a {'study' if contents.study else 'training'} that is to be run on "
                        "another machine.",
                        "There, type: tuningfork job run, and the name of the file. Open its results here.",
                    )
                )
            else:
                self._unpack(path, contents)

        self._run(work.look_at_package(path), show)

    def _unpack(self, path: Path, contents: Contents) -> None:
        from core.project.packing import size_of

        proposed = projects_folder() / folder_name(path)
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, f"Unpack “{contents.title}” ({size_of(contents.size)}): name its folder", str(proposed)
        )
        if not chosen:
            return
        folder = Path(chosen)

        def show(_: Contents) -> None:
            self._open_project(folder)
            if contents.left_out:
                names = ", ".join(each.name for each in contents.left_out[:3])
                self._session.report(
                    Problem(
                        f"{count_of(len(contents.left_out), 'dataset')} of this project stayed with its sender: "
                        f"{names}{', …' if len(contents.left_out) > 3 else ''}.",
                        "Put them there in the project's folder to see galaxies and maps.",
                    )
                )

        self._run(work.unpack_project(path, folder), show)

    def _collect(self, path: Path) -> None:
        project = self._session.project
        if project is None:
            self._session.report(
                Problem(f"“{path.name}” holds results of another machine.", "Open its project first, then this file.")
            )
            return

        def show(made: RunFolder | Path) -> None:
            from core.studies.study_folders import title_of

            session = self._session
            if isinstance(made, RunFolder):
                session.runs_changed.emit()
                session.open_run(made)
                session.message.emit(f"The run “{made.title}” is in the project.")
            else:
                session.studies_changed.emit()
                session.workspace_wanted.emit("studies")
                session.open_study(made)
                session.message.emit(f"The study “{title_of(made)}” is in the project.")

        self._run(work.collect_results(path, project.folder), show)

    # -- working ---------------------------------------------------------------------------------------------------

    def _run(self, job: Job, show: Callable[[Any], object]) -> None:
        job.finished.connect(show)
        job.failed.connect(self._session.report)
        job.happened.connect(self._report_skipped)
        self._session.activity.add(job)
        job.start()

    def _report_skipped(self, events: Sequence[object]) -> None:
        for event in events:
            if isinstance(event, Skipped):
                self._session.report(event.problem)

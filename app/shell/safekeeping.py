"""Labels that could not be saved, a project that was moved and a dataset that was replaced: say so, and a way out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.jobs.job import Latest
from app.panel import saving
from app.session.session import Session
from app.shell import recent, work
from app.widgets.notice_strip import NoticeStrip, WayOut
from core.errors import DatasetReplaced, FolderMoved, Problem
from core.project.user_folders import projects_folder
from core.wording import count_of

_AGAIN = 3000  # ms until unsaved labels are tried again
_KINDS = "Labels (*.jsonl)"


class Safekeeping(QObject):
    """Watches over what is open in a window.

    Parameters
    ----------
    window
        Parent of dialogs.
    session
        What is open.
    notices
        Where problems are shown.

    Notes
    -----
    Signals: ``reopening_wanted(path)`` when the user wants the dataset opened that is now at this path.
    """

    reopening_wanted = Signal(object)

    def __init__(self, window: QWidget, session: Session, notices: NoticeStrip) -> None:
        super().__init__(window)
        self._window, self._session, self._notices = window, session, notices
        self._notice: QWidget | None = None
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(_AGAIN)
        self._again.timeout.connect(self._try_again)
        self._verification = Latest(self)
        self._verification.failed.connect(session.report)
        session.dataset.labels_unsaved.connect(self._show_unsaved)
        session.dataset.changed.connect(self._forget)
        session.activity.job_started.connect(lambda job: job.failed.connect(self._offer_way_out))

    def look(self) -> None:
        """Look whether project and dataset are still where and what they were, as when the user comes back."""
        project, cutouts = self._session.project, self._session.dataset.cutouts
        if self.unsaved:
            self._try_again()
        elif project is not None:
            try:
                project.require_unmoved()
            except Problem as problem:
                self._session.report(problem)
                return
        if cutouts is not None and not self._session.dataset.has_same_file:
            self._verification.start(work.verify_dataset(cutouts.path))

    def ways_out(self, problem: Problem) -> list[WayOut]:
        """What can be done about a problem at once."""
        project, cutouts = self._session.project, self._session.dataset.cutouts
        if isinstance(problem, FolderMoved) and project is not None:
            is_ours = problem.place is not None and Path(problem.where) == project.folder
            return [("Go on there", self._follow)] if is_ours else []
        if isinstance(problem, DatasetReplaced) and cutouts is not None and Path(problem.where) == cutouts.path:
            return [("Open it again", lambda: self.reopening_wanted.emit(cutouts.path))]
        return []

    def _offer_way_out(self, problem: object) -> None:
        """Report the problem of a job, which its panel may show without a button, if something can be done about it."""
        if isinstance(problem, FolderMoved | DatasetReplaced) and self.ways_out(problem):
            self._session.report(problem)

    # -- labels ----------------------------------------------------------------------------------------------------

    @property
    def unsaved(self) -> int:
        """The number of labels that are only in memory; which vote counts is one, too."""
        journal = self._session.dataset.journal
        if journal is None:
            return 0
        from core.project.labels import LabelChange

        changes = journal.unsaved
        return len({(each.id, each.column) if isinstance(each, LabelChange) else "counting" for each in changes})

    def settle(self) -> bool:
        """Save labels that are not saved, or ask what to do with them; returns whether they may be forgotten."""
        journal = self._session.dataset.journal
        if journal is None or not self.unsaved:
            return True
        try:
            journal.save_unsaved()
        except Problem as problem:
            return self._ask(problem)
        return True

    def _ask(self, problem: Problem) -> bool:
        save, discard, cancel = (
            QMessageBox.StandardButton.Save,
            QMessageBox.StandardButton.Discard,
            QMessageBox.StandardButton.Cancel,
        )
        question = f"{count_of(self.unsaved, 'label')} could not be saved: {problem.text}\n\nSave them to a file?"
        answer = QMessageBox.question(self._window, "Labels are not saved", question, save | discard | cancel, save)
        return answer == discard or (answer == save and self._save_to_file())

    def _show_unsaved(self, problem: Problem) -> None:
        self._forget()
        labels = count_of(self.unsaved, "label")
        shown = Problem(f"{labels} not saved yet. {problem.sentence}", problem.remedy)
        ways_out: list[WayOut] = [*self.ways_out(problem), ("Save to a file…", self._save_to_file)]
        self._notice = self._notices.show_problem(shown, ways_out, stays=True)
        self._again.start()

    def _forget(self) -> None:
        """Take the notice back."""
        self._again.stop()
        if self._notice is not None:
            self._notices.dismiss(self._notice)
            self._notice = None

    def _try_again(self) -> None:
        journal, count = self._session.dataset.journal, self.unsaved
        if journal is None or not count:
            return
        try:
            journal.save_unsaved()
        except Problem:
            self._again.start()
            return
        self._forget()
        self._session.message.emit(f"{count_of(count, 'label')} that could not be saved are saved now.")

    def _save_to_file(self) -> bool:
        """Ask for a file and save the labels there; returns whether they were."""
        journal = self._session.dataset.journal
        if journal is None:
            return True
        name, home = f"unsaved {journal.path.name}", projects_folder()
        chosen = saving.ask_path(self._window, self._session, "Save the labels", name, _KINDS, folder=home)
        if chosen is None:
            return False
        try:
            journal.save_unsaved_to(chosen)
        except Problem as problem:
            self._session.report(problem)
            return False
        self._forget()
        self._session.message.emit(
            f"Saved. Add the lines of {chosen} to {journal.path.name} among the project's labels."
        )
        return True

    # -- the project -----------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Go on where the project is now."""
        count = self.unsaved
        try:
            self._session.follow_project()
        except Problem as problem:
            self._session.report(problem)
            return
        self._notices.clear()
        project = self._session.project
        if project is not None:
            recent.remember(project.folder)
            saved = f" {count_of(count, 'label')} saved there." if count else ""
            self._session.message.emit(f"The project goes on in {project.folder}.{saved}")

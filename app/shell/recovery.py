"""After an unexpected end: say what was interrupted, and bring back what was typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from app.session.session import Session
from app.shell.unexpected_end import OpenMark, UnexpectedEnd, find_unexpected_end
from app.widgets.notice_strip import NoticeStrip, WayOut
from core.errors import Problem
from core.project.runs import RunFolder

_KEEP = 15_000  # ms after a change, in which more may come


class Recovery(QObject):
    """Keeps on disk what an unexpected end would lose, and tells at the next start what was interrupted.

    Parameters
    ----------
    window
        Its owner.
    session
        What is open.
    notices
        Where it is told.
    keep
        Saves how the project is left: dataset, galaxy, run, room, and the draft of the settings.
    show_run
        Opens a run where it can be continued.
    show_log
        Shows the log.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        notices: NoticeStrip,
        keep: Callable[[], object],
        show_run: Callable[[RunFolder], object],
        show_log: Callable[[], object],
    ) -> None:
        super().__init__(window)
        self._session, self._notices, self._show_run, self._show_log = session, notices, show_run, show_log
        self._mark: OpenMark | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_KEEP)
        self._later.timeout.connect(keep)

    def begin(self, folder: Path) -> None:
        """Tell of an unexpected end before, and note from now on what is open, in a folder of the user's."""
        if (end := find_unexpected_end(folder)) is not None:
            self.tell(end)
        session, self._mark = self._session, OpenMark(folder)
        for signal in (session.draft.changed, session.current_changed, session.predictor_changed):
            signal.connect(self._keep_later)
        session.project_changed.connect(self._note)
        session.activity.training_begun.connect(self._note)
        session.activity.training_advanced.connect(self._note)
        self._note()

    def tell(self, end: UnexpectedEnd) -> None:
        """Tell what was interrupted, with a way to go on."""
        when, run = f"{end.when:%d %b, %H:%M}", RunFolder(Path(end.training)) if end.training else None
        ways_out: list[WayOut] = [("Show the log", self._show_log)]
        what = "What was saved until then is there: labels, finished epochs, and the settings that were typed."
        if run is not None and run.is_run:
            ways_out.insert(0, ("Show the run", lambda: self._show_run(run)))
            what = f"The training “{run.title}” was interrupted; it can be continued after its last finished epoch."
        self._notices.show_problem(Problem(f"The program ended unexpectedly ({when}).", what), ways_out)

    def end(self) -> None:
        """Note the clean end."""
        self._later.stop()
        if self._mark is not None:
            self._mark.remove()
            self._mark = None

    def _keep_later(self, _news: object = None) -> None:
        if self._session.project is not None and not self._later.isActive():
            self._later.start()

    def _note(self) -> None:
        if self._mark is not None:
            project = self._session.project
            self._mark.write(None if project is None else project.folder, self._session.activity.training_folder)

"""The one base class of every panel: shown when it is seen, empty with a remedy, and nothing left running."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from app.jobs.job import Job, Latest
from app.panel import saving
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from app.widgets.state_line import StateLine
from core.errors import Problem

_DEFECT = "This was ended by a defect of the program."


class Panel(QWidget):
    """A panel that shows something of the session, while it is seen.

    A subclass builds its content and hands it to :meth:`_set_content`, connects the signals of the session to
    :meth:`refresh`, and says in :meth:`_renew` what is to be shown now. What may not even wait until the panel is seen
    again belongs in :meth:`_drop_outdated`. What is shown without any work may be brought up to date unseen.

    Parameters
    ----------
    session
        What it shows, and what it changes.
    name
        Of the panel in the table of its room, and of the widget.
    empty
        What is shown while there is nothing; None: there always is something.

    Attributes
    ----------
    work
        The long work that the user has started here, one piece at a time.
    state
        How far it is, or why it ended, for the panels that lay it out.
    """

    def __init__(
        self, session: Session, name: str, empty: EmptyState | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._session = session
        self._stale = True
        self.empty, self.state = empty, StateLine()
        self._stack = QStackedLayout()
        if empty is not None:
            self._stack.addWidget(empty)
        self._frame = QVBoxLayout(self)
        self._frame.addLayout(self._stack)
        self.work = Latest(self)
        self.work.failed.connect(self._show_problem)
        self.work.ended.connect(self._show_state)
        self.state.follow(self.work)

    # -- content, or what to do to see some ------------------------------------------------------------------------

    def _set_content(self, content: QWidget, margin: int | None = None) -> None:
        """Show a widget, with a margin in pixels around it; None: that of the style."""
        self._stack.addWidget(content)
        if margin is not None:
            self._frame.setContentsMargins(margin, margin, margin, margin)

    def _show_content(self, is_there: bool = True) -> None:
        """Show the content, or the empty state where there is none."""
        self._stack.setCurrentIndex(1 if is_there and self.empty is not None else 0)

    def _show_empty(self, title: str, text: str) -> None:
        """Show the empty state with other words."""
        assert self.empty is not None
        self.empty.set_text(title, text)
        self._stack.setCurrentIndex(0)

    @property
    def _is_empty(self) -> bool:
        """Whether the empty state is shown."""
        return self.empty is not None and self._stack.currentIndex() == 0

    # -- only while it is seen -------------------------------------------------------------------------------------

    def refresh(self, _news: Any = None) -> None:
        """Show what is so now, or as soon as somebody can see it."""
        self._drop_outdated()
        self._stale = not self.isVisible()
        if not self._stale:
            self._renew()

    def _drop_outdated(self) -> None:
        """Stop and forget at once what holds no longer, also unseen."""

    def _renew(self) -> None:
        """Show what is so now; somebody sees it."""

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing running."""
        self._wind_up()
        for kind in (Latest, Job):
            for running in self.findChildren(kind):
                running.close()
        super().closeEvent(event)

    def _wind_up(self) -> None:
        """Write down what was typed, and end what is no job."""

    # -- work ------------------------------------------------------------------------------------------------------

    def _request(self, show: Callable[[Any], object], show_problem: Callable[[object], object] | None = None) -> Latest:
        """Requests of which only the newest is shown, by ``show``, or else its problem."""
        request = Latest(self)
        request.finished.connect(show)
        request.failed.connect(show_problem or self._show_problem)
        return request

    def _stop_requests(self) -> None:
        """No answer is wanted any more to anything that was asked or begun here."""
        for request in self.findChildren(Latest):
            request.stop()

    def _begin(self, job: Job) -> None:
        """Start what the user asked for, and say how far it is."""
        self.state.setText("Preparing…")
        self.work.start(job)
        self._session.activity.add(job)
        self._show_state()

    def _show_state(self) -> None:
        """Offer what can be done now."""

    # -- problems --------------------------------------------------------------------------------------------------

    def _describe(self, problem: object) -> str:
        """What went wrong and what to do, in one line; what is no problem is a defect, and is reported as one."""
        if isinstance(problem, Problem):
            return problem.text
        self._session.report(problem)
        return _DEFECT

    def _show_problem(self, problem: object) -> None:
        """Tell of a problem in the state line; where the panel has none, above all panels."""
        if self.isAncestorOf(self.state):
            self.state.setText(self._describe(problem))
        else:
            self._session.report(problem)

    # -- files -----------------------------------------------------------------------------------------------------

    def _ask_path(self, title: str, name: str, kinds: str) -> Path | None:
        """Ask for a file to write; without one of the kinds' endings it gets that of the chosen one. None: nowhere."""
        return saving.ask_path(self, self._session, title, name, kinds)

    def _save(self, job: Job, told: Callable[[Any], str]) -> None:
        """Write a file, and tell of it."""
        saving.save(self._session, job, told)

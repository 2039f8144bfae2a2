"""The base class of every panel: updated only while visible, an empty state with a remedy, and clean closing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from app.jobs.job import Job, Latest
from app.panel import saving
from app.panel.band_row import BandRow
from app.panel.carry_line import CarryLine
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from app.widgets.state_line import StateLine
from app.widgets.wheel import WheelGuard
from core.errors import Problem

_DEFECT = "This was ended by a defect of the program."


class Panel(QWidget):
    """A panel that shows a part of the session, and updates itself only while it is visible.

    A subclass builds its content and hands it to :meth:`_set_content`, connects the signals of the session to
    :meth:`refresh`, and implements the update in :meth:`_renew`. What must not wait until the panel is visible
    again belongs in :meth:`_drop_outdated`. What costs nothing to show may be updated while hidden.

    Parameters
    ----------
    session
        What it shows, and what it changes.
    name
        Of the panel in the table of its room, and of the widget.
    empty
        The empty state; None: the panel always has content.
    describes
        Whether the state line also describes what is shown, in as many lines as that takes.

    Attributes
    ----------
    work
        The long job that the user has started here, one at a time.
    state
        The state line of that job, for the panels that lay it out.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        empty: EmptyState | None = None,
        parent: QWidget | None = None,
        *,
        describes: bool = False,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._session = session
        self._stale = True
        self._wheel = WheelGuard(self)
        self.empty, self.state = empty, StateLine(grows=describes)
        self._stack = QStackedLayout()
        self._frame = QVBoxLayout(self)
        self._frame.addLayout(self._stack)  # before its first widget, which would be shown as a window of its own
        if empty is not None:
            self._stack.addWidget(empty)
        self.work = Latest(self)
        self.work.failed.connect(self._show_problem)
        self.work.ended.connect(self._show_state)
        self.state.follow(self.work)

    # -- content or empty state ------------------------------------------------------------------------------------

    def _set_content(self, content: QWidget, margin: int | None = None) -> None:
        """Show a widget, with a margin in pixels around it; None: that of the style."""
        self._stack.addWidget(content)
        if margin is not None:
            self._frame.setContentsMargins(margin, margin, margin, margin)

    def _show_content(self, is_there: bool = True) -> None:
        """Show the content, or the empty state where there is none."""
        self._stack.setCurrentIndex(1 if is_there and self.empty is not None else 0)

    def _show_empty(self, title: str, text: str) -> None:
        """Show the empty state with this title and text."""
        assert self.empty is not None
        self.empty.set_text(title, text)
        self._stack.setCurrentIndex(0)

    @property
    def _is_empty(self) -> bool:
        """Whether the empty state is shown."""
        return self.empty is not None and self._stack.currentIndex() == 0

    def _add_band_row(self) -> BandRow:
        """Add a row above the content for the bands of network and data, where they differ."""
        row = BandRow(self._session, self)
        self._frame.insertWidget(0, row)
        return row

    def _add_carry_line(self, verb: str = "Carry", joint: str = "to", *, offers_encoder: bool = False) -> CarryLine:
        """Add a line above the content that shows and changes which network is carried to which dataset."""
        line = CarryLine(self._session, verb, joint, self, offers_encoder=offers_encoder)
        self._frame.insertWidget(0, line)
        return line

    # -- updates while visible -------------------------------------------------------------------------------------

    def refresh(self, _news: Any = None) -> None:
        """Update the panel now, or as soon as it becomes visible."""
        self._drop_outdated()
        self._stale = not self.isVisible()
        if not self._stale:
            self._renew()

    def _drop_outdated(self) -> None:
        """Stop and forget what is outdated at once, even while hidden."""

    def _renew(self) -> None:
        """Show the present state; called only while visible."""

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while hidden."""
        super().showEvent(event)
        self._wheel.guard(self)
        if self._stale:
            self.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop everything that runs here."""
        self._wind_up()
        for kind in (Latest, Job):
            for running in self.findChildren(kind):
                running.close()
        super().closeEvent(event)

    def _wind_up(self) -> None:
        """Save what was typed, and end what is not a job."""

    # -- work ------------------------------------------------------------------------------------------------------

    def _make_request(
        self, show: Callable[[Any], object], show_problem: Callable[[object], object] | None = None
    ) -> Latest:
        """Make a request of which only the newest result is shown, by ``show``, or else its problem."""
        request = Latest(self)
        request.finished.connect(show)
        request.failed.connect(show_problem or self._show_problem)
        return request

    def _stop_requests(self) -> None:
        """Stop every job that was started here."""
        for request in self.findChildren(Latest):
            request.stop()

    def _begin(self, job: Job) -> None:
        """Start a job that the user asked for, and follow it in the state line."""
        self.state.setText("Preparing…")
        self.work.start(job)
        self._session.activity.add(job)
        self._show_state()

    def _show_state(self) -> None:
        """Enable the buttons that make sense now."""

    # -- problems --------------------------------------------------------------------------------------------------

    def _describe(self, problem: object) -> str:
        """Describe a problem and its remedy in one line; any other exception is a defect, and is reported as one."""
        if isinstance(problem, Problem):
            return problem.text
        self._session.report(problem)
        return _DEFECT

    def _show_problem(self, problem: object) -> None:
        """Show a problem in the state line or, where the panel has none, in the notice strip."""
        if self.isAncestorOf(self.state):
            self.state.setText(self._describe(problem))
        else:
            self._session.report(problem)

    # -- files -----------------------------------------------------------------------------------------------------

    def _ask_path(self, title: str, name: str, kinds: str, *, beside: str = "") -> Path | None:
        """Ask for a file to write, see :func:`app.panel.saving.ask_path`. None: cancelled or refused."""
        return saving.ask_path(self, self._session, title, name, kinds, beside=beside)

    def _save(self, job: Job, describe: Callable[[Any], str]) -> None:
        """Write a file, and report it."""
        saving.save(self._session, job, describe)

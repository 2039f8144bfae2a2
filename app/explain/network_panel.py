"""What the panels about the inside of a network have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from app.explain.network_work import Pair
from app.jobs.job import Job, Latest
from app.panel import saving
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from app.widgets.state_line import StateLine
from core.errors import Problem


class InsidePanel(QWidget):
    """A panel that looks into the open run's network, with the open dataset, and only while it is seen.

    A panel of this kind builds its content and hands it to :meth:`_set_content`. It says what it does with another
    pair of network and dataset (:meth:`_look_into`), with another galaxy (:meth:`_look_at`), and when neither holds
    any longer (:meth:`_forget`).

    Parameters
    ----------
    session
        Its open run is looked into.
    symbol
        Name of an icon, for the panel without content.
    nothing, promise
        What is said without a dataset, and what a network will bring.

    Attributes
    ----------
    work
        The long work that the user has started here, one piece at a time.
    state
        How far it is.
    """

    def __init__(
        self, session: Session, symbol: str, nothing: str, promise: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._nothing, self._promise = nothing, promise
        self._pair: Pair | None = None
        self._stale = True
        self.empty, self.state = EmptyState(symbol, "", ""), StateLine()
        self.work = Latest(self)
        self.work.failed.connect(self._failed)
        self.work.ended.connect(self._show_state)
        self.state.follow(self.work)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        QVBoxLayout(self).addLayout(self._stack)
        for signal in (session.current_changed, session.dataset.changed, session.predictor_changed):
            signal.connect(self.refresh)

    def _set_content(self, content: QWidget) -> None:
        self._stack.addWidget(content)

    def _request(self, show: Callable[[Any], None]) -> Latest:
        """Requests of which only the newest is shown, by ``show``."""
        request = Latest(self)
        request.finished.connect(show)
        request.failed.connect(self._failed)
        return request

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened unseen."""
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Leave nothing running."""
        for request in self.findChildren(Latest):
            request.close()
        super().closeEvent(event)

    # -- what is looked at -----------------------------------------------------------------------------------------

    def refresh(self, _row: Any = None) -> None:
        """Forget another network at once; look at what is open now, or later if nobody can see it."""
        pair, row = Pair.of(self._session), self._session.current
        if self._pair is not None and pair != self._pair:
            for request in self.findChildren(Latest):
                request.stop()
            self._pair = None
            self.state.clear()
            self._forget()
        self._stale = not self.isVisible()
        if self._stale:
            return
        self._explain_emptiness()
        self._stack.setCurrentIndex(0 if pair is None or row < 0 else 1)
        if pair is not None and row >= 0:
            if self._pair is None:
                self._pair = pair
                self._look_into(pair)
            self._look_at(pair, row)
        self._show_state()

    def _explain_emptiness(self) -> None:
        if self._session.dataset.cutouts is None:
            self.empty.set_text(self._nothing, "Open a dataset and train a network first.")
        elif self._session.predictor_path is None:
            self.empty.set_text("No network yet", f"Train a network or open an earlier run. {self._promise}")
        else:
            self.empty.set_text("No galaxy chosen", "Click one in the gallery.")

    def _forget(self) -> None:
        """Show nothing of what was looked at before."""

    def _look_into(self, pair: Pair) -> None:
        """Begin with another network or dataset."""

    def _look_at(self, pair: Pair, row: int) -> None:
        """Show what belongs to a galaxy."""

    def _show_state(self) -> None:
        """Offer what can be done now."""

    # -- work ------------------------------------------------------------------------------------------------------

    def _begin(self, job: Job) -> None:
        """Start what the user asked for."""
        self.state.setText("Preparing…")
        self.work.start(job)
        self._session.activity.add(job)
        self._show_state()

    def _failed(self, problem: object) -> None:
        self.state.show_problem(problem)
        if not isinstance(problem, Problem):
            self._session.report(problem)

    def _ask_path(self, title: str, name: str, kinds: str, endings: tuple[str, ...]) -> Path | None:
        """Ask for a file to write; without one of these endings it gets that of the chosen kind. None: nowhere."""
        return saving.ask_path(self, self._session, title, name, kinds, endings)

    def _save(self, job: Job, told: Callable[[Any], str]) -> None:
        """Write a file, and tell of it."""
        saving.save(self._session, job, told)

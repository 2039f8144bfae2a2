"""The base of the dialogs that find a setting by a trial: its plot, its progress, what it found, and a button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QDialogButtonBox, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.jobs.job import Job, Latest
from app.session.session import Session
from app.widgets.dialog import Dialog
from app.widgets.message_line import MessageLine
from app.widgets.reserved import reserve
from core.errors import Problem
from core.events import Preview, Progress, Skipped

_LINES = 4  # of the summary


class FinderDialog(Dialog):
    """Tries a setting with the draft on the open dataset as soon as it is shown.

    A subclass makes the job (:meth:`_make_job`), shows what it finds (:meth:`_forget`, :meth:`_show_preview`,
    :meth:`_show`), and knows the values to take (:attr:`_values`) and what is said of them (:attr:`_taken`).

    Parameters
    ----------
    session
        Its draft is edited when the suggestion is accepted.
    name, title
        Of the dialog.
    plot
        Of what is found.
    about
        What is done meanwhile.
    """

    def __init__(
        self, session: Session, name: str, title: str, plot: QWidget, about: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.resize(560, 460)
        self._session, self._about = session, about
        self._found: Any = None
        self._request = Latest(self)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        reserve(self.progress)
        self.summary = MessageLine(_LINES, "", grows=True, insists=True)
        self.take = QPushButton("Use it")
        self.take.setProperty("role", "primary")
        self.take.setEnabled(False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.take, QDialogButtonBox.ButtonRole.AcceptRole)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 12)
        column.setSpacing(10)
        column.addWidget(plot, 1)
        column.addWidget(self.progress)
        column.addWidget(self.summary)
        column.addWidget(buttons)
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.close)
        self._request.happened.connect(self._happened)
        self._request.finished.connect(self._finished)
        self._request.failed.connect(self._failed)

    @property
    def is_running(self) -> bool:
        """Whether the trial is running."""
        return self._request.is_running

    def begin(self) -> None:
        """Start the trial, and show the dialog."""
        cutouts = self._session.dataset.cutouts
        if cutouts is None:
            return
        self._found = None
        self.take.setEnabled(False)
        self._forget()
        self.progress.setRange(0, 0)
        self.progress.show()
        self.summary.setText(self._about)
        self._request.start(self._make_job(cutouts.path))
        self.open()

    def _make_job(self, data: Path) -> Job:
        """The job of the trial on a dataset."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Show nothing that was found."""

    def _show_preview(self, what: Any) -> None:
        """Show what is found until now."""

    def _show(self, found: Any) -> None:
        """Show what was found, in the plot and the summary."""
        raise NotImplementedError

    @property
    def _values(self) -> dict[str, Any]:
        """The settings to take, by dotted name."""
        raise NotImplementedError

    @property
    def _taken(self) -> str:
        """What is said once they are taken."""
        raise NotImplementedError

    def _happened(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, Progress) and event.total:
                self.progress.setRange(0, event.total)
                self.progress.setValue(event.done)
            elif isinstance(event, Preview):
                self._show_preview(event.what)
            elif isinstance(event, Skipped):
                self._session.report(event.problem)

    def _finished(self, found: Any) -> None:
        self._found = found
        self.progress.hide()
        self._show(found)
        self.take.setEnabled(True)
        self.take.setDefault(True)

    def _failed(self, problem: object) -> None:
        self.progress.hide()
        if isinstance(problem, Problem):
            self.summary.setText(problem.text)
        else:
            self.summary.setText("The test was ended by a defect of the program.")
            self._session.report(problem)

    def _take(self) -> None:
        if self._found is not None:
            self._session.draft.edit_together(self._values)
            self._session.message.emit(self._taken)
        self.close()

    def done(self, result: int) -> None:
        """Close, and stop the trial."""
        self._request.stop()
        super().done(result)

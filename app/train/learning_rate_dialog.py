"""The learning-rate finder: a short training at growing rates, its loss curve, and a button that uses the result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialogButtonBox, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.jobs.job import Latest
from app.session.session import Session
from app.train import work
from app.train.widgets.rate_plots import RangePlot
from app.widgets.dialog import Dialog
from app.widgets.reserved import reserve
from core.errors import Problem
from core.events import Progress, Skipped

if TYPE_CHECKING:
    from core.train.learning_rate_finder import RateRange


class LearningRateDialog(Dialog):
    """Runs the learning-rate range test with the draft settings on the open dataset as soon as it is shown.

    Parameters
    ----------
    session
        Its draft ``settings.optimiser.learning_rate`` is set when the suggestion is accepted.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rates")
        self.setWindowTitle("Find a learning rate")
        self.resize(560, 420)
        self._session = session
        self._found: RateRange | None = None
        self._request = Latest(self)
        self.plot = RangePlot()
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        reserve(self.progress)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setMinimumHeight(2 * self.summary.fontMetrics().lineSpacing())
        self.take = QPushButton("Use it")
        self.take.setProperty("role", "primary")
        self.take.setEnabled(False)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.take, QDialogButtonBox.ButtonRole.AcceptRole)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 14, 14, 12)
        column.setSpacing(10)
        column.addWidget(self.plot, 1)
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
        """Whether the test is running."""
        return self._request.is_running

    def begin(self) -> None:
        """Start the test, and show the dialog."""
        cutouts = self._session.dataset.cutouts
        if cutouts is None:
            return
        self._found = None
        self.take.setEnabled(False)
        self.plot.forget()
        self.progress.setRange(0, 0)
        self.progress.show()
        self.summary.setText("A throwaway network is trained at a learning rate that grows from batch to batch.")
        self._request.start(
            work.find_learning_rate(self._session.draft.settings, cutouts.path, self._session.dataset.journal)
        )
        self.open()

    def _happened(self, events: list[object]) -> None:
        for event in events:
            if isinstance(event, Progress) and event.total:
                self.progress.setRange(0, event.total)
                self.progress.setValue(event.done)
            elif isinstance(event, Skipped):
                self._session.report(event.problem)

    def _finished(self, found: RateRange) -> None:
        self._found = found
        self.progress.hide()
        self.plot.show_range(found)
        end = "does not grow again up to 10" if found.diverged is None else f"grows again from {found.diverged:.1e} on"
        suggested = f"Suggested: {round_rate(found.suggestion):g}."
        self.summary.setText(f"The loss falls fastest at {found.steepest:.1e} and {end}. {suggested}")
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
            rate = round_rate(self._found.suggestion)
            self._session.draft.edit("optimiser.learning_rate", rate)
            self._session.message.emit(f"The learning rate is {rate:g} now.")
        self.close()

    def done(self, result: int) -> None:
        """Close, and stop the test."""
        self._request.stop()
        super().done(result)


def round_rate(rate: float) -> float:
    """Round to two significant digits, the precision of the test."""
    return float(f"{rate:.1e}") if math.isfinite(rate) else rate

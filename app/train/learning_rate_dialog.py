"""The learning-rate finder: a short training at growing rates, its loss curve, and a button that uses the result."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from app.jobs.job import Job
from app.session.session import Session
from app.train import work
from app.train.finder_dialog import FinderDialog
from app.train.widgets.rate_plots import RangePlot

if TYPE_CHECKING:
    from core.train.learning_rate_finder import RateRange

_ABOUT = "A throwaway network is trained at a learning rate that grows from batch to batch."


class LearningRateDialog(FinderDialog):
    """Runs the learning-rate range test with the draft settings on the open dataset as soon as it is shown.

    Parameters
    ----------
    session
        Its draft ``settings.optimiser.learning_rate`` is set when the suggestion is accepted.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self.plot = RangePlot()
        super().__init__(session, "rates", "Find a learning rate", self.plot, _ABOUT, parent)

    def _make_job(self, data: Path) -> Job:
        return work.find_learning_rate(self._session.draft.settings, data, self._session.dataset.journal)

    def _forget(self) -> None:
        self.plot.forget()

    def _show(self, found: RateRange) -> None:
        self.plot.show_range(found)
        end = "does not grow again up to 10" if found.diverged is None else f"grows again from {found.diverged:.1e} on"
        suggested = f"Suggested: {round_rate(found.suggestion):g}."
        self.summary.setText(f"The loss falls fastest at {found.steepest:.1e} and {end}. {suggested}")

    @property
    def _values(self) -> dict[str, Any]:
        return {"optimiser.learning_rate": round_rate(self._found.suggestion)}

    @property
    def _taken(self) -> str:
        return f"The learning rate is {round_rate(self._found.suggestion):g} now."


def round_rate(rate: float) -> float:
    """Round to two significant digits, the precision of the test."""
    return float(f"{rate:.1e}") if math.isfinite(rate) else rate

"""The batch-size finder: training steps on growing batches, their speed and memory, and a button that uses a size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from app.jobs.job import Job
from app.session.session import Session
from app.train import work
from app.train.finder_dialog import FinderDialog
from app.train.widgets.speed_plots import SpeedPlots
from core.wording import count_of

if TYPE_CHECKING:
    from core.train.batch_size_finder import BatchSizes, TriedSize

_ABOUT = "A throwaway network takes training steps on batches that double."
_OTHERS = "A click on another point chooses that size."


class BatchSizeDialog(FinderDialog):
    """Tries batch sizes with the draft settings on the open dataset as soon as it is shown.

    Parameters
    ----------
    session
        Its draft ``settings.optimiser.batch_size`` is set when a size is accepted, and the repeats that go with it.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self.plots = SpeedPlots()
        super().__init__(session, "batch_sizes", "Find a batch size", self.plots, _ABOUT, parent)
        self.chosen = 0  # galaxies per step; 0: none is chosen
        self.plots.chosen.connect(self._choose)

    def _make_job(self, data: Path) -> Job:
        return work.find_batch_size(self._session.draft.settings, data, self._session.dataset.journal)

    def _forget(self) -> None:
        self.chosen = 0
        self.take.setText("Use it")
        self.plots.show_sizes(())

    def _show_preview(self, what: tuple[TriedSize, ...]) -> None:
        self.plots.show_sizes(what)

    def _show(self, found: BatchSizes) -> None:
        self.plots.show_sizes(found.tried)
        self._choose(found.suggestion)

    def _choose(self, size: int) -> None:
        found: BatchSizes | None = self._found
        if found is None:
            return
        self.chosen = size
        self.plots.mark(size)
        self.take.setText(f"Use {size}")
        is_suggested = size == found.suggestion
        said = found.sentence if is_suggested else f"{count_of(size, 'galaxy')} per step: {found.describe(size)}"
        self.summary.setText(f"{said} {_OTHERS}" if is_suggested and len(found.tried) > 1 else said)

    @property
    def _values(self) -> dict[str, Any]:
        return self._found.values(self.chosen)

    @property
    def _taken(self) -> str:
        return f"The batch size is {self.chosen} now."

"""By what figures of merit are split: nothing, classes of the catalogue, or the environment of the galaxies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from app.evaluate import work
from app.jobs.job import Latest
from app.session.session import Session

if TYPE_CHECKING:
    from core.evaluate.comparison_columns import MeasuredColumns
    from core.evaluate.environment import Environments
    from core.evaluate.evaluation import Evaluation

_NONE, _ENVIRONMENT = "nothing", "environment, by segmentation"
_TIP = "Neighbours are looked for on the stamps; a few hundredths of a second for each galaxy."


class SplitChooser(QComboBox):
    """Offers what the galaxies of an evaluation can be split by; environments are looked for when they are wanted.

    Parameters
    ----------
    session
        Its open dataset has the stamps, and its activity shows the search for neighbours.

    Notes
    -----
    Signals: ``changed()`` when another split is known; ``told(str)`` what is being done; ``failed(object)`` the
    problem with it.
    """

    changed = Signal()
    told = Signal(str)
    failed = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._evaluation: Evaluation | None = None
        self._columns: MeasuredColumns | None = None
        self._environments: Environments | None = None
        self._looking = Latest(self)
        self._looking.finished.connect(self._take)
        self._looking.failed.connect(self.failed)
        self.setToolTip(_TIP)
        self.currentIndexChanged.connect(self._choose)

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Split the galaxies of this evaluation; the environments of the same galaxies stay known."""
        if self._evaluation is None or not np.array_equal(self._evaluation.rows, evaluation.rows):
            self._environments = None
        self._evaluation = evaluation

    def offer(self, columns: MeasuredColumns) -> None:
        """Offer the columns of classes."""
        self._columns = columns
        refill(self, [_NONE, _ENVIRONMENT, *columns.classes], _NONE)

    def look(self) -> bool:
        """Whether the split that is chosen is known; if not, it is looked for, and ``changed`` follows."""
        if self.currentText() != _ENVIRONMENT or self._environments is not None:
            return True
        cutouts = self._session.dataset.cutouts
        if self._evaluation is not None and cutouts is not None:
            self.told.emit("Looking for neighbours…")
            job = work.find_environments(cutouts.path, self._evaluation.rows)
            self._looking.start(job)
            self._session.activity.add(job)
        return False

    @property
    def split(self) -> tuple[str, NDArray[np.str_]] | None:
        """The name of the split and the class (n,) of each galaxy; None: there is none, or it is not known yet."""
        chosen = self.currentText()
        if chosen == _ENVIRONMENT:
            return None if self._environments is None else ("environment", self._environments.classes)
        if self._columns is None or chosen not in self._columns.classes:
            return None
        return chosen, self._columns.classes[chosen]

    @property
    def rule(self) -> str:
        """By which rule the environments that are chosen were found; empty: they are not chosen, or not known."""
        is_chosen = self.currentText() == _ENVIRONMENT
        return self._environments.rule if is_chosen and self._environments is not None else ""

    def stop(self) -> None:
        """Stop looking for neighbours."""
        self._looking.stop()

    def _choose(self) -> None:
        if self.look():
            self._looking.stop()
            self.changed.emit()

    def _take(self, found: Environments) -> None:
        self._environments = found
        for problem in found.problems:
            self._session.message.emit(problem.text)
        self.changed.emit()


def refill(box: QComboBox, names: Sequence[str], wished: str) -> None:
    """Offer these names, keeping the choice if it is among them."""
    before = box.currentText()
    with QSignalBlocker(box):
        box.clear()
        box.addItems(list(names))
        box.setCurrentIndex(max(box.findText(before if before in names else wished), 0))

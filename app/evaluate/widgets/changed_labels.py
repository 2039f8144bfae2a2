"""A button that is there where galaxies have other labels than when they were evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QPushButton, QWidget

from app.session.session import Session
from app.theme import icon
from core.data.target import Classes, columns_of
from core.wording import count_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.data.labelled_catalogue import LabelTexts
    from core.evaluate.evaluation import Evaluation

_MOST = 50_000  # numbers that are turned into texts without a wait


class ChangedLabels(QPushButton):
    """Says of how many evaluated galaxies the labels have changed; a click is to evaluate them again.

    Parameters
    ----------
    session
        Its open dataset is the one whose galaxies are evaluated.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(icon("mdi6.alert-circle-outline", "bad"), "", parent)
        self._dataset = session.dataset
        self._column = ""
        self._texts: LabelTexts | None = None
        self._before: NDArray[np.int64] | None = None  # (N,) places of the labels in those texts
        self._rows: NDArray[np.int64] | None = None  # (n,) of the evaluated galaxies
        self.setToolTip("The numbers below are those of the labels before: compute them with the present ones.")
        self.setVisible(False)
        session.dataset.labels_changed.connect(self._compare)

    def begin(self) -> None:
        """Remember the present labels, with which the galaxies are evaluated now."""
        dataset = self._dataset
        is_known = isinstance(dataset.target, Classes)  # then they are texts already
        is_small = dataset.cutouts is not None and len(dataset.cutouts) <= _MOST
        self._column, self._texts = dataset.label_column, dataset.label_texts if is_known or is_small else None
        self._before = None if self._texts is None else self._texts.places.copy()
        self._rows = None
        self.setVisible(False)

    def set_evaluation(self, evaluation: Evaluation) -> None:
        """Watch the labels of an evaluation."""
        read = columns_of(evaluation.target)
        is_read = self._column in read or not any(name in self._dataset.columns for name in read)
        self._rows = evaluation.rows if is_read else None
        self._compare()

    def _compare(self) -> None:
        if self._rows is None or self._before is None or self._texts is None:
            return
        if self._dataset.label_column == self._column:
            count = int(np.count_nonzero(self._texts.places[self._rows] != self._before[self._rows]))
            self.setText(f"{count_of(count, 'label')} changed: evaluate again")
            self.setVisible(count > 0)

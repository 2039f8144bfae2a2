"""The learning curves of several runs in one plot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.theme import class_colours
from app.widgets.plot import Plot

_QUANTITIES = {"val_loss": "Validation loss", "val_score": "Validation score", "loss": "Training loss"}
MOST_CURVES = 8  # curves with distinguishable colours

Rows = Sequence[Mapping[str, float]]


class OverlayPlot(QWidget):
    """One quantity of several runs over the epochs. Nothing is smoothed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._histories: dict[str, Rows] = {}
        self._curves: dict[str, pg.PlotDataItem] = {}
        self.quantity = QComboBox()
        for name, title in _QUANTITIES.items():
            self.quantity.addItem(title, name)
        self.quantity.setToolTip("What is drawn of each selected run.")
        self.quantity.currentIndexChanged.connect(self._draw)
        self._plot = Plot()
        self._plot.setMinimumSize(220, 150)
        head = QHBoxLayout()
        head.addWidget(self.quantity)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._plot, 1)
        self._draw()

    def show_histories(self, histories: Mapping[str, Rows]) -> dict[str, str]:
        """Draw histories by their keys; returns the colour of each key."""
        self._histories = dict(list(histories.items())[:MOST_CURVES])
        self._draw()
        return dict(zip(self._histories, class_colours(MOST_CURVES), strict=False))

    def points(self, key: str) -> tuple[list[float], list[float]]:
        """Return the drawn epochs and values of one history."""
        x, y = self._curves[key].getOriginalDataset()
        return ([], []) if x is None or y is None else (list(map(float, x)), list(map(float, y)))

    def _draw(self) -> None:
        for curve in self._curves.values():
            self._plot.removeItem(curve)
        self._curves = {}
        name = self.quantity.currentData()
        for (key, rows), colour in zip(self._histories.items(), class_colours(MOST_CURVES), strict=False):
            x = np.array([row["epoch"] for row in rows])
            y = np.array([_value(row, name) for row in rows])
            pen, finite = pg.mkPen(colour, width=2), np.isfinite(y).any()
            self._curves[key] = self._plot.plot(x if finite else [], y if finite else [], pen=pen, connect="finite")
        self._plot.set_titles(self.quantity.currentText(), "Epoch")


def _value(row: Mapping[str, float], name: str) -> float:
    if name == "val_score":
        return row.get("val_accuracy", row.get("val_r2", row.get("val_neighbours_accuracy", math.nan)))
    return row.get(name, math.nan)

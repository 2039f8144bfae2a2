"""Predicted against true values of one quantity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.plot import Plot
from core.data import angles


class TruthPlot(QWidget):
    """A point per galaxy and the line of equality; a click on a point selects its galaxy."""

    point_clicked = Signal(int)  # index of the point

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = Plot(width=76)  # ticks of a narrow range have many digits
        self._points = pyqtgraph.ScatterPlotItem(size=6, pen=None, brush="#3B9BDCC0", hoverable=True)
        self._equal = pyqtgraph.InfiniteLine(angle=45, pen=pyqtgraph.mkPen("#888888"))
        self._plot.addItem(self._equal)
        self._plot.addItem(self._points)
        self._plot.setMinimumSize(200, 180)
        self._points.sigClicked.connect(self._clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)

    @property
    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """True and predicted values as they are shown."""
        return self._points.getData()

    @property
    def count(self) -> int:
        """How many points are shown."""
        return len(self._points.points())

    def set_points(
        self, true: NDArray[Any], predicted: NDArray[Any], name: str, unit: str, period: float | None = None
    ) -> None:
        """Show ``predicted`` over ``true``, both (N,) in ``unit``; of an angle at its value nearest to the true one."""
        predicted = true + angles.difference(predicted, true, period)
        bracket = f" [{unit}]" if unit else ""
        self._plot.set_titles(f"predicted {name}{bracket}", f"true {name}{bracket}")
        finite = np.isfinite(true) & np.isfinite(predicted)
        self._points.setData(true[finite], predicted[finite], data=np.flatnonzero(finite))
        self._plot.autoRange()

    def _clicked(self, _item: object, points: NDArray[Any], _event: object) -> None:
        if len(points):
            self.point_clicked.emit(int(points[0].data()))

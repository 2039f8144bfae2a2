"""Predicted against true values of one quantity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.evaluate.widgets.line_key import KeyEntry, LineKey
from app.theme import class_colours, colours
from app.widgets.plot import Plot
from core.data import angles
from core.data.encodings import PLAIN, Encoding, reach

_MOST_BARS = 1500  # of more galaxies, error bars hide the points
_SOLID, _FAINT = 190, 70  # alpha


class TruthPlot(QWidget):
    """A point per galaxy and the line of equality; a click on a point selects its galaxy."""

    point_clicked = Signal(int)  # index of the point

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = Plot("predicted", "true", width=76)  # ticks of a narrow range have many digits
        self._points = pg.ScatterPlotItem(size=6, pen=None, hoverable=True)
        self._fitted = pg.ScatterPlotItem(size=6, symbol="s", pen=None, hoverable=True)
        self._bars, self._fitted_bars = pg.ErrorBarItem(), pg.ErrorBarItem()
        self._equal = pg.InfiniteLine(angle=45)
        self._key = LineKey()
        for item in (self._equal, self._fitted_bars, self._bars, self._fitted, self._points):
            self._plot.addItem(item)
        self._plot.setMinimumSize(200, 160)
        for points in (self._points, self._fitted):
            points.sigClicked.connect(self._clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._key)
        column.addWidget(self._plot, 1)
        self._colour()

    @property
    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """True and predicted values as they are shown."""
        return self._points.getData()

    @property
    def count(self) -> int:
        """How many points are shown."""
        return len(self._points.points())

    @property
    def fitted_count(self) -> int:
        """How many points of the classical fit are shown."""
        return len(self._fitted.points())

    @property
    def bar_count(self) -> int:
        """How many points have an error bar."""
        shown = self._bars.opts["x"]
        return 0 if shown is None or not self._bars.isVisible() else len(shown)

    def set_points(
        self,
        true: NDArray[Any],
        predicted: NDArray[Any],
        name: str,
        unit: str,
        encoding: Encoding = PLAIN,
        errors: NDArray[Any] | None = None,
        fit: tuple[NDArray[Any], NDArray[Any] | None] | None = None,
    ) -> None:
        """Show ``predicted`` over ``true``, both (N,) in ``unit``.

        Parameters
        ----------
        true, predicted
            (N,); points without one of them are left out.
        name, unit
            Of the quantity.
        encoding
            How it was learned: an angle is shown at its value nearest to the true one, and the error bars of a
            logarithm reach further up than down.
        errors
            (N,) error bars of the predicted values.
        fit
            Values (N,) of the classical fit, with their error bars.
        """
        bracket = f" [{unit}]" if unit else ""
        which = "predicted" if fit is None else "measured"
        self._plot.set_titles(f"{which} {name}{bracket}", f"true {name}{bracket}")
        period = encoding.period
        reaches = None if errors is None else reach(predicted, errors, encoding)
        _show(self._points, self._bars, true, true + angles.difference(predicted, true, period), reaches)
        values, bars = (np.full(len(true), np.nan), None) if fit is None else fit
        reaches = None if bars is None else reach(values, bars, PLAIN)
        _show(self._fitted, self._fitted_bars, true, true + angles.difference(values, true, period), reaches)
        network, fitted = class_colours(2)
        entries = [KeyEntry("network", network, is_fit=False), KeyEntry("classical fit", fitted, is_fit=True)]
        self._key.set_entries(entries if fit is not None else [])
        self._plot.autoRange()

    def _colour(self) -> None:
        network, fitted = class_colours(2)
        self._equal.setPen(pg.mkPen(colours().muted))
        for points, bars, colour in ((self._points, self._bars, network), (self._fitted, self._fitted_bars, fitted)):
            points.setBrush(_with_alpha(colour, _SOLID))
            bars.setOpts(pen=pg.mkPen(_with_alpha(colour, _FAINT), width=1))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_equal"):
            self._colour()

    def _clicked(self, _item: object, points: NDArray[Any], _event: object) -> None:
        if len(points):
            self.point_clicked.emit(int(points[0].data()))


def _show(
    points: pg.ScatterPlotItem,
    bars: pg.ErrorBarItem,
    true: NDArray[Any],
    values: NDArray[Any],
    reaches: tuple[NDArray[Any], NDArray[Any]] | None,
) -> None:
    finite = np.isfinite(true) & np.isfinite(values)
    points.setData(true[finite], values[finite], data=np.flatnonzero(finite))
    has_bar = finite & (np.isfinite(reaches[0]) if reaches is not None else False)
    is_shown = 0 < int(has_bar.sum()) <= _MOST_BARS
    bars.setVisible(is_shown)  # or an empty item would count as one at 0
    points.setVisible(bool(finite.any()))
    if reaches is not None and is_shown:
        below, above = (each[has_bar] for each in reaches)
        bars.setData(x=true[has_bar], y=values[has_bar], bottom=below, top=above)


def _with_alpha(colour: str, alpha: int) -> QColor:
    found = QColor(colour)
    found.setAlpha(alpha)
    return found

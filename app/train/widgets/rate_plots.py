"""Plots of learning rates: the schedule of a training, and the loss in a range test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.theme import colours
from app.widgets.plot import Plot

if TYPE_CHECKING:
    from core.train.learning_rate_finder import RateRange


class SchedulePlot(Plot):
    """The learning rate of each epoch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._curve = pg.PlotDataItem()
        super().__init__("Rate", "Epoch", still=True, width=76, parent=parent)  # room for 2.5e-05
        self.addItem(self._curve)
        self.setFixedHeight(130)

    @property
    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The drawn epochs and rates."""
        x, y = self._curve.getOriginalDataset()
        return (np.zeros(0), np.zeros(0)) if x is None or y is None else (np.array(x), np.array(y))

    def show_rates(self, epochs: NDArray[np.float64], rates: NDArray[np.float64]) -> None:
        """Draw learning rates (n,) at these epochs (n,)."""
        self._curve.setData(epochs, rates)
        box = self.getViewBox()
        box.setXRange(0, float(epochs[-1]), padding=0.02)
        box.setYRange(0, float(rates.max()), padding=0.06)

    def _apply_theme(self) -> None:
        super()._apply_theme()
        self._curve.setPen(pg.mkPen(colours().accent, width=2))


class RangePlot(Plot):
    """The loss against the learning rate, with the suggested rate."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._points, self._smooth = pg.PlotDataItem(connect="finite"), pg.PlotDataItem(connect="finite")
        self._suggested = pg.InfiniteLine(angle=90, label="suggested", labelOpts={"position": 0.9})
        super().__init__("Loss", "Learning rate", still=True, parent=parent)
        self.setMinimumHeight(220)
        self.addItem(self._points)
        self.addItem(self._smooth)
        self.setLogMode(x=True)
        self._suggested.hide()
        self.getViewBox().addItem(self._suggested, ignoreBounds=True)

    def forget(self) -> None:
        """Remove the curves."""
        self._points.setData([], [])
        self._smooth.setData([], [])
        self._suggested.hide()

    def show_range(self, found: RateRange) -> None:
        """Draw a range test, scaled to the first losses rather than to the diverging last ones."""
        losses = np.where(np.isfinite(found.losses), found.losses, np.nan)
        self._points.setData(found.rates, losses)
        self._smooth.setData(found.rates, found.smoothed)
        low, start = float(np.nanmin(found.smoothed)), float(found.smoothed[0])
        self.getViewBox().setYRange(low - 0.1 * abs(start - low), start + 1.2 * abs(start - low))
        self._suggested.setValue(math.log10(found.suggestion))
        self._suggested.show()

    def _apply_theme(self) -> None:
        super()._apply_theme()
        chosen = colours()
        faint = pg.mkColor(chosen.train)
        faint.setAlpha(80)
        self._points.setPen(pg.mkPen(faint, width=1))
        self._smooth.setPen(pg.mkPen(chosen.train, width=2))
        self._suggested.setPen(pg.mkPen(chosen.accent, width=2, style=Qt.PenStyle.DashLine))
        self._suggested.label.setColor(chosen.accent)

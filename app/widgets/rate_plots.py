"""Learning rates drawn: how they go along a training, and how the loss answers to growing ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import colours

if TYPE_CHECKING:
    from core.train.range_test import RateRange


class _Plot(QWidget):
    """One plot in the colours of the theme, which the mouse cannot move."""

    def __init__(self, left: str, bottom: str, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._titles = {"left": left, "bottom": bottom}
        self._plot = pg.PlotWidget()
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.setMinimumHeight(height)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)

    def _dress(self) -> None:
        chosen = colours()
        self._plot.setBackground(chosen.surface)
        self._plot.showGrid(x=True, y=True, alpha=0.12)
        for side, title in self._titles.items():
            axis = self._plot.getAxis(side)
            axis.setPen(chosen.line)
            axis.setTextPen(chosen.muted)
            axis.setLabel(title, siPrefixEnableRanges=(), color=chosen.muted)
        self._plot.getAxis("left").setWidth(58)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        super().changeEvent(event)


class SchedulePlot(_Plot):
    """The learning rate of each epoch."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Rate", "Epoch", 110, parent)
        self._curve = self._plot.plot()
        self.setMaximumHeight(130)
        self._dress()

    @property
    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is drawn: epochs and rates."""
        x, y = self._curve.getOriginalDataset()
        return (np.zeros(0), np.zeros(0)) if x is None or y is None else (np.array(x), np.array(y))

    def show_rates(self, epochs: NDArray[np.float64], rates: NDArray[np.float64]) -> None:
        """Draw other rates (n,) at these places (n,) of the training."""
        self._curve.setData(epochs, rates)
        box = self._plot.getViewBox()
        box.setXRange(0, float(epochs[-1]), padding=0.02)
        box.setYRange(0, float(rates.max()), padding=0.06)

    def _dress(self) -> None:
        super()._dress()
        self._curve.setPen(pg.mkPen(colours().accent, width=2))


class RangePlot(_Plot):
    """The loss against growing learning rates, with the one that is suggested."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Loss", "Learning rate", 220, parent)
        self._plot.setLogMode(x=True)
        self._points = self._plot.plot(connect="finite")
        self._smooth = self._plot.plot(connect="finite")
        self._suggested = pg.InfiniteLine(angle=90, label="suggested", labelOpts={"position": 0.9})
        self._suggested.hide()
        self._plot.getViewBox().addItem(self._suggested, ignoreBounds=True)
        self._dress()

    def clear(self) -> None:
        """Draw nothing."""
        self._points.setData([], [])
        self._smooth.setData([], [])
        self._suggested.hide()

    def show_range(self, found: RateRange) -> None:
        """Draw what a test has found; the first losses are what counts, not how far the last ones flew off."""
        losses = np.where(np.isfinite(found.losses), found.losses, np.nan)
        self._points.setData(found.rates, losses)
        self._smooth.setData(found.rates, found.smoothed)
        low, start = float(np.nanmin(found.smoothed)), float(found.smoothed[0])
        self._plot.setYRange(low - 0.1 * abs(start - low), start + 1.2 * abs(start - low))
        self._suggested.setValue(math.log10(found.suggestion))
        self._suggested.show()

    def _dress(self) -> None:
        super()._dress()
        chosen = colours()
        faint = pg.mkColor(chosen.train)
        faint.setAlpha(80)
        self._points.setPen(pg.mkPen(faint, width=1))
        self._smooth.setPen(pg.mkPen(chosen.train, width=2))
        self._suggested.setPen(pg.mkPen(chosen.accent, width=2, style=Qt.PenStyle.DashLine))
        self._suggested.label.setColor(chosen.accent)

"""The reliability of probabilities: how often the likeliest class is right, against its probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QWidget

from app.theme import colours
from app.widgets.plot import Plot
from core.metrics.calibration import Bin


class ReliabilityPlot(Plot):
    """A point with its 68 % interval for each bin; calibrated probabilities lie on the diagonal."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._equal, self._errors, self._points = pg.PlotDataItem([0, 1], [0, 1]), pg.ErrorBarItem(), pg.PlotDataItem()
        self._is_built = False
        super().__init__("share that is right", "probability of the likeliest class", still=True, parent=parent)
        for item in (self._equal, self._errors, self._points):
            self.addItem(item)
        box: pg.ViewBox = self.getViewBox()
        box.setRange(xRange=(0, 1), yRange=(0, 1), padding=0.03)
        self.setMinimumSize(180, 130)
        self.setMaximumHeight(230)
        self._is_built = True
        self._colour()

    def set_bins(self, bins: Sequence[Bin]) -> None:
        """Show these bins; none: only the diagonal."""
        x = np.array([each.probability for each in bins])
        y = np.array([each.share for each in bins])
        low, high = np.array([each.interval for each in bins]).reshape(-1, 2).T
        self._errors.setData(x=x, y=y, top=high - y, bottom=y - low, beam=0.015)
        self._points.setData(x, y)
        lines = [f"{each.galaxies:,} galaxies at {each.probability:.2f}: {each.share:.2f} right" for each in bins]
        self.setToolTip("\n".join(["Calibrated probabilities lie on the diagonal.", *lines]))

    def _colour(self) -> None:
        chosen = colours()
        self._equal.setPen(pg.mkPen(chosen.muted, width=1))
        self._errors.setOpts(pen=pg.mkPen(chosen.accent, width=1.5))
        self._points.setPen(None)
        self._points.setSymbol("o")
        self._points.setSymbolSize(6)
        self._points.setSymbolPen(None)
        self._points.setSymbolBrush(chosen.accent)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and getattr(self, "_is_built", False):
            self._colour()

"""A histogram of simulated galaxies over that of real ones, or a sentence where there is nothing to compare."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.theme import colours
from app.widgets.plot import Plot

_BINS = 16
_OUTER = (1.0, 99.0)  # percentiles of both samples, between which the bins lie
_LEAST_SPAN = 1e-6  # of the values: noise may be the same in all stamps


class HistogramPlot(QWidget):
    """Shares of galaxies in bins that both samples have in common.

    Parameters
    ----------
    title
        Of the horizontal axis, without unit.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._unit = title, ""
        self._plot = Plot(still=True, width=40)
        self._plot.setMinimumSize(120, 90)
        self._simulated = pg.PlotDataItem(stepMode="center", fillLevel=0)
        self._real = pg.PlotDataItem(stepMode="center")
        for item in (self._simulated, self._real):
            self._plot.addItem(item)
        self.sentence = QLabel("Measuring…")
        self.sentence.setProperty("role", "muted")
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence.setWordWrap(True)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.sentence)
        self.axis_title = QLabel()
        self.axis_title.setProperty("role", "muted")
        self.axis_title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.axis_title.setWordWrap(True)
        drawn = QWidget()
        column = QVBoxLayout(drawn)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self._plot, 1)
        column.addWidget(self.axis_title)
        self._pages.addWidget(drawn)
        self.shares: dict[str, NDArray[np.float64]] = {}
        self._apply_theme()

    @property
    def is_drawn(self) -> bool:
        """Whether histograms are shown."""
        return self._pages.currentIndex() == 1

    def say(self, sentence: str) -> None:
        """Show a sentence in place of the histograms."""
        self.sentence.setText(sentence)
        self.shares = {}
        self._pages.setCurrentIndex(0)

    def set_samples(self, simulated: NDArray[np.float64], real: NDArray[np.float64], unit: str) -> None:
        """Show finite values of both samples; there must be some of the simulated ones, and may be none of the real."""
        values = np.concatenate([simulated, real])
        low, high = np.percentile(values, _OUTER)
        spare = max(0.06 * (high - low), _LEAST_SPAN * abs(high), 1e-30)
        edges = np.linspace(max(0.0, low - spare), high + spare, _BINS + 1)  # noise and sizes are positive
        for name, item, sample in (("simulated", self._simulated, simulated), ("real", self._real, real)):
            shares = 100 * np.histogram(sample, edges)[0] / max(1, len(sample))
            self.shares[name] = shares
            item.setData(edges, shares)
            item.setVisible(bool(len(sample)))
        self._unit = unit
        self._plot.getAxis("bottom").setTicks([round_ticks(edges[0], edges[-1])])
        self._plot.getViewBox().setXRange(edges[0], edges[-1], padding=0)
        self._plot.getViewBox().setYRange(0, max(shares.max() for shares in self.shares.values()), padding=0.06)
        self._apply_theme()
        self._pages.setCurrentIndex(1)

    def _apply_theme(self) -> None:
        chosen = colours()
        self._plot.set_titles("Galaxies [%]", "")
        self.axis_title.setText(f"{self._title} [{self._unit}]" if self._unit else self._title)
        fill = pg.mkColor(chosen.train)
        fill.setAlpha(60)
        self._simulated.setPen(pg.mkPen(chosen.train, width=1))
        self._simulated.setBrush(fill)
        self._real.setPen(pg.mkPen(chosen.validation, width=2))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
        super().changeEvent(event)


def round_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Two to five round numbers between two limits, and how they are written."""
    step = (high - low) / 4
    decade = 10.0 ** math.floor(math.log10(step))
    step = decade * next(nice for nice in (1, 2, 5, 10) if nice * decade >= step)
    return [
        (number * step, f"{number * step:.4g}") for number in range(math.ceil(low / step), math.floor(high / step) + 1)
    ]

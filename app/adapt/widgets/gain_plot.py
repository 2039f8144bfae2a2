"""The validation score against the number of labels: of the networks trained while labelling, and in random order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.theme import colours
from app.widgets.plain_text import RichLabel
from app.widgets.plot import Plot

if TYPE_CHECKING:
    from core.studies.labelling_curve import LabellingCurve, ScoreAtLabels

_TICKS = 8
_HIGHEST = 240  # pixels


class GainPlot(QWidget):
    """Points with error bars on a logarithmic axis, and in grey the random order where a study has measured it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.points: tuple[ScoreAtLabels, ...] = ()
        self.random: tuple[ScoreAtLabels, ...] = ()
        self._what, self._note = "Score", ""
        self._plot = Plot(still=True)
        self._plot.setMinimumSize(220, 150)
        self._plot.setMaximumHeight(_HIGHEST)
        self._line, self._random_line = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._dots, self._random_dots = pg.ScatterPlotItem(), pg.ScatterPlotItem()
        self._bars, self._random_bars = pg.ErrorBarItem(beam=0.02), pg.ErrorBarItem(beam=0.02)
        items = (self._random_line, self._random_bars, self._random_dots, self._line, self._bars, self._dots)
        for item in items:
            self._plot.addItem(item)
        self.legend = RichLabel()
        self.legend.setWordWrap(True)
        self.invitation = QLabel("After the first retraining, its score appears here, and then each further one.")
        self.invitation.setProperty("role", "muted")
        self.invitation.setWordWrap(True)
        self.invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        drawn = QWidget()
        column = QVBoxLayout(drawn)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._plot, 1)
        column.addWidget(self.legend)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.invitation)
        self._pages.addWidget(drawn)
        self._apply_theme()

    def set_curve(self, curve: LabellingCurve) -> None:
        """Show scores against labels."""
        self.points, self.random, self._what, self._note = curve.points, curve.random, curve.what, curve.note
        points = curve.points
        self._pages.setCurrentIndex(1 if points else 0)
        self._draw()
        self._apply_theme()

    def _draw(self) -> None:
        shown = [*self.points, *self.random]
        if not self.points:
            return
        _put(self.points, self._line, self._dots, self._bars)
        _put(self.random, self._random_line, self._random_dots, self._random_bars)
        counts = sorted({each.labels for each in shown})
        kept = _apart(counts)
        self._plot.getAxis("bottom").setTicks([[(float(np.log10(count)), f"{count:,}") for count in kept]])
        low = min(each.score - each.error for each in shown)
        high = max(each.score + each.error for each in shown)
        box = self._plot.getViewBox()
        left, right = np.log10(counts[0]), np.log10(counts[-1])
        box.setXRange(left - 0.05, right + 0.05, padding=0.04)
        box.setYRange(low, max(high, low + 0.02), padding=0.1)

    def _apply_theme(self) -> None:
        chosen = colours()
        self._plot.set_titles(self._what, "Labelled training galaxies")
        for line, dots, bars, shade in (
            (self._line, self._dots, self._bars, chosen.train),
            (self._random_line, self._random_dots, self._random_bars, chosen.muted),
        ):
            line.setPen(pg.mkPen(shade, width=1.5))
            dots.setSize(7)
            dots.setPen(None)
            dots.setBrush(pg.mkColor(shade))
            bars.setOpts(pen=pg.mkPen(shade, width=1.5))
        parts = [f'<span style="color:{chosen.train}">● as proposed</span>']
        if self.random:
            parts.append(f'<span style="color:{chosen.muted}">● in random order</span>')
        parts.append(f'<span style="color:{chosen.muted}">{self._note}</span>')
        self.legend.setText(" &nbsp; ".join(parts))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
        super().changeEvent(event)


def _apart(counts: Sequence[int]) -> list[int]:
    """Those of ascending numbers that can be written along the axis without touching, the largest among them."""
    least = np.log(counts[-1] / counts[0]) / _TICKS
    kept = [counts[-1]]
    for count in reversed(counts[:-1]):
        if np.log(kept[-1] / count) >= least:
            kept.append(count)
    return kept[::-1]


def _put(
    scores: Sequence[ScoreAtLabels], line: pg.PlotCurveItem, dots: pg.ScatterPlotItem, bars: pg.ErrorBarItem
) -> None:
    x = np.log10([each.labels for each in scores]) if scores else np.zeros(0)
    y, errors = np.array([each.score for each in scores]), np.array([each.error for each in scores])
    line.setData(x, y)
    dots.setData(x, y)
    bars.setData(x=x, y=y, height=2 * errors)

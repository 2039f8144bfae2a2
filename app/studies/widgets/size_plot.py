"""The score against the number of labels: runs, means with error bars, the fitted power law and its band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.theme import colours
from app.widgets.plain_text import RichLabel
from app.widgets.plot import Plot
from core.metrics.uncertainty import plus_minus

if TYPE_CHECKING:
    from core.studies.size_lines import SizeLines


class SizePlot(QWidget):
    """The training-size curve on a logarithmic axis; the extrapolated part of the power law is dashed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: SizeLines | None = None
        self._plot = Plot(still=True)
        self._plot.setMinimumSize(260, 180)
        self._low, self._high = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._band = pg.FillBetweenItem(self._low, self._high)
        self._inside, self._beyond = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._errors = pg.ErrorBarItem(beam=0.02)
        self._runs, self._means = pg.ScatterPlotItem(), pg.ScatterPlotItem()
        for item in (self._band, self._inside, self._beyond, self._runs, self._errors, self._means):
            self._plot.addItem(item)
        self.legend = RichLabel()
        self.legend.setWordWrap(True)
        self.invitation = QLabel("A point for each run, and the curve through them, will appear here.")
        self.invitation.setProperty("role", "muted")
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

    @property
    def shown(self) -> SizeLines | None:
        """The curve on display."""
        return self._lines

    def set_lines(self, lines: SizeLines | None) -> None:
        """Show a study; None: nothing."""
        self._lines = lines
        self._draw()
        self._apply_theme()

    def _draw(self) -> None:
        lines = self._lines
        for item in (self._band, self._inside, self._beyond):
            item.setVisible(lines is not None and lines.exponent is not None)
        self._pages.setCurrentIndex(0 if lines is None else 1)
        if lines is None:
            return
        self._runs.setData(np.log10(lines.runs[:, 0]), lines.runs[:, 1])
        sizes = np.log10(lines.sizes)
        self._means.setData(sizes, lines.means)
        self._errors.setData(x=sizes, y=lines.means, height=2 * lines.errors)
        grid, inside = np.log10(lines.grid), lines.measured
        self._low.setData(grid, lines.low)
        self._high.setData(grid, lines.high)
        self._inside.setData(grid[inside], lines.middle[inside])
        self._beyond.setData(grid[~inside], lines.middle[~inside])
        ticks = [(float(np.log10(size)), f"{size:,.0f}") for size in lines.ticks]
        self._plot.getAxis("bottom").setTicks([ticks])
        heights = np.concatenate([lines.runs[:, 1], lines.means - lines.errors, lines.means + lines.errors, lines.high])
        heights = heights[np.isfinite(heights)]
        self._plot.getViewBox().setXRange(min(sizes[0], ticks[0][0]), max(sizes[-1], ticks[-1][0]), padding=0.06)
        if len(heights):
            self._plot.getViewBox().setYRange(heights.min(), heights.max(), padding=0.08)

    def _apply_theme(self) -> None:
        """Apply the colours of the theme, titles and legend."""
        chosen, lines = colours(), self._lines
        self._plot.set_titles(lines.what if lines else "Score", "Labelled training galaxies")
        faint, band = pg.mkColor(chosen.train), pg.mkColor(chosen.validation)
        faint.setAlpha(110)
        band.setAlpha(45)
        self._runs.setSize(5)
        self._runs.setPen(None)
        self._runs.setBrush(faint)
        self._means.setSize(9)
        self._means.setPen(pg.mkPen(chosen.surface))
        self._means.setBrush(chosen.train)
        self._errors.setOpts(pen=pg.mkPen(chosen.train, width=1.5))
        self._band.setBrush(band)
        self._inside.setPen(pg.mkPen(chosen.validation, width=2))
        self._beyond.setPen(pg.mkPen(chosen.validation, width=2, style=Qt.PenStyle.DashLine))
        self.legend.setText(self._legend())

    def _legend(self) -> str:
        chosen = colours()
        parts = [f'<span style="color:{chosen.train}">● mean of the runs, standard error; small: each run</span>']
        if self._lines is not None and self._lines.exponent is not None:
            value, error = self._lines.exponent
            law = f"— m<sub>∞</sub> − a n<sup>−b</sup>, b = {value:.2f}{plus_minus(error, '.2f')}, and its 68 % band"
            parts.append(f'<span style="color:{chosen.validation}">{law}</span>')
        return " &nbsp; ".join(parts)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
        super().changeEvent(event)

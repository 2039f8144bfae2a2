"""A chart of :mod:`core.evaluate.charts` on the screen: curves with bands or points with error bars, and their key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.evaluate.widgets.line_key import KeyEntry, LineKey
from app.theme import class_colours, colours
from app.widgets.plot import Plot

if TYPE_CHECKING:
    from core.evaluate.charts import Chart, Series

_BAND = 45  # alpha
_STEPS = ((1, 2, 5), (1, 3), (1,))  # of a decade that are numbered: as many as there is room for
_GAP = 8  # pixels between two numbers of an axis


class ChartPlot(QWidget):
    """Shows a chart; with a marker, a line across it that can be dragged."""

    marker_moved = Signal(float)  # on the axis below, in its values

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = LineKey()
        self.plot = Plot(still=True)
        self.plot.setMinimumSize(200, 150)
        self._marker = pg.InfiniteLine(angle=90, movable=True, hoverPen=pg.mkPen(width=4))
        self._marker.sigPositionChanged.connect(self._report_marker)
        self._chart: Chart | None = None
        self._palette: list[str] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.key)
        column.addWidget(self.plot, 1)
        self.plot.getViewBox().sigResized.connect(self._number_axis)

    @property
    def chart(self) -> Chart | None:
        """What is shown."""
        return self._chart

    @property
    def marker(self) -> float:
        """Where the marker is on the axis below."""
        place = float(self._marker.value())  # pyrefly: ignore[bad-argument-type] - of an upright line a number
        return 10**place if self._is_logarithmic else place

    def set_marker(self, place: float) -> None:
        """Move the marker; it is reported as if it were dragged."""
        self._marker.setValue(np.log10(place) if self._is_logarithmic else place)

    def show_marker(self, is_shown: bool) -> None:
        """Whether there is one."""
        self._marker.setVisible(is_shown)

    def set_chart(self, chart: Chart, palette: Sequence[str] = ()) -> None:
        """Show a chart; without a palette its series have the colours of classes."""
        self._chart, self._palette = chart, list(palette)
        numbers = [each.colour for each in chart.series]
        shades = self._palette or class_colours(1 + max(numbers, default=0))
        plot = self.plot
        plot.clear()
        plot.setLogMode(x=chart.is_logarithmic, y=False)
        plot.set_titles(chart.y_title, chart.x_title)
        if chart.guide is not None:
            (x, y), (to_x, to_y) = chart.guide
            pen = pg.mkPen(colours().muted, style=Qt.PenStyle.DotLine)
            plot.addItem(pg.PlotDataItem([x, to_x], [y, to_y], pen=pen))
        for each in chart.series:
            shade = shades[each.colour % len(shades)]
            if chart.are_points:
                self._draw_points(each, shade)
            else:
                self._draw_curve(each, shade)
        self._limit(chart)
        self._number_axis()
        self._colour_marker()
        plot.addItem(self._marker)
        self.key.set_entries(
            [KeyEntry(each.name, shades[each.colour % len(shades)], is_fit=False) for each in chart.series]
        )
        plot.setToolTip("\n".join(filter(None, (_describe(each) for each in chart.series if chart.are_points))))

    def clear(self) -> None:
        """Show no chart."""
        self._chart = None
        self.plot.clear()
        self.plot.setLogMode(x=False, y=False)
        self.plot.setToolTip("")
        self.key.set_entries([])
        self._number_axis()

    def _number_axis(self) -> None:
        """Number a logarithmic axis as closely as its width allows."""
        axis = self.plot.getAxis("bottom")
        if not self._is_logarithmic:
            axis.setTicks(None)
            return
        assert self._chart is not None
        metrics = QFontMetricsF(axis.font())
        axis.setTicks(_decades(_ends(self._chart), axis.width(), metrics))

    @property
    def _is_logarithmic(self) -> bool:
        return self._chart is not None and self._chart.is_logarithmic

    def _draw_curve(self, each: Series, shade: str) -> None:
        band = each.band
        known = np.isfinite(band.low) & np.isfinite(band.high)
        if known.any():
            clear, fill = pg.mkPen(None), QColor(shade)
            fill.setAlpha(_BAND)
            edges = [pg.PlotDataItem(band.x[known], limit[known], pen=clear) for limit in (band.low, band.high)]
            for edge in edges:
                edge.setLogMode(self._is_logarithmic, False)
                self.plot.addItem(edge)
            self.plot.addItem(pg.FillBetweenItem(*edges, brush=fill))
        self.plot.addItem(pg.PlotDataItem(band.x, band.y, pen=pg.mkPen(shade, width=2), connect="finite"))

    def _draw_points(self, each: Series, shade: str) -> None:
        band, pen = each.band, pg.mkPen(shade, width=1.5)
        if len(band.x):
            top, bottom = np.nan_to_num(band.high - band.y), np.nan_to_num(band.y - band.low)
            self.plot.addItem(pg.ErrorBarItem(x=band.x, y=band.y, top=top, bottom=bottom, pen=pen))
        self.plot.addItem(
            pg.PlotDataItem(band.x, band.y, pen=pen, symbol="o", symbolSize=6, symbolPen=None, symbolBrush=shade)
        )

    def _limit(self, chart: Chart) -> None:
        box = self.plot.getViewBox()
        box.enableAutoRange()
        if chart.x_range is not None:
            box.setXRange(*chart.x_range, padding=0.02)
            self._marker.setBounds(chart.x_range)
        elif chart.series:
            ends = [(float(each.band.x.min()), float(each.band.x.max())) for each in chart.series if len(each.band.x)]
            low, high = min(each for each, _ in ends), max(each for _, each in ends)
            self._marker.setBounds(np.log10([low, high]).tolist() if chart.is_logarithmic else [low, high])
        if chart.y_range is not None:
            box.setYRange(*chart.y_range, padding=0.01)

    def _colour_marker(self) -> None:
        self._marker.setPen(pg.mkPen(colours().accent, width=2))

    def _report_marker(self) -> None:
        self.marker_moved.emit(self.marker)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        chart = getattr(self, "_chart", None)  # Qt sends a palette change during construction
        if event.type() == QEvent.Type.PaletteChange and chart is not None:
            self.set_chart(chart, self._palette)


def _ends(chart: Chart) -> tuple[float, float]:
    """Where the curves of a logarithmic axis begin and end."""
    ends = [end for each in chart.series if len(each.band.x) for end in (each.band.x.min(), each.band.x.max())]
    return (float(min(ends)), float(max(ends))) if ends else (1.0, 1.0)


def _decades(ends: tuple[float, float], width: float, metrics: QFontMetricsF) -> list[list[tuple[float, str]]]:
    """Ticks of a logarithmic axis between its ends: numbered where there is room, so that no two numbers touch."""
    low, high = np.log10(ends)
    per_decade = width / max(high - low, 0.1)
    tens = range(int(np.floor(low)), int(np.ceil(high)) + 1)

    def place(steps: Sequence[int], every: int = 1) -> list[tuple[float, str]]:
        return [(float(np.log10(step) + ten), f"{step * 10.0**ten:,.12g}") for ten in tens[::every] for step in steps]

    def fits(ticks: list[tuple[float, str]]) -> bool:
        halves = [metrics.horizontalAdvance(text) / 2 for _, text in ticks]
        room = np.diff([where for where, _ in ticks]) * per_decade
        return bool(np.all(room >= np.add(halves[1:], halves[:-1]) + _GAP))

    thinner = [place((1,), every) for every in range(2, len(tens) + 1)]
    numbered = next((ticks for ticks in [*map(place, _STEPS), *thinner] if fits(ticks)), place((1,), len(tens)))
    between = [(float(np.log10(step) + ten), "") for ten in tens for step in range(2, 10)]
    return [numbered, between]


def _describe(each: Series) -> str:
    """The points of a series with the numbers of galaxies, for a tooltip."""
    band = each.band
    counts = each.counts or (0,) * len(band.x)
    values = [
        f"{x:.4g}: {y:.3g} ({low:.3g} – {high:.3g})" + (f", n = {n:,}" if n else "")
        for x, y, low, high, n in zip(band.x, band.y, band.low, band.high, counts, strict=True)
    ]
    return "\n".join([f"{each.name}:", *values]) if values else ""

"""Lines with error bars over the runs, and the level of a network as it is with the band of its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import class_colours, colours
from app.widgets.plain_text import RichLabel, in_html
from app.widgets.plot import Plot

if TYPE_CHECKING:
    from core.studies.pictures import Level, Line, TransferLines

_SYMBOLS = ("o", "s", "t1", "d", "t", "p", "star", "x")


def _hue(number: int) -> str:
    return class_colours(number + 1)[number]


def _coloured(html: str, colour: str) -> str:
    return f'<span style="color:{colour}">{html}</span>'


class LinesPlot(QWidget):
    """A line for each strategy, or each number of labels; small points are single runs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: TransferLines | None = None
        self._plot = Plot(still=True)
        self._plot.setMinimumSize(260, 180)
        self._items: list[pg.GraphicsObject] = []
        self.legend = RichLabel()
        self.legend.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._plot, 1)
        column.addWidget(self.legend)

    @property
    def shown(self) -> TransferLines | None:
        """What is on display."""
        return self._lines

    def set_lines(self, lines: TransferLines | None) -> None:
        """Show lines; None: nothing."""
        self._lines = lines
        self._draw()

    def _draw(self) -> None:
        for item in self._items:
            self._plot.removeItem(item)
        self._items.clear()
        lines = self._lines
        self._plot.set_titles(lines.what if lines else "Score", lines.axis if lines else "")
        self.legend.setText("" if lines is None else self._legend(lines))
        if lines is None:
            return
        for level in lines.levels:
            self._draw_level(level)
        for line in lines.lines:
            self._draw_line(line)
        self._plot.getAxis("bottom").setTicks([list(lines.ticks)])
        self._set_range(lines)

    def _add(self, item: pg.GraphicsObject) -> None:
        self._plot.addItem(item)
        self._items.append(item)

    def _draw_level(self, level: Level) -> None:
        value, error = level.value, level.error
        colour = colours().muted if level.colour < 0 else _hue(level.colour)
        faint = pg.mkColor(colour)
        faint.setAlpha(40)
        if error:
            band = pg.LinearRegionItem(
                (value - error, value + error), "horizontal", faint, pg.mkPen(None), movable=False
            )
            self._add(band)
        self._add(pg.InfiniteLine(value, 0, pg.mkPen(colour, width=1.5, style=Qt.PenStyle.DashLine)))

    def _draw_line(self, line: Line) -> None:
        colour = pg.mkColor(_hue(line.colour))
        faint = pg.mkColor(colour)
        faint.setAlpha(90)
        symbol = _SYMBOLS[line.colour % len(_SYMBOLS)]
        self._add(pg.ScatterPlotItem(line.runs[:, 0], line.runs[:, 1], size=4, pen=None, brush=faint, symbol=symbol))
        self._add(pg.PlotCurveItem(line.places, line.means, pen=pg.mkPen(colour, width=1.5)))
        height = 2 * line.errors
        self._add(
            pg.ErrorBarItem(x=line.places, y=line.means, height=height, beam=0.02, pen=pg.mkPen(colour, width=1.5))
        )
        edge = pg.mkPen(colours().surface)
        self._add(pg.ScatterPlotItem(line.places, line.means, size=9, pen=edge, brush=colour, symbol=symbol))

    def _set_range(self, lines: TransferLines) -> None:
        heights = [
            np.concatenate([line.runs[:, 1], line.means - line.errors, line.means + line.errors])
            for line in lines.lines
        ]
        heights += [np.array([each.value - each.error, each.value + each.error]) for each in lines.levels]
        places = [
            *(float(place) for line in lines.lines for place in line.places),
            *(place for place, _ in lines.ticks),
        ]
        known = np.concatenate(heights) if heights else np.zeros(0)
        known = known[np.isfinite(known)]
        if places:
            self._plot.getViewBox().setXRange(min(places), max(places), padding=0.06)
        if len(known):
            self._plot.getViewBox().setYRange(known.min(), known.max(), padding=0.08)

    def _legend(self, lines: TransferLines) -> str:
        marks = "●■▲◆▼⬟★✕"
        parts = [
            f"{_coloured(marks[line.colour % len(marks)], _hue(line.colour))}&nbsp;{in_html(line.title)}"
            for line in lines.lines
            if line.title
        ]
        for level in lines.levels:
            colour = colours().muted if level.colour < 0 else _hue(level.colour)
            band = ", band: sampling error" if level.colour < 0 and level.error else ""
            parts.append(f"{_coloured('- -', colour)}&nbsp;{in_html(level.title)}{band}")
        about = f"Error bars: standard error of the mean; small points: each run. {lines.about[:1].upper()}"
        about += f"{lines.about[1:]}."
        return f"{' &nbsp; '.join(parts)}<br>{_coloured(about, colours().muted)}"

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()
        super().changeEvent(event)

"""Bias, scatter, outliers and coverage of one quantity in bins of a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.evaluate.widgets.line_key import KeyEntry, LineKey
from app.theme import class_colours, colours
from app.widgets.plot import Plot

if TYPE_CHECKING:
    from core.evaluate.comparison_lines import Line, PanelText

SHARES = ("outliers", "within")  # without a unit
_PER_ROW = 2


class BinnedPlots(QWidget):
    """One plot for each figure of merit, with a line for each method and class of galaxies.

    The colour tells the class; the classical fit has dashed lines and open squares.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = LineKey()
        self.plots: dict[str, Plot] = {}
        self._shown: tuple[str, str, Mapping[str, tuple[PanelText, Sequence[Line]]]] | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._grid.addWidget(self.key, 0, 0, 1, _PER_ROW)
        self._grid.setRowStretch(1, 1)
        self._grid.setRowStretch(2, 1)

    def set_lines(self, against: str, unit: str, panels: Mapping[str, tuple[PanelText, Sequence[Line]]]) -> None:
        """Show the lines of each figure of merit.

        Parameters
        ----------
        against
            Title of the column of the bins.
        unit
            Of the quantity, for bias and scatter.
        panels
            What each plot says, and its lines, by name.
        """
        self._shown = against, unit, panels
        for place, name in enumerate(panels):
            if name not in self.plots:
                plot = self.plots[name] = Plot(still=True)
                plot.setMinimumSize(190, 110)
                self._grid.addWidget(plot, 1 + place // _PER_ROW, place % _PER_ROW)
        for name, (text, lines) in panels.items():
            is_last = list(panels).index(name) >= len(panels) - _PER_ROW  # the others share its title below
            self._draw(self.plots[name], name in SHARES, against if is_last else "", unit, text, lines)
        self._write_key(next(iter(lines for name, (_, lines) in panels.items() if name == "outliers"), []))

    def _draw(
        self, plot: Plot, is_share: bool, against: str, unit: str, text: PanelText, lines: Sequence[Line]
    ) -> None:
        plot.clear()
        plot.set_titles(f"{text.title}{f' [{unit}]' if unit and not is_share else ''}", against)
        muted = colours().muted
        if not lines:
            note = pg.TextItem(text.without, color=muted, anchor=(0.5, 0.5))
            plot.addItem(note)
            plot.getViewBox().setRange(xRange=(-1, 1), yRange=(-1, 1))
            plot.setToolTip("")
            return
        if text.wanted is not None:
            plot.addItem(pg.InfiniteLine(text.wanted, angle=0, pen=pg.mkPen(muted, style=Qt.PenStyle.DotLine)))
        palette = class_colours(1 + max(line.group for line in lines))
        for line in lines:
            self._draw_line(plot, line, palette[line.group])
        plot.setToolTip("\n".join(_describe(line) for line in lines))
        plot.autoRange()

    def _draw_line(self, plot: Plot, line: Line, colour: str) -> None:
        pen = pg.mkPen(colour, width=1.5, style=Qt.PenStyle.DashLine if line.is_fit else Qt.PenStyle.SolidLine)
        bars = pg.ErrorBarItem(x=line.x, y=line.y, top=line.above, bottom=line.below, pen=pg.mkPen(colour, width=1.2))
        plot.addItem(bars)
        brush = colours().surface if line.is_fit else colour
        plot.addItem(
            pg.PlotDataItem(
                line.x,
                line.y,
                pen=pen,
                symbol="s" if line.is_fit else "o",
                symbolSize=6,
                symbolPen=pg.mkPen(colour, width=1.2),
                symbolBrush=brush,
            )
        )

    def _write_key(self, lines: Sequence[Line]) -> None:
        palette = class_colours(1 + max((line.group for line in lines), default=0))
        self.key.set_entries(
            [KeyEntry(f"{_name(line)} ({line.galaxies:,})", palette[line.group], is_fit=line.is_fit) for line in lines]
        )

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        shown = getattr(self, "_shown", None)  # Qt sends a palette change during construction
        if event.type() == QEvent.Type.PaletteChange and shown is not None:
            self.set_lines(*shown)


def _describe(line: Line) -> str:
    """The values of a line with the numbers of galaxies, for a tooltip."""
    error = np.maximum(line.below, line.above)
    values = [
        f"{x:.4g}: {y:.3g} ± {e:.1g} (n = {n:,})" for x, y, e, n in zip(line.x, line.y, error, line.counts, strict=True)
    ]
    return f"{_name(line)}: " + "; ".join(values)


def _name(line: Line) -> str:
    return " · ".join(filter(None, (line.method, line.name)))

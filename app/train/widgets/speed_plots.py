"""Plots of a batch-size test: galaxies per second, and memory, against the batch size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import colours
from app.widgets.plot import Plot

if TYPE_CHECKING:
    from core.train.batch_size_finder import TriedSize

_GB = 1e9
_POINT = 9  # pixels


class SpeedPlots(QWidget):
    """Two plots one below the other, with the same axis of sizes.

    Notes
    -----
    Signals: ``chosen(size)`` when a point is clicked.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.speed = SizePlot("Galaxies per second")
        self.memory = SizePlot("Memory [GB]")
        self.speed.setAccessibleName("Galaxies per second against batch size")
        self.memory.setAccessibleName("Memory against batch size")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.speed, 3)
        column.addWidget(self.memory, 2)
        for plot in (self.speed, self.memory):
            plot.chosen.connect(self.chosen)

    def show_sizes(self, tried: Sequence[TriedSize]) -> None:
        """Draw what was measured; nothing of memory where it is not known."""
        sizes = [each.size for each in tried]
        self.speed.show_values(sizes, [each.speed for each in tried])
        self.memory.show_values(sizes, [each.memory / _GB for each in tried])
        self.memory.setVisible(not tried or any(each.memory for each in tried))

    def mark(self, size: int) -> None:
        """Mark a size."""
        for plot in (self.speed, self.memory):
            plot.mark(size)


class SizePlot(Plot):
    """Values against batch sizes that double.

    Attributes
    ----------
    sizes
        Those that are drawn.

    Notes
    -----
    Signals: ``chosen(size)`` when a point is clicked.
    """

    chosen = Signal(int)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        self._line = pg.PlotDataItem()
        self._points = pg.ScatterPlotItem(size=_POINT, hoverable=True, tip=self._tip)
        self._marked = pg.InfiniteLine(angle=90)
        self.sizes: list[int] = []
        super().__init__(title, "Batch size [galaxies]", still=True, width=64, parent=parent)
        self.setMinimumHeight(110)
        self.addItem(self._line)
        self.addItem(self._points)
        self._marked.hide()
        self.getViewBox().addItem(self._marked, ignoreBounds=True)
        self._points.sigClicked.connect(self._clicked)

    def show_values(self, sizes: Sequence[int], values: Sequence[float]) -> None:
        """Draw a value for each size; none: nothing is drawn or marked."""
        self.sizes = list(sizes)
        places = [math.log2(size) for size in sizes]
        self._line.setData(places, list(values))
        self._points.setData(places, list(values), data=self.sizes)
        self.getAxis("bottom").setTicks([[(place, f"{size:,}") for place, size in zip(places, sizes, strict=True)]])
        if not sizes:
            self._marked.hide()
            return
        box = self.getViewBox()
        box.setXRange(places[0] - 0.3, max(places[-1], places[0] + 1) + 0.3, padding=0)
        box.setYRange(0, 1.12 * max(*values, 1e-9), padding=0)

    def place_of(self, row: int) -> QPointF:
        """The place of one of the points, in the coordinates of the view."""
        return QPointF(self._points.points()[row].pos())

    def mark(self, size: int) -> None:
        """Mark a size."""
        self._marked.setValue(math.log2(size))
        self._marked.show()

    def _clicked(self, _item: object, points: Any, _event: object = None) -> None:
        if len(points):
            self.chosen.emit(int(points[0].data()))

    def _tip(self, x: float, y: float, data: int) -> str:
        del x
        return f"{data:,} galaxies: {y:,.3g}"

    def _apply_theme(self) -> None:
        super()._apply_theme()
        chosen = colours()
        self._line.setPen(pg.mkPen(chosen.train, width=2))
        self._points.setPen(pg.mkPen(chosen.surface, width=1))
        self._points.setBrush(pg.mkBrush(chosen.train))
        self._marked.setPen(pg.mkPen(chosen.accent, width=2, style=Qt.PenStyle.DashLine))

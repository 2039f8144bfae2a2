"""The pixels of both surveys after the input scaling, as histograms over one another, with their statistics below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.theme import colours
from app.widgets.number_table import NumberTable
from app.widgets.plot import Plot
from core.wording import with_minus

if TYPE_CHECKING:
    from core.adapt.survey_statistics import SurveyStatistics

_NUMBERS = (
    ("Galaxies measured", "galaxies", ",d"),
    ("Typical half-light radius [px]", "radius", ".2f"),
    ("Pixel scale [″/px]", "pixel_scale", ".3g"),
    ("Sky noise in a pixel", "noise", ".3g"),
    ("Brightest pixel / noise", "peak_to_noise", ".3g"),
    ("Noise of neighbouring pixels correlates by", "correlation", ".2f"),
    ("Share of saturated stamps", "saturated", ".3f"),
    ("Mean after the input scaling", "mean", ".2f"),
    ("Standard deviation after it", "deviation", ".2f"),
)


class PixelPlot(QWidget):
    """Histograms of one band, and a table of what was measured on both surveys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edges: NDArray[np.float64] | None = None
        self._counts: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None] = (None, None)
        self._statistics: tuple[SurveyStatistics | None, SurveyStatistics | None] = (None, None)
        self.band = QComboBox()
        self.band.setToolTip("Of the bands as they enter the network.")
        self.key = QLabel("Filled: these images. Line: the training.")
        self.key.setProperty("role", "muted")
        self.plot = Plot("share of pixels", "pixel value after the input scaling", still=True, width=48)
        self.plot.setFixedHeight(170)
        self.source = pg.PlotDataItem(stepMode="center")
        self.target = pg.PlotDataItem(stepMode="center", fillLevel=0)
        for item in (self.target, self.source):
            self.plot.addItem(item)
        self.table = NumberTable(24)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        line = QHBoxLayout()
        line.addWidget(self.band)
        line.addWidget(self.key, 1)
        column.addLayout(line)
        column.addWidget(self.plot)
        column.addWidget(self.table)
        self.band.activated.connect(self._draw)
        self._paint()

    def show_surveys(
        self,
        edges: NDArray[np.float64],
        source: tuple[NDArray[np.float64] | None, SurveyStatistics | None],
        target: tuple[NDArray[np.float64], SurveyStatistics],
    ) -> None:
        """Show histograms (C, B) over common bins (B + 1,) with statistics; None: the training's are not known."""
        self._edges = edges
        self._counts, self._statistics = (source[0], target[0]), (source[1], target[1])
        names = target[1].bands
        if [self.band.itemText(place) for place in range(self.band.count())] != list(names):
            self.band.clear()
            self.band.addItems(list(names))
        self.band.setVisible(len(names) > 1)
        self._draw()

    def _draw(self, _place: int = 0) -> None:
        if self._edges is None:
            return
        band = max(0, self.band.currentIndex())
        for item, counts in zip((self.source, self.target), self._counts, strict=True):
            if counts is None:
                item.clear()
            else:
                item.setData(self._edges, counts[band])
        there, here = self._statistics
        assert here is not None
        rows: list[tuple[str, ...]] = []
        for title, name, form in _NUMBERS:
            values = [None if each is None else np.atleast_1d(getattr(each, name)) for each in (here, there)]
            rows.append((title, *(_text(value, band, form) for value in values)))
        self.table.fill(("", "Here", "Training"), rows)
        fit_height(self.table)

    def _paint(self) -> None:
        chosen = colours()
        self.source.setPen(pg.mkPen(chosen.text, width=1.5))
        self.target.setPen(pg.mkPen(chosen.accent, width=1))
        fill = pg.mkColor(chosen.accent)
        fill.setAlpha(90)
        self.target.setBrush(fill)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._paint()


def fit_height(table: NumberTable) -> None:
    """Make a table as high as its rows: it is never wider than its place."""
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    rows = table.rowCount() * table.verticalHeader().defaultSectionSize()
    table.setFixedHeight(table.horizontalHeader().sizeHint().height() + rows + 4)


def _text(values: NDArray[Any] | None, band: int, form: str) -> str:
    """The number of a band, or the one that all share."""
    if values is None or not np.isfinite(value := values[min(band, len(values) - 1)]):
        return "–"
    return with_minus(format(value, form))

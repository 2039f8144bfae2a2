"""What each catalogue column beside the image brings: a bar for each, with its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QWidget

from app.theme import class_colours, colours
from app.widgets.plot import Plot

if TYPE_CHECKING:
    from core.evaluate.side_importance import SideImportance

_ROW = 44  # pixels of a bar with its gap
_MOST_NAME = 220  # pixels


class ImportancePlot(Plot):
    """Bars from the left, the most important column at the top."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._found: SideImportance | None = None
        super().__init__(still=True, parent=parent)

    def set_importance(self, found: SideImportance) -> None:
        """Show what each column brings."""
        self._found = found
        ordered = sorted(found.columns, key=lambda each: each.drop)
        places, drops = np.arange(len(ordered)), np.array([each.drop for each in ordered])
        errors = np.nan_to_num([each.error for each in ordered])
        chosen, shade = colours(), class_colours(1)[0]
        self.clear()
        self.set_titles("", f"fall of {found.score}")
        left = np.minimum(drops, 0)
        bars = pg.BarGraphItem(x0=left, width=np.abs(drops), y=places, height=0.6, brush=shade, pen=None)
        self.addItem(bars)
        pen = pg.mkPen(chosen.text, width=1.4)
        self.addItem(pg.ErrorBarItem(x=drops, y=places, left=errors, right=errors, beam=0.2, pen=pen))
        self.addItem(pg.InfiniteLine(0, angle=90, pen=pg.mkPen(chosen.muted, style=Qt.PenStyle.DotLine)))
        axis, metrics = self.getAxis("left"), QFontMetricsF(self.font())
        names = [metrics.elidedText(each.column, Qt.TextElideMode.ElideMiddle, _MOST_NAME) for each in ordered]
        axis.setTicks([list(zip(places.tolist(), names, strict=True))])
        axis.setWidth(int(max(map(metrics.horizontalAdvance, names), default=0)) + 16)
        low, high = float(np.min(drops - errors, initial=0)), float(np.max(drops + errors, initial=0))
        margin = 0.05 * (high - low) or 0.01
        self.getViewBox().setRange(
            xRange=(low - margin * (low < 0), high + margin), yRange=(-0.6, len(ordered) - 0.4), padding=0
        )
        self.setMaximumHeight(_ROW * len(ordered) + 70)
        self.setAccessibleDescription("; ".join(" ".join(row) for row in found.rows))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        found = getattr(self, "_found", None)
        if event.type() == QEvent.Type.PaletteChange and found is not None:
            self.set_importance(found)

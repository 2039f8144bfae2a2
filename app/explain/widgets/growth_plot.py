"""The objective of a dream, step by step."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.theme import colours
from app.widgets.plot import Plot


class GrowthPlot(QWidget):
    """One curve over the steps, and the target value as a line if there is one. Nothing is smoothed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        self.title.setProperty("role", "muted")
        self._in_view: list[float] = []  # values that have to be in view with the curve
        self._plot = Plot(bottom="Step", still=True, width=46)
        self._plot.setMinimumSize(160, 110)
        self._curve = self._plot.plot(connect="finite")
        self._wished = pg.InfiniteLine(angle=0, movable=False, label="wished", labelOpts={"position": 0.06})
        self._wished.hide()
        self._plot.addItem(self._wished)
        invitation = QLabel("The curve of the dream will appear here.")
        invitation.setProperty("role", "muted")
        invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(invitation)
        titled = QWidget()
        column = QVBoxLayout(titled)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.title)
        column.addWidget(self._plot, 1)
        self._pages.addWidget(titled)
        self._apply_theme()

    @property
    def values(self) -> NDArray[np.float64]:
        """The values on display, one per step."""
        y = self._curve.getOriginalDataset()[1]
        return np.zeros(0) if y is None else np.array(y)

    def begin(self, title: str, steps: int, wished: float | None) -> None:
        """Clear the curve; the next one shows the quantity ``title`` over ``steps`` steps."""
        self.title.setText(title)
        self.set_steps(steps)
        self._in_view = [] if wished is None else [wished]
        self._wished.setVisible(wished is not None)
        self._wished.setValue(wished or 0)
        self.set_values(np.zeros(0))

    @property
    def value_range(self) -> tuple[float, float]:
        """Lower and upper end of the value axis."""
        low, high = self._plot.getViewBox().viewRange()[1]
        return low, high

    def set_steps(self, steps: int) -> None:
        """Make room for this many steps."""
        self._plot.getViewBox().setXRange(0, max(1, steps), padding=0.01)

    def set_values(self, values: NDArray[np.float64]) -> None:
        """Show the curve so far, (steps,); an invitation while it is empty."""
        self._pages.setCurrentIndex(1 if len(values) else 0)
        self._curve.setData(np.arange(len(values)), values)
        if np.isfinite(values).any():
            seen = [*self._in_view, *values[np.isfinite(values)]]
            self._plot.getViewBox().setYRange(min(seen), max(seen), padding=0.06)

    def _apply_theme(self) -> None:
        """Colours of the theme."""
        chosen = colours()
        self._curve.setPen(pg.mkPen(chosen.accent, width=1.6))
        self._wished.setPen(pg.mkPen(chosen.muted, width=1, style=Qt.PenStyle.DashLine))
        self._wished.label.setColor(chosen.muted)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
        super().changeEvent(event)

"""The density of a prior as a filled curve, small beside its name or larger below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import colours

_SMALL = QSize(72, 20)
_LARGE = QSize(200, 96)
_MARGIN = 4  # pixels left and right


class DensityPlot(QWidget):
    """A filled curve from the least to the largest value; nothing where the density is not known.

    Parameters
    ----------
    is_small
        Whether it is a thumbnail without numbers.
    """

    def __init__(self, is_small: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_small = is_small
        self._values: NDArray[np.float64] = np.empty(0)
        self._heights: NDArray[np.float64] = np.empty(0)
        self._unit = ""
        if is_small:
            self.setFixedSize(_SMALL)
        else:
            self.setMinimumSize(_LARGE)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A thumbnail, or wide enough for three numbers."""
        return _SMALL if self._is_small else _LARGE

    @property
    def values(self) -> NDArray[np.float64]:
        """The values at which the density is shown."""
        return self._values

    @property
    def heights(self) -> NDArray[np.float64]:
        """The density there, 1 at its highest."""
        return self._heights

    def set_density(self, values: NDArray[np.float64], density: NDArray[np.float64], unit: str = "") -> None:
        """Show a density at rising values; empty arrays: nothing."""
        highest = float(density.max()) if len(density) else 0.0
        known = highest > 0 and bool(np.isfinite(density).all())
        self._values = values if known else np.empty(0)
        self._heights = density / highest if known else np.empty(0)
        self._unit = unit
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw curve, base line and, where there is room, the values at its ends and in the middle."""
        del event
        painter, chosen = QPainter(self), colours()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = 0 if self._is_small else painter.fontMetrics().lineSpacing() + 2
        room = QRectF(self.rect()).adjusted(_MARGIN, 2, -_MARGIN, -1.5 - line)
        painter.setPen(QPen(QColor(chosen.edge), 1))
        painter.drawLine(room.bottomLeft(), room.bottomRight())
        if not len(self._values):
            return
        low, high = float(self._values[0]), float(self._values[-1])
        across = (self._values - low) / max(high - low, 1e-12)
        path = QPainterPath(room.bottomLeft())
        for place, height in zip(across, self._heights, strict=True):
            path.lineTo(QPointF(room.left() + place * room.width(), room.bottom() - height * (room.height() - 1)))
        path.lineTo(room.bottomRight())
        fill = QColor(chosen.train)
        fill.setAlpha(60)
        painter.fillPath(path, fill)
        painter.setPen(QPen(QColor(chosen.train), 1.2))
        painter.drawPath(path)
        if not self._is_small:
            self._paint_numbers(painter, QRectF(room.left(), room.bottom() + 2, room.width(), line), low, high)

    def _paint_numbers(self, painter: QPainter, room: QRectF, low: float, high: float) -> None:
        painter.setPen(QColor(colours().muted))
        sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
        for side, value in zip(sides, (low, (low + high) / 2, high), strict=True):
            painter.drawText(room, side | Qt.AlignmentFlag.AlignTop, f"{value:.4g} {self._unit}".strip())

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)

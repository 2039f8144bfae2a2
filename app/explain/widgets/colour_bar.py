"""A colour bar with its scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import colours
from core.data.stretch import colour_table

_THICKNESS = 10
_GAP = 3
_MARK = 5
_LABEL_GAP = 24  # pixels between two numbers


class ColourBar(QWidget):
    """A horizontal bar with as many numbers below it as fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = -1.0, 1.0
        self._table: NDArray[np.uint8] | None = None
        self._mark: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_THICKNESS + _GAP + self.fontMetrics().height())

    @property
    def limits(self) -> tuple[float, float]:
        """The numbers at its ends."""
        return self._low, self._high

    def set_scale(self, low: float, high: float, colour_map: str) -> None:
        """Show the colour map from ``low`` to ``high``."""
        self._low, self._high, self._table = low, high, colour_table(colour_map)
        self.setAccessibleDescription(f"Colours from {format_value(low)} to {format_value(high)}")
        self.update()

    def set_mark(self, value: float | None) -> None:
        """Mark a value; one beyond an end is marked there. None: no mark."""
        self._mark = value
        self.update()

    @property
    def mark(self) -> float | None:
        """The value that is marked."""
        return self._mark

    def clear(self) -> None:
        """Show nothing, and keep the space."""
        self._table = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bar and numbers."""
        del event
        if self._table is None:
            return
        painter = QPainter(self)
        row = self._table.tobytes()
        painter.drawImage(
            self.rect().adjusted(0, 0, 0, _THICKNESS - self.height()),
            QImage(row, 256, 1, 768, QImage.Format.Format_RGB888),
        )
        if self._mark is not None:
            share = (self._mark - self._low) / (self._high - self._low)
            left = min(max(0, round(share * self.width()) - _MARK // 2), self.width() - _MARK)
            painter.fillRect(left, 0, _MARK, _THICKNESS, QColor("#ffffff"))  # visible on dark colours
            painter.fillRect(left + 1, 0, _MARK - 2, _THICKNESS, QColor("#000000"))
        painter.setPen(QColor(colours().text))
        metrics = painter.fontMetrics()
        for count in (5, 3, 2):
            texts = [format_value(float(value)) for value in np.linspace(self._low, self._high, count)]
            widths = [metrics.horizontalAdvance(text) for text in texts]
            if max(widths) + _LABEL_GAP <= self.width() / (count - 1) or count == 2:
                break
        base = _THICKNESS + _GAP + metrics.ascent()
        for place, (text, width) in enumerate(zip(texts, widths, strict=True)):
            centre = place / (len(texts) - 1) * self.width()
            painter.drawText(QPointF(min(max(0.0, centre - width / 2), self.width() - width), base), text)
        painter.end()


def format_value(value: float) -> str:
    """Format a number with two significant digits and a proper minus sign."""
    return f"{value:.2g}".replace("-", "−")

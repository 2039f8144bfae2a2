"""Sixteen pictures of one thing, side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

_SIDE = 4  # pictures per row and column
_GAP = 3  # pixels between them


class Mosaic(QWidget):
    """Sixteen pictures, four by four, as large as fits."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: list[QImage] = []
        self.setMinimumSize(200, 200)

    def sizeHint(self) -> QSize:
        """Four stamps of about 80 pixels."""
        return QSize(340, 340)

    @property
    def count(self) -> int:
        """How many pictures are shown."""
        return len(self._pictures)

    def set_pictures(self, pictures: list[NDArray[np.uint8]]) -> None:
        """Show RGB pictures (H, W, 3), row 0 at the bottom."""
        self._pictures = [_image(picture) for picture in pictures]
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the pictures that there are."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        cell = (min(self.width(), self.height()) - (_SIDE - 1) * _GAP) // _SIDE
        left = (self.width() - _SIDE * cell - (_SIDE - 1) * _GAP) // 2
        for place, picture in enumerate(self._pictures):
            down, across = divmod(place, _SIDE)
            painter.drawImage(QRect(left + across * (cell + _GAP), down * (cell + _GAP), cell, cell), picture)


def _image(picture: NDArray[np.uint8]) -> QImage:
    upright = np.ascontiguousarray(picture[::-1])  # Qt counts rows from the top
    height, width = upright.shape[:2]
    return QImage(upright.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()

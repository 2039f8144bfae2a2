"""Simulated galaxies, the same ones refined, and real ones, in three rows with one stretch for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme import colours
from core.data.stretch import StretchSettings, thumbnails

_STRETCH = StretchSettings(limits="manual", low=-3, high=40, softening=6)  # in units of the target's noise
_SIDE = 64  # pixels of a picture
_GAP = 3
_COUNT = 10  # places in a row
_TITLES = ("Simulated", "Refined", "Real")


class RefinedRows(QWidget):
    """Three rows of pictures; a refined galaxy stands below the simulated one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[list[QImage]] = []
        self.setMinimumSize(240, 150)
        self.setToolTip("Held-out galaxies, which are not learned from. Black is 3 times the noise below the sky.")

    def sizeHint(self) -> QSize:
        """Ten pictures of about 80 pixels in a row."""
        return QSize(880, 260)

    @property
    def counts(self) -> list[int]:
        """How many pictures there are in each row."""
        return [len(row) for row in self._rows]

    def set_stamps(self, rows: Sequence[NDArray[np.float32]]) -> None:
        """Show simulated, refined and real stamps (n, C, H, W) in units of the noise."""
        self._rows = [[_to_image(picture) for picture in thumbnails(stamps, _STRETCH, _SIDE, 0)] for stamps in rows]
        self.update()

    def clear(self) -> None:
        """Show none."""
        self._rows = []
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the pictures, or where they will be."""
        del event
        painter, chosen = QPainter(self), colours()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        margin = max(painter.fontMetrics().horizontalAdvance(title) for title in _TITLES) + 10
        count = max([_COUNT, *self.counts])
        side = min((self.width() - margin - (count - 1) * _GAP) // count, (self.height() - 2 * _GAP) // 3)
        for down, title in enumerate(_TITLES):
            top = down * (side + _GAP)
            painter.setPen(QColor(chosen.muted))
            left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            painter.drawText(QRect(0, top, margin, side), left, title)
            pictures = self._rows[down] if self._rows else []
            for place in range(count):
                cell = QRect(margin + place * (side + _GAP), top, side, side)
                if place < len(pictures):
                    painter.drawImage(cell, pictures[place])
                elif not pictures:
                    painter.fillRect(cell, QColor(chosen.line))


def _to_image(picture: NDArray[np.uint8]) -> QImage:
    upright = np.ascontiguousarray(picture[::-1])  # Qt counts rows from the top
    height, width, values = upright.shape
    return QImage(upright.data, width, height, values * width, QImage.Format.Format_RGB888).copy()

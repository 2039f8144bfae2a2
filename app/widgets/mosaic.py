"""Many pictures of one kind, side by side."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from app.theme import colours
from app.widgets.plain_text import as_written

_GAP = 3  # pixels between them
_PIXELATED_FROM = 3  # magnification from which pictures are drawn without interpolation


class Mosaic(QWidget):
    """Pictures in a grid, as large as fits.

    Parameters
    ----------
    side
        Rows and columns of the grid; None: as many as make the pictures largest.
    clickable
        Whether a click, or arrow keys and Return, choose one.

    Notes
    -----
    Signals: ``clicked(place)``, counted from 0.
    """

    clicked = Signal(int)

    def __init__(self, side: int | None = 4, clickable: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side = side
        self._clickable = clickable
        self._pictures: list[QImage] = []
        self._tips: Sequence[str] = ()
        self._marked: Collection[int] = ()
        self._cursor = self._pressed = -1
        self.setMinimumSize(96, 96)
        if clickable:
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        """Four stamps of about 80 pixels."""
        return QSize(340, 340)

    @property
    def count(self) -> int:
        """How many pictures are shown."""
        return len(self._pictures)

    @property
    def marked(self) -> Collection[int]:
        """The framed pictures."""
        return self._marked

    def set_pictures(self, pictures: Sequence[NDArray[np.uint8]], tips: Sequence[str] = ()) -> None:
        """Show pictures (H, W, 3) or, where they may be transparent, (H, W, 4), row 0 at the bottom."""
        self._pictures = [_to_qimage(picture) for picture in pictures]
        self._tips = tips
        self._cursor = self._pressed = -1
        self.update()

    def set_marked(self, places: Collection[int]) -> None:
        """Frame some pictures."""
        self._marked = places
        self.update()

    def place_rect(self, place: int) -> QRect:
        """The rectangle of a picture."""
        columns = self._columns
        lines = self._side or math.ceil(self.count / columns)
        cell = self._cell(columns, lines)
        left = (self.width() - columns * cell - (columns - 1) * _GAP) // 2
        down, across = divmod(place, columns)
        return QRect(left + across * (cell + _GAP), down * (cell + _GAP), cell, cell)

    @property
    def _columns(self) -> int:
        count = max(1, self.count)
        return self._side or max(
            range(1, count + 1), key=lambda columns: self._cell(columns, math.ceil(count / columns))
        )

    def _cell(self, columns: int, lines: int) -> int:
        """Side of a picture in a grid of these columns and lines."""
        across = (self.width() - (columns - 1) * _GAP) // columns
        down = (self.height() - (lines - 1) * _GAP) // max(1, lines)
        return max(1, min(across, down))

    def _place_at(self, event: QMouseEvent | QHelpEvent) -> int:
        position = event.position().toPoint() if isinstance(event, QMouseEvent) else event.pos()
        return next((place for place in range(self.count) if self.place_rect(place).contains(position)), -1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click."""
        is_meant = self._clickable and event.button() == Qt.MouseButton.LeftButton
        self._pressed = self._place_at(event) if is_meant else -1
        event.setAccepted(is_meant)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the picture that the mouse was pressed over, unless it has left it."""
        if self._pressed >= 0 and self._place_at(event) == self._pressed:
            self.clicked.emit(self._pressed)
        self._pressed = -1

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from picture to picture with the arrow keys, and choose with Return."""
        columns = self._columns
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -columns,
            Qt.Key.Key_Down: columns,
        }
        key = Qt.Key(event.key())
        if key in steps and self._pictures:
            wanted = self._cursor + steps[key] if self._cursor >= 0 else 0
            self._cursor = wanted if 0 <= wanted < self.count else self._cursor
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cursor >= 0:
            self.clicked.emit(self._cursor)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Show the tooltip of the picture under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._tips:
            place = self._place_at(event)
            QToolTip.showText(event.globalPos(), as_written(self._tips[place]) if place >= 0 else "", self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the pictures."""
        del event
        painter = QPainter(self)
        chosen = colours()
        for place, picture in enumerate(self._pictures):
            cell = self.place_rect(place)
            size = picture.size().scaled(cell.size(), Qt.AspectRatioMode.KeepAspectRatio)
            room = QRect(cell.topLeft(), size)
            room.moveCenter(cell.center())
            is_coarse = size.width() >= _PIXELATED_FROM * picture.width()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not is_coarse)
            if picture.hasAlphaChannel():
                painter.fillRect(room, QColor(chosen.line))
            painter.drawImage(room, picture)
            if place in self._marked:
                painter.setPen(QPen(QColor(chosen.accent), 2))
                painter.drawRect(cell)
            if place == self._cursor and self.hasFocus():
                painter.setPen(QPen(QColor(chosen.text), 1, Qt.PenStyle.DashLine))
                painter.drawRect(cell.adjusted(2, 2, -2, -2))


def _to_qimage(picture: NDArray[np.uint8]) -> QImage:
    upright = np.ascontiguousarray(picture[::-1])  # Qt counts rows from the top
    height, width, values = upright.shape
    kind = QImage.Format.Format_RGBA8888 if values == 4 else QImage.Format.Format_RGB888
    return QImage(upright.data, width, height, values * width, kind).copy()

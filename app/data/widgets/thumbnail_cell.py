"""One thumbnail: picture, class colour, badge, label and selection frame."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPen

from app.theme import colours

PAD = 6  # around a picture
BAR = 4  # height of the class colour
_BADGE_GROUND = QColor(0, 0, 0, 170)


@dataclass
class Cell:
    """The content of one cell."""

    rect: QRect
    picture: QImage | None
    colour: QColor | None
    badge: str
    label: str
    selected: bool
    current: bool


class CellPainter:
    """Draws the cells of one paint event; colours and fonts are looked up once."""

    def __init__(self, painter: QPainter, side: int, font: QFont, focused: bool) -> None:
        theme = colours()
        self._painter = painter
        self._side = side
        self._font = font
        self._metrics = QFontMetrics(font)
        self._badge_font = QFont(font)
        self._badge_font.setBold(True)
        self._badge_font.setPointSizeF(max(6.0, font.pointSizeF() - 1.5))
        self._badge_metrics = QFontMetrics(self._badge_font)
        self._empty = QColor(theme.raised)
        self._text, self._muted = QColor(theme.text), QColor(theme.muted)
        self._accent = QColor(theme.accent)
        self._wash = QColor(theme.accent)
        self._wash.setAlpha(60)
        self._ring = QPen(QColor(theme.text if focused else theme.muted), 2)
        self._ring.setJoinStyle(Qt.PenJoinStyle.MiterJoin)

    def draw(self, cell: Cell) -> None:
        """Draw one cell."""
        painter, rect = self._painter, cell.rect
        frame = QRect(rect.center().x() - self._side // 2 - PAD + 1, rect.top() + 1, self._side + 2 * PAD - 2, 0)
        frame.setBottom(rect.bottom() - 1)
        if cell.selected:
            painter.fillRect(frame, self._wash)
        picture = QRect(frame.left() + PAD - 1, rect.top() + PAD, self._side, self._side)
        if cell.picture is None:
            painter.fillRect(picture, self._empty)
        else:
            painter.drawImage(picture, cell.picture)
        if cell.colour is not None:
            painter.fillRect(picture.left(), picture.bottom() + 1, self._side, BAR, cell.colour)
        if cell.badge:
            self._draw_badge(picture.topLeft(), cell.badge)
        if cell.label:
            line = QRect(picture.left(), picture.bottom() + BAR + 1, self._side, self._metrics.height() + 2)
            painter.setFont(self._font)
            painter.setPen(self._text if cell.selected else self._muted)
            text = self._metrics.elidedText(cell.label, Qt.TextElideMode.ElideMiddle, self._side)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
        if cell.current:
            painter.setPen(self._ring)
            painter.drawRect(frame.adjusted(1, 1, -1, -1))
        elif cell.selected:
            painter.setPen(self._accent)
            painter.drawRect(frame.adjusted(0, 0, -1, -1))

    def _draw_badge(self, corner: QPoint, text: str) -> None:
        height = self._badge_metrics.height()
        width = max(height, self._badge_metrics.horizontalAdvance(text) + 6)
        box = QRect(corner.x() + 3, corner.y() + 3, width, height)
        self._painter.fillRect(box, _BADGE_GROUND)
        self._painter.setFont(self._badge_font)
        self._painter.setPen(Qt.GlobalColor.white)
        self._painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

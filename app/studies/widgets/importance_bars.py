"""The importance of each searched setting, as bars."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import colours
from core.wording import percent

_ROW = 24


class ImportanceBars(QWidget):
    """One bar per setting, the most important first; a sentence while there are too few trials."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, float]] = []
        self._sentence = ""
        self.setMinimumSize(150, 3 * _ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """A row for each setting."""
        return QSize(230, _ROW * max(3, len(self._rows)))

    @property
    def texts(self) -> list[str]:
        """The text of each row, from the top."""
        return [f"{name} {percent(share)}" for name, share in self._rows]

    def set_shares(self, shares: Mapping[str, float], sentence: str) -> None:
        """Show shares, 0 to 1, by the titles of the settings; without any, the sentence."""
        self._rows = sorted(shares.items(), key=lambda row: -row[1])
        self._sentence = sentence
        self.setAccessibleDescription(", ".join(self.texts) or sentence)
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw name, bar and percentage of each row that fits."""
        del event
        painter, chosen = QPainter(self), colours()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._rows:
            painter.setPen(QColor(chosen.muted))
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(0, 4, 0, 0), flags, self._sentence)
            return
        metrics = painter.fontMetrics()
        name_room = min(max(metrics.horizontalAdvance(name) for name, _ in self._rows) + 8, self.width() // 2)
        number_room = metrics.horizontalAdvance("100% ")
        bar_room = max(8, self.width() - name_room - number_room)
        largest = self._rows[0][1] or 1.0
        for place, (name, share) in enumerate(self._rows):
            top = place * _ROW
            if top + _ROW > self.height():
                break
            painter.setPen(QColor(chosen.text))
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, name_room - 8)
            painter.drawText(QRectF(0, top, name_room - 8, _ROW), Qt.AlignmentFlag.AlignVCenter, shown)
            width = max(2.0, bar_room * share / largest)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(chosen.good))
            painter.drawRoundedRect(QRectF(name_room, top + 6, width, _ROW - 12), 3, 3)
            painter.setPen(QColor(chosen.muted))
            number = QRectF(name_room + width + 4, top, number_room, _ROW)
            painter.drawText(number, Qt.AlignmentFlag.AlignVCenter, percent(share))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)

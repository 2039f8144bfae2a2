"""The key of a plot: a line and symbol with a name for each entry, wrapped like text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.theme import colours
from app.widgets.flow import FlowLayout

_SIZE = QSize(24, 14)
_SYMBOL = 3.5  # half of the side


@dataclass(frozen=True)
class KeyEntry:
    """A name with its colour; ``is_fit``: a dashed line with an open square."""

    text: str
    colour: str
    is_fit: bool


class LineKey(QWidget):
    """The entries one after the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flow = FlowLayout(self, 6)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._entries: list[KeyEntry] = []

    @property
    def texts(self) -> list[str]:
        """The names of the entries."""
        return [entry.text for entry in self._entries]

    def set_entries(self, entries: Sequence[KeyEntry]) -> None:
        """Show these entries."""
        self._entries = list(entries)
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()  # at once: the new entries stand in its place before it is deleted
                widget.deleteLater()
        for entry in entries:
            label = QLabel(entry.text)
            label.setContentsMargins(_SIZE.width() + 4, 0, 4, 0)
            _Swatch(entry, label)
            self._flow.addWidget(label)
        self.updateGeometry()


class _Swatch(QWidget):
    def __init__(self, entry: KeyEntry, parent: QWidget) -> None:
        super().__init__(parent)
        self._entry = entry
        self.resize(_SIZE)
        self.move(0, 1)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the line with its symbol."""
        entry, middle = self._entry, QPointF(self.width() / 2, self.height() / 2)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        style = Qt.PenStyle.DashLine if entry.is_fit else Qt.PenStyle.SolidLine
        painter.setPen(QPen(QColor(entry.colour), 1.5, style))
        painter.drawLine(QPointF(1, middle.y()), QPointF(self.width() - 1, middle.y()))
        painter.setPen(QPen(QColor(entry.colour), 1.2))
        painter.setBrush(QColor(colours().window if entry.is_fit else entry.colour))
        box = QRectF(middle.x() - _SYMBOL, middle.y() - _SYMBOL, 2 * _SYMBOL, 2 * _SYMBOL)
        if entry.is_fit:
            painter.drawRect(box)
        else:
            painter.drawEllipse(box)
        painter.end()

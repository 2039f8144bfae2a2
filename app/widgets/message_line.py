"""A message whose place is reserved: whatever it says, and however long it is, nothing around it moves."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QStyleOption, QWidget

from app.widgets.plain_text import as_written
from core.printable import on_lines


class MessageLine(QLabel):
    """Text in a fixed number of lines; what does not fit ends with an ellipsis, and is whole in the tooltip.

    Parameters
    ----------
    lines
        Reserved, whether there is text or not.
    role
        Of the text by the style sheet: ``muted``, ``warning``, ``problem``, ``good``.
    """

    def __init__(self, lines: int = 1, role: str = "muted", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines = lines
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def setText(self, arg__1: str) -> None:
        """Show another text; empty: none."""
        super().setText(on_lines(arg__1))
        self.setToolTip(as_written(arg__1))

    def clear(self) -> None:
        """Show nothing."""
        self.setText("")

    def say(self, text: str, role: str = "muted") -> None:
        """Show a text in the colour of a role."""
        if self.property("role") != role:
            self.setProperty("role", role)
            self.style().unpolish(self)
            self.style().polish(self)
        self.setText(text)

    def sizeHint(self) -> QSize:
        """All lines, however wide."""
        return QSize(60, self._height())

    def minimumSizeHint(self) -> QSize:
        """All lines, however narrow."""
        return QSize(0, self._height())

    def hasHeightForWidth(self) -> bool:
        """The height is fixed."""
        return False

    def _height(self) -> int:
        margins = self.contentsMargins()
        spacing = QFontMetricsF(self.font()).lineSpacing()
        return round(self._lines * spacing + 0.5) + 2 + margins.top() + margins.bottom()

    def paintEvent(self, arg__1: QPaintEvent) -> None:
        """Draw the lines; the last one is elided."""
        del arg__1
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        room, metrics = self.contentsRect(), QFontMetricsF(self.font())
        for number, line in enumerate(self.shown_lines()):
            top = room.top() + 1 + number * metrics.lineSpacing()
            painter.drawText(QPointF(room.left(), top + metrics.ascent()), line)

    def shown_lines(self) -> list[str]:
        """The text as it is broken into lines."""
        text, width = self.text().replace("\n", " "), self.contentsRect().width()
        layout = QTextLayout(text, self.font())
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        shown: list[str] = []
        while len(shown) < self._lines and (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, width))
            begin = line.textStart()
            if len(shown) == self._lines - 1:
                rest = QFontMetricsF(self.font()).elidedText(text[begin:], Qt.TextElideMode.ElideRight, width)
                shown.append(rest)
            else:
                shown.append(text[begin : begin + line.textLength()].rstrip())
        layout.endLayout()
        return shown

    def changeEvent(self, arg__1: QEvent) -> None:
        """Follow the font, on which the reserved height depends."""
        super().changeEvent(arg__1)
        if arg__1.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self.updateGeometry()

"""A message whose place is reserved: what comes and goes there moves nothing around it.

A sentence that describes something, and changes only with it, may take more lines than are reserved, so that it is read
whole. It keeps them for as long as it is in sight: things move once at most, and never back.
"""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import (
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QAbstractScrollArea, QLabel, QSizePolicy, QStyle, QStyleOption, QToolTip, QWidget

from app.widgets.plain_text import as_written
from core.printable import on_lines

_MOST_LINES = 10  # of one that grows
_READING_MS = 60_000  # ms for which a click shows the whole text


class MessageLine(QLabel):
    """Text in some lines; what does not fit ends with an ellipsis, and is whole in the tooltip, also after a click.

    Parameters
    ----------
    lines
        Reserved, whether there is text or not.
    role
        Of the text by the style sheet: ``muted``, ``warning``, ``problem``, ``good``.
    grows
        Whether it takes more lines where its text needs them and there is room.
    insists
        Whether room is made for them by its neighbours, down to their smallest size.
    """

    def __init__(
        self,
        lines: int = 1,
        role: str = "muted",
        parent: QWidget | None = None,
        *,
        grows: bool = False,
        insists: bool = False,
    ) -> None:
        super().__init__(parent)
        self._lines, self.grows, self._insists = lines, grows, insists
        self._taken = lines  # at the present width, since it came into sight
        self.setProperty("role", role)
        vertical = QSizePolicy.Policy.Maximum if grows else QSizePolicy.Policy.Fixed
        self.setSizePolicy(QSizePolicy.Policy.Ignored, vertical)

    def setText(self, arg__1: str) -> None:
        """Show another text; empty: none."""
        super().setText(on_lines(arg__1))
        self.setToolTip(as_written(arg__1))
        if self.isVisible():
            self._grow()

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
        return QSize(60, self._height_of(self._taken))

    def minimumSizeHint(self) -> QSize:
        """The reserved lines, however narrow; all of them where it insists, and where the surroundings scroll."""
        is_whole = self._insists or self._is_scrolled
        return QSize(0, self._height_of(self._taken if is_whole else self._lines))

    @property
    def _is_scrolled(self) -> bool:
        above = self.parentWidget()
        while above is not None and not isinstance(above, QAbstractScrollArea):
            above = above.parentWidget()
        return above is not None

    def hasHeightForWidth(self) -> bool:
        """The height is fixed."""
        return False

    def _height_of(self, lines: int) -> int:
        margins = self.contentsMargins()
        spacing = QFontMetricsF(self.font()).lineSpacing()
        return round(lines * spacing + 0.5) + 2 + margins.top() + margins.bottom()

    def _grow(self, taken: int = 0) -> None:
        """Take the lines that the text needs, and no fewer than were taken before."""
        needed = len(self._break_lines(_MOST_LINES)) if self.grows else 0
        taken = max(taken or self._taken, needed)
        if taken != self._taken:
            self._taken = taken
            self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the lines that are needed at another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._grow(self._lines)

    def showEvent(self, event: QShowEvent) -> None:
        """Take no more lines than are needed, whatever stood here when it was last in sight."""
        super().showEvent(event)
        self._grow(self._lines)

    @property
    def is_elided(self) -> bool:
        """Whether some of the text is not in sight."""
        return len(self._break_lines(self._shown_lines + 1)) > self._shown_lines

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show the whole text where some of it is not in sight."""
        if self.is_elided:
            QToolTip.showText(event.globalPosition().toPoint(), self.toolTip(), self, self.rect(), _READING_MS)
        super().mousePressEvent(event)

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
        """The text as it is broken into lines; the last one is elided where there are more."""
        text, width = self._line_of_text, self.contentsRect().width()
        begins = self._break_lines(self._shown_lines)
        shown = [text[begin:end].rstrip() for begin, end in pairwise([*begins, len(text)])]
        if begins:
            metrics = QFontMetricsF(self.font())
            shown[-1] = metrics.elidedText(text[begins[-1] :], Qt.TextElideMode.ElideRight, width)
        return shown

    @property
    def _line_of_text(self) -> str:
        return self.text().replace("\n", " ")

    @property
    def _shown_lines(self) -> int:
        """The number of lines for which there is room."""
        if not self.grows:
            return self._lines
        room, spacing = self.contentsRect().height() - 1, QFontMetricsF(self.font()).lineSpacing()
        return max(self._lines, int(room / spacing))

    def _break_lines(self, most: int) -> list[int]:
        """Where each line begins, for at most so many lines."""
        layout = QTextLayout(self._line_of_text, self.font())
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        begins: list[int] = []
        while len(begins) < most and (line := layout.createLine()).isValid():
            line.setLineWidth(max(1, self.contentsRect().width()))
            begins.append(line.textStart())
        layout.endLayout()
        return begins

    def changeEvent(self, arg__1: QEvent) -> None:
        """Follow the font, on which the reserved height depends."""
        super().changeEvent(arg__1)
        if arg__1.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self.updateGeometry()
            if self.isVisible():  # or else when it comes into sight
                self._grow()

"""Remarks in a few words each, side by side; a click opens what they say in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from app.widgets.flow import FlowLayout
from app.widgets.plain_text import as_written

_LINES = 7  # of the remarks in full that are in sight at once


@dataclass(frozen=True)
class Remark:
    """A remark: in two to four words, and in full; ``warns`` where numbers may mislead without it.

    Without the few words it is told in full only.
    """

    short: str
    text: str
    warns: bool = False


class RemarkFold(QWidget):
    """Closed at first, a line of short remarks, each with its whole text in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._remarks: Sequence[Remark] = ()
        self.button = QToolButton()
        self.button.setText("Remarks")
        self.button.setProperty("role", "fold")
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setArrowType(Qt.ArrowType.RightArrow)
        self.button.setToolTip("Show what the remarks say in full, or hide it.")
        self.badges: list[_Badge] = []
        self._line = FlowLayout(spacing=6)
        self._line.addWidget(self.button)
        self.whole = QLabel()
        self.whole.setWordWrap(True)
        self.whole.setTextFormat(Qt.TextFormat.PlainText)
        self.whole.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.whole.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._room = QScrollArea()
        self._room.setWidgetResizable(True)
        self._room.setFrameShape(QFrame.Shape.NoFrame)
        self._room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._room.setWidget(self.whole)
        self._room.setFixedHeight(_LINES * self.fontMetrics().lineSpacing())
        self._room.setVisible(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._line)
        column.addWidget(self._room)
        self.button.toggled.connect(self._toggled)

    @property
    def text(self) -> str:
        """What all of them say in full, one below the other."""
        return "\n".join(each.text for each in self._remarks)

    def set_remarks(self, remarks: Sequence[Remark]) -> None:
        """Show other remarks; nothing is there without any."""
        self._remarks = remarks
        for badge in self.badges:
            self._line.removeWidget(badge)
            badge.hide()
            badge.deleteLater()
        self.badges = [_Badge(each) for each in remarks if each.short]
        for badge in self.badges:
            badge.clicked.connect(self.button.toggle)
            self._line.addWidget(badge)
        self.whole.setText(self.text)
        self.setVisible(bool(remarks))

    def _toggled(self, opened: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self._room.setVisible(opened)


class _Badge(QLabel):
    """A short remark that can be clicked."""

    clicked = Signal()

    def __init__(self, remark: Remark) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "badge warning" if remark.warns else "badge")  # before it is styled
        self.setText(remark.short)
        self.setToolTip(as_written(remark.text))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Report a click."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()
        super().mouseReleaseEvent(event)

"""The empty state of a panel: what is missing, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import SymbolLabel


class EmptyState(QWidget):
    """An icon, a sentence, and a button if there is something to click.

    Parameters
    ----------
    symbol
        Name of an icon.
    title, text
        What is missing, and what to do about it.
    button
        Text of the button; empty: no button.
    """

    clicked = Signal()

    def __init__(self, symbol: str, title: str, text: str, button: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        picture = SymbolLabel(symbol, 40, "muted")
        self.title = QLabel(title)
        self.title.setProperty("role", "heading")
        self.text = QLabel(text)
        self.text.setProperty("role", "muted")
        self.text.setWordWrap(True)
        self.text.setMaximumWidth(420)
        self.text.setMinimumWidth(180)
        self.button = QPushButton(button)
        self.button.setProperty("role", "primary")
        self.button.setVisible(bool(button))
        self.button.clicked.connect(lambda _checked=False: self.clicked.emit())
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(1)
        for label in (picture, self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        middle = QHBoxLayout()  # an aligned label would not get the height that its lines need
        middle.addStretch(1)
        middle.addWidget(self.text, 100)
        middle.addStretch(1)
        column.addWidget(picture)
        column.addWidget(self.title)
        column.addLayout(middle)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def set_text(self, title: str, text: str) -> None:
        """Show another title and text."""
        self.title.setText(title)
        self.text.setText(text)

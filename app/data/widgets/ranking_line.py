"""Above the gallery: by what its galaxies are ranked, and the way back."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.theme import icon
from app.widgets.message_line import MessageLine


class RankingLine(QWidget):
    """A sentence and a button; hidden while the galaxies stand in their usual order.

    Notes
    -----
    Signals: ``left`` when the user wants the usual order back.
    """

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = MessageLine(2, grows=True, insists=True)
        self.back = QPushButton(icon("mdi6.restore"), "Back")
        self.back.setToolTip("Show all galaxies in the usual order again.")
        self.back.clicked.connect(lambda _checked=False: self.left.emit())
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.text, 1)
        line.addWidget(self.back)
        self.hide()

    def say(self, text: str, role: str = "muted") -> None:
        """Show a sentence in the colour of a role."""
        self.show()
        self.text.say(text, role)

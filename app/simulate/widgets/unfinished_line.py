"""A simulation that was interrupted, with the buttons that go on with it or remove it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.theme import icon
from app.widgets.focus_guard import keep_from_focus
from app.widgets.message_line import MessageLine
from core.wording import count_of

_SURE = "Remove for good"


class UnfinishedLine(QWidget):
    """Tells of the first of several unfinished simulations; hidden where there is none.

    Removing takes a second click on the same button, which then says what it does.

    Notes
    -----
    Signals: ``go_on_wanted(path)`` and ``remove_wanted(path)`` with the dataset to be.
    """

    go_on_wanted = Signal(object)
    remove_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path: Path | None = None
        self.text = MessageLine(2, grows=True)
        self.go_on = QPushButton(icon("mdi6.play"), "Go on")
        self.go_on.setToolTip("Simulate the galaxies that are missing, with the settings that it was begun with.")
        self.remove = QPushButton(icon("mdi6.trash-can-outline"), "Remove")
        self.remove.setToolTip("Delete the galaxies that are there; the room on the disk is free again.")
        keep_from_focus(self.remove)
        buttons = QHBoxLayout()
        buttons.addWidget(self.go_on)
        buttons.addWidget(self.remove)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 6, 0)
        column.setSpacing(4)
        column.addWidget(self.text)
        column.addLayout(buttons)
        self.go_on.clicked.connect(self._go_on)
        self.remove.clicked.connect(self._remove)
        self.show_unfinished([])

    def show_unfinished(self, found: Sequence[tuple[Path, int, int]]) -> None:
        """Show what is unfinished: the dataset to be, how many galaxies are there, and how many there will be."""
        self.setVisible(bool(found))
        path, there, count = found[0] if found else (None, 0, 0)
        if path != self._path:
            self.remove.setText("Remove")
        self._path = path
        if path is not None:
            others = f" {count_of(len(found) - 1, 'other')} after it." if len(found) > 1 else ""
            self.text.say(f"Unfinished: “{path.stem}”, {there:,} of {count_of(count, 'galaxy')}.{others}", "muted")

    def _go_on(self) -> None:
        self.go_on_wanted.emit(self._path)

    def _remove(self) -> None:
        if self.remove.text() != _SURE:
            self.remove.setText(_SURE)
            return
        self.remove.setText("Remove")
        self.remove_wanted.emit(self._path)

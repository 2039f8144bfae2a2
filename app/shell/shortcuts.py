"""The sheet of all keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from app.shell.action_search import Entry
from app.widgets.dialog import Dialog

_OF_PANELS = (
    ("Gallery", "1 … 9", "Label the selected galaxies, while labelling is on; 0 takes the label away"),
    ("Gallery", "Arrows, Page Up, Page Down, Home, End", "Go to another galaxy; with Shift, select up to it"),
    ("Gallery", "Space", "Select the galaxy, or no longer"),
    ("Gallery", "Ctrl+A", "Select all that are shown; Esc: none"),
    ("Gallery", "Return", "Explain the galaxy"),
    ("Adapt ▸ Suggestions", "1 … 9", "Give the proposed galaxy this class"),
    ("Adapt ▸ Suggestions", "Left, Right", "The galaxy before, and the next one"),
    ("Confusion matrix", "Arrows, Return", "Go to a cell, and see its galaxies"),
)


class ShortcutSheet(Dialog):
    """All keys in a table: where, which, and what they do."""

    def __init__(self, entries: Sequence[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(680, 560)
        keys = [(entry.where, entry.shortcut, entry.title) for entry in entries if entry.shortcut]
        rows = [*keys, *_OF_PANELS]
        self.table = QTableWidget(len(rows), 3)
        self.table.setAccessibleName("Keyboard shortcuts")
        self.table.setHorizontalHeaderLabels(["Where", "Keys", "What"])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        for row, (where, shortcut, what) in enumerate(rows):
            native = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            for column, text in enumerate((where, native if "+" in shortcut else shortcut, what)):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        QVBoxLayout(self).addWidget(self.table)

"""A table of names and numbers, as high as its rows."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from core.printable import on_one_line

_NAMES = 140  # pixels: of longer names the rest is elided where there is no room


class NumberTable(QTableWidget):
    """The first column holds names and takes the remaining width, the others hold formatted numbers."""

    def __init__(self, line: int = 26, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(line)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setHighlightSections(False)

    def fill(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show rows of texts."""
        self.setColumnCount(len(headers))
        for across, text in enumerate(headers):
            self.setHorizontalHeaderItem(across, _make_cell(text, across))
        self.setRowCount(len(rows))
        for down, row in enumerate(rows):
            for across, text in enumerate(row):
                self.setItem(down, across, _make_cell(text, across))
        height = self.horizontalHeader().sizeHint().height() + len(rows) * self.verticalHeader().defaultSectionSize()
        self.setMaximumHeight(height + self.horizontalScrollBar().sizeHint().height() + 4)
        self._share_width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the names readable at another width."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Give the names the remaining width, but never so little that they cannot be told apart; then it scrolls."""
        if not self.columnCount():
            return
        header = self.horizontalHeader()
        widths = [max(self.sizeHintForColumn(each), header.sectionSizeHint(each)) for each in range(self.columnCount())]
        names = min(widths[0], _NAMES)
        is_narrow = names + sum(widths[1:]) > self.viewport().width()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed if is_narrow else QHeaderView.ResizeMode.Stretch)
        if is_narrow:
            header.resizeSection(0, names)


def _make_cell(text: str, column: int) -> QTableWidgetItem:
    """Names are left-aligned, numbers right-aligned."""
    item = QTableWidgetItem(on_one_line(text))
    side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return item

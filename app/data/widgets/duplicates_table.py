"""Pairs of near-duplicates: a click leads to both galaxies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.widgets.plain_text import as_written
from core.printable import on_one_line

_ROW = 26
_NUMBER = 3  # column
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_MOST_ROWS = 8  # without a scroll bar


class DuplicatePair(NamedTuple):
    """Rows, ids and parts of two galaxies, and their correlation; a part may be empty."""

    rows: tuple[int, int]
    ids: tuple[str, str]
    parts: tuple[str, str]
    correlation: float


class DuplicatesTable(QTableWidget):
    """One line for each pair.

    Notes
    -----
    Signals: ``chosen(rows)`` with the rows of both galaxies when a line is clicked.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self._pairs: Sequence[DuplicatePair] = ()
        self.setHorizontalHeaderLabels(["Galaxy", "The same", "Parts", "Corr."])
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setToolTip("Click a pair to see both galaxies in the gallery.")
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for column in (0, 1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        number = self.horizontalHeaderItem(_NUMBER)
        assert number is not None
        number.setTextAlignment(_RIGHT)
        self.itemSelectionChanged.connect(self._choose)

    def show_pairs(self, pairs: Sequence[DuplicatePair]) -> None:
        """Show these pairs."""
        self.clearSelection()
        self._pairs = pairs
        self.setRowCount(len(pairs))
        for line, pair in enumerate(pairs):
            parts = " / ".join(part or "–" for part in pair.parts)
            for column, text in enumerate((*pair.ids, parts, f"{pair.correlation:.2f}")):
                item = QTableWidgetItem(on_one_line(text))
                item.setToolTip(as_written(text))
                if column == _NUMBER:
                    item.setTextAlignment(_RIGHT)
                self.setItem(line, column, item)
        height = self.horizontalHeader().sizeHint().height() + min(len(pairs), _MOST_ROWS) * _ROW + 4
        self.setFixedHeight(height)

    def _choose(self) -> None:
        rows = {item.row() for item in self.selectedItems()}
        if rows:
            self.chosen.emit(self._pairs[rows.pop()].rows)

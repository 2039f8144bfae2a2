"""The galaxies whose class has become another one: before, after, and their label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.theme import colours, icon
from core.printable import on_one_line

if TYPE_CHECKING:
    from core.adapt.moved import Flip

_HEADERS = ("Galaxy", "Before", "After", "Label")
_MOST = 5000  # rows that are listed


class FlipList(QTableWidget):
    """A row for each galaxy; one that became right or wrong is marked by sign and colour.

    Notes
    -----
    Signals: ``galaxy_chosen(row in the dataset)`` by a click or the arrow keys.
    """

    galaxy_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEADERS), parent)
        self._flips: tuple[Flip, ...] = ()
        self.setHorizontalHeaderLabels(_HEADERS)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.currentCellChanged.connect(self._choose)

    def show_flips(self, flips: Sequence[Flip]) -> None:
        """Show other galaxies; none is chosen."""
        self._flips = ()  # nothing is chosen while they are filled in
        self.setRowCount(0)
        self.setRowCount(min(len(flips), _MOST))
        good, bad = QColor(colours().good), QColor(colours().bad)
        for place, flip in enumerate(flips[:_MOST]):
            became_wrong = flip.before == flip.truth
            for column, text in enumerate((flip.galaxy, flip.before, flip.after, flip.truth)):
                item = QTableWidgetItem(on_one_line(text))
                if column == 2 and (flip.became_right or became_wrong):
                    item.setForeground(good if flip.became_right else bad)
                    item.setIcon(icon("mdi6.check" if flip.became_right else "mdi6.close"))
                    item.setToolTip("This is now right." if flip.became_right else "This was right before.")
                self.setItem(place, column, item)
        self.setCurrentCell(-1, -1)
        self._flips = tuple(flips[:_MOST])

    def _choose(self, row: int, _column: int, before: int, _before_column: int) -> None:
        if 0 <= row < len(self._flips) and row != before:
            self.galaxy_chosen.emit(self._flips[row].row)

"""A list of galaxies with what is said of each; of any length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from core.printable import on_one_line

_Index = QModelIndex | QPersistentModelIndex


class _Galaxies(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.headers: Sequence[str] = ()
        self.ids: Sequence[str] = ()
        self.cells: Sequence[Sequence[str]] = ()
        self.changed: dict[int, str] = {}

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.ids)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.headers) + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return "Galaxy" if section == 0 else self.headers[section - 1]

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column < 3 else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if column == 0:
            return on_one_line(self.ids[row])
        text = self.cells[row][column - 1]
        return on_one_line(f"{text} → {self.changed[row]}" if column == 1 and row in self.changed else text)


class GalaxyList(QTableView):
    """A row for each galaxy: its id, and texts; ``chosen`` tells which is current."""

    chosen = Signal(int)  # place in the list

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._galaxies = _Galaxies(self)
        self.setModel(self._galaxies)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.selectionModel().currentRowChanged.connect(self._choose)

    @property
    def places(self) -> list[int]:
        """Which rows are selected."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def fill(self, ids: Sequence[str], headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        """Show galaxies with these texts."""
        model = self._galaxies
        model.beginResetModel()
        model.ids, model.headers, model.cells, model.changed = ids, headers, cells, {}
        model.endResetModel()
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column in range(1, len(headers) + 1):
            self.setColumnWidth(column, 112 if column < 3 else 88)
        if headers:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def text(self, row: int, column: int) -> str:
        """What a cell says."""
        return str(self._galaxies.data(self._galaxies.index(row, column)))

    def show_changes(self, changes: Mapping[int, str]) -> None:
        """Show what the second column of some rows has become since."""
        model = self._galaxies
        model.changed = dict(changes)
        if model.ids:
            model.dataChanged.emit(model.index(0, 1), model.index(len(model.ids) - 1, 1))

    def _choose(self, current: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(current.row())

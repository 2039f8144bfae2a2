"""The trials of a search as a sortable table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.theme import colours
from app.widgets.plain_text import as_written
from core.printable import on_one_line
from core.studies.trials import Search, Trial, format_value

_FIXED_COLUMNS = ("Trial", "State", "Score", "Epochs")
_STATES = {"finished": "finished", "pruned": "given up", "running": "running", "waiting": "waiting", "failed": "broken"}
_COLUMN_GAP = 14  # pixels between two columns, with space for the sort indicator
_SORT_ROLE = Qt.ItemDataRole.UserRole
_Index = QModelIndex | QPersistentModelIndex


class TrialTable(QTableView):
    """A row for each trial, the best one bold.

    Notes
    -----
    Signals: ``chosen(name)`` when the user selects a row; empty: none.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trials = _Trials()
        self._sorted = QSortFilterProxyModel()
        self._sorted.setSourceModel(self._trials)
        self._sorted.setSortRole(_SORT_ROLE)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setMinimumSize(200, 120)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit(self.selected))

    @property
    def selected(self) -> str:
        """The name of the trial whose row is selected; empty: none."""
        rows = self.selectionModel().selectedRows()
        return self._trials.trials[self._sorted.mapToSource(rows[0]).row()].name if rows else ""

    def set_search(self, search: Search | None, titles: Mapping[str, str]) -> None:
        """Show the trials of a search, its settings under these titles; the selection is kept."""
        kept, wide = self.selected, self._trials.columnCount()
        self.selectionModel().blockSignals(True)
        self._trials.set_search(search, titles)
        self.select(kept)
        self.selectionModel().blockSignals(False)
        if self._trials.columnCount() != wide or wide == len(_FIXED_COLUMNS):
            for column in range(self._trials.columnCount()):
                self.resizeColumnToContents(column)
                self.setColumnWidth(column, self.columnWidth(column) + _COLUMN_GAP)

    def select(self, name: str) -> None:
        """Select the row of a trial; without one of that name, none."""
        places = [row for row, trial in enumerate(self._trials.trials) if trial.name == name]
        if not places:
            self.clearSelection()
            return
        index = self._sorted.mapFromSource(self._trials.index(places[0], 0))
        self.selectRow(index.row())
        self.scrollTo(index)

    def text(self, row: int, column: int) -> str:
        """The text of a cell in the present order."""
        return str(self._sorted.index(row, column).data() or "")


class _Trials(QAbstractTableModel):
    """The cells. Running trials show their latest score."""

    def __init__(self) -> None:
        super().__init__()
        self.trials: tuple[Trial, ...] = ()
        self._best = ""
        self._titles: dict[str, str] = {}

    def set_search(self, search: Search | None, titles: Mapping[str, str]) -> None:
        self.beginResetModel()
        self.trials = search.trials if search is not None else ()
        best = search.best if search is not None else None
        self._best = "" if best is None else best.name
        self._titles = dict(titles)
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.trials)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(_FIXED_COLUMNS) + len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        names = [*_FIXED_COLUMNS, *self._titles.values()]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return names[section]
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        trial, column = self.trials[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return on_one_line(self._text(trial, column))
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.ForegroundRole:
                return None if trial.state == "finished" else QColor(colours().muted)
            case Qt.ItemDataRole.FontRole:
                font = QFont()
                font.setBold(trial.name == self._best)
                return font
            case Qt.ItemDataRole.ToolTipRole:
                return as_written(trial.reason) or None
            case _ if role == _SORT_ROLE:
                return self._sort_key(trial, column, index.row())
        return None

    def _text(self, trial: Trial, column: int) -> str:
        match column:
            case 0:
                return trial.name
            case 1:
                return _STATES[trial.state]
            case 2:
                score = last_score(trial)
                return "–" if math.isnan(score) else f"{score:.4f}"
            case 3:
                return str(len(trial.history) or "–")
        name = list(self._titles)[column - len(_FIXED_COLUMNS)]
        return format_value(trial.values[name]) if name in trial.values else ""

    def _sort_key(self, trial: Trial, column: int, row: int) -> float | str:
        match column:
            case 0:
                return row
            case 1:
                return trial.state
            case 2:
                score = last_score(trial)
                return -math.inf if math.isnan(score) else score
            case 3:
                return len(trial.history)
        value = trial.values.get(list(self._titles)[column - len(_FIXED_COLUMNS)], "")
        return float(value) if isinstance(value, int | float) else str(value)


def _alignment(column: int) -> Qt.AlignmentFlag:
    """Text is left-aligned, numbers right-aligned."""
    side = Qt.AlignmentFlag.AlignLeft if column < 2 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def last_score(trial: Trial) -> float:
    """The score of a trial, or its latest one; NaN: none yet."""
    if trial.score is not None:
        return trial.score
    return trial.history[-1] if trial.history else math.nan

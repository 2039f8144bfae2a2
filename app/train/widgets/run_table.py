"""A table of runs that can be sorted, filtered by words, and selected several at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.theme import colour_spot, colours
from app.widgets.plain_text import as_written
from core.metrics import judged_on
from core.metrics.uncertainty import plus_minus
from core.printable import on_one_line
from core.train.run_summary import STATE_NAMES, RunSummary

_Index = QModelIndex | QPersistentModelIndex
_SORT_ROLE = Qt.ItemDataRole.UserRole
_COLUMNS: tuple[tuple[str, str, Callable[[RunSummary], Any]], ...] = (
    ("Run", "Its name; bold: the one whose network is used.", lambda run: run.folder.title.casefold()),
    ("Validation", "Figure of merit of the best weights on the validation part.", lambda run: _sort_value(run.score)),
    ("Loss", "Validation loss of the best epoch.", lambda run: _sort_value(run.loss)),
    ("Test", "The same figure of merit on the test part, once it was evaluated.", lambda run: _sort_value(run.test)),
    ("Best", "The epoch whose weights are kept.", lambda run: run.best_epoch),
    ("Labels", "Number of training galaxies.", lambda run: run.labels),
    ("Epochs", "Epochs done, of those planned.", lambda run: run.epochs),
    (
        "State",
        "Why it ended; unfinished: interrupted, or running elsewhere.",
        lambda run: STATE_NAMES[run.state],
    ),
    ("Dataset", "What it was trained on.", lambda run: run.data.casefold()),
    ("From", "The run whose weights it started from; –: random weights.", lambda run: run.start.casefold()),
    ("Tags", "Your own tags.", lambda run: ", ".join(run.notes.tags).casefold()),
    ("Began", "When it was started.", lambda run: run.began.timestamp() if run.began else -math.inf),
)
_NUMBERS = range(1, 7)
_SHORT = {"balanced_accuracy": "bal. acc.", "accuracy": "accuracy", "r2": "R²", "neighbours_accuracy": "k-NN"}


def _sort_value(value: float) -> float:
    return -math.inf if math.isnan(value) else value


class _Runs(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.runs: Sequence[RunSummary] = ()
        self.letters: Sequence[Mapping[str, str]] = ()
        self.colours: dict[int, str] = {}

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section][0]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return _COLUMNS[section][1]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = 0) -> Any:
        run, column = self.runs[index.row()], index.column()
        if role == _SORT_ROLE:
            return _COLUMNS[column][2](run)
        if role == Qt.ItemDataRole.DisplayRole:
            return on_one_line(_format_cells(run, self.letters[index.row()])[column])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.DecorationRole and column == 0 and index.row() in self.colours:
            return colour_spot(self.colours[index.row()])
        if role == Qt.ItemDataRole.ForegroundRole and run.problem is not None:
            return QColor(colours().bad)
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_written(_tooltip(run))
        return None


class _Filter(QSortFilterProxyModel):
    """Keeps the rows that contain every word."""

    words = ""

    def filterAcceptsRow(self, source_row: int, source_parent: _Index) -> bool:  # noqa: ARG002 - Qt's signature
        model = self.sourceModel()
        assert isinstance(model, _Runs)
        return model.runs[source_row].matches(self.words)


class RunTable(QTableView):
    """The table.

    Notes
    -----
    Signals: ``chosen(list of RunSummary)`` when the selection changes.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs = _Runs(self)
        self._filtered = _Filter(self)
        self._filtered.setSourceModel(self._runs)
        self._filtered.setSortRole(_SORT_ROLE)
        self.setModel(self._filtered)
        self.setSortingEnabled(True)
        self.sortByColumn(len(_COLUMNS) - 1, Qt.SortOrder.DescendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(52)
        header.setHighlightSections(False)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit(self.selected()))

    @property
    def shown(self) -> list[RunSummary]:
        """The runs in the displayed order."""
        return [self._run_at(row) for row in range(self._filtered.rowCount())]

    def _run_at(self, row: int) -> RunSummary:
        return self._runs.runs[self._filtered.mapToSource(self._filtered.index(row, 0)).row()]

    def selected(self) -> list[RunSummary]:
        """The selected runs in the displayed order."""
        return [self._run_at(index.row()) for index in sorted(self.selectionModel().selectedRows(), key=_row)]

    def set_runs(self, runs: Sequence[RunSummary]) -> None:
        """Show other runs; the selection is kept by folder."""
        kept = {run.folder.path for run in self.selected()}
        self._runs.beginResetModel()
        self._runs.runs, self._runs.colours = runs, {}
        self._runs.letters = judged_on.letter_parts([run.judged for run in runs], ("validation", "test"))
        self._runs.endResetModel()
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for row, run in enumerate(self.shown):
            if run.folder.path in kept:
                self.selectionModel().select(self._filtered.index(row, 0), flags)
        self.chosen.emit(self.selected())

    def filter_by(self, words: str) -> None:
        """Show only runs with these words."""
        self._filtered.words = words
        self._filtered.invalidate()

    def set_colours(self, found: dict[str, str]) -> None:
        """Mark runs, by their folders' paths, with colours."""
        places = {str(run.folder.path): row for row, run in enumerate(self._runs.runs)}
        self._runs.colours = {places[path]: colour for path, colour in found.items() if path in places}
        self.viewport().update()


def _alignment(column: int) -> Qt.AlignmentFlag:
    """Numbers are right-aligned, text left-aligned."""
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _row(index: _Index) -> int:
    return index.row()


def _format_cells(run: RunSummary, letters: Mapping[str, str]) -> tuple[str, ...]:
    score = (
        "–"
        if math.isnan(run.score)
        else f"{_SHORT.get(run.score_name, run.score_name)} {run.score:.3f}{plus_minus(run.error, '.3f')}"
    )
    return (
        run.folder.title,
        score + judged_on.mark(run.outdated, letters, "validation"),
        "–" if math.isnan(run.loss) else f"{run.loss:.3f}",
        "–" if math.isnan(run.test) else f"{run.test:.3f}" + judged_on.mark(run.outdated, letters, "test"),
        str(run.best_epoch or "–"),
        f"{run.labels:,}" if run.labels else "–",
        f"{run.epochs}/{run.planned}" if run.planned else str(run.epochs or "–"),
        STATE_NAMES[run.state],
        run.data or "–",
        run.start or "–",
        ", ".join(run.notes.tags),
        f"{run.began:%Y-%m-%d %H:%M}" if run.began else "–",
    )


def _tooltip(run: RunSummary) -> str:
    validated = f"Validation: over {run.basis}." if run.basis else ""
    judged = [f"{part.capitalize()} part: {found.basis}." for part, found in run.judged.items()]
    guess = "" if run.guess is None else run.guess.sentence
    lines = [
        str(run.folder.path),
        validated,
        *judged,
        guess,
        run.verdict,
        *run.remarks,
        run.notes.text,
        "" if run.problem is None else str(run.problem),
    ]
    return "\n".join(line for line in lines if line)

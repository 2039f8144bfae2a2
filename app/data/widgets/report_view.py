"""The report of an import: counts, decisions, and each file that could not be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.widgets.message_line import MessageLine
from app.widgets.numbers import Numbers
from app.widgets.plain_text import as_written
from core.printable import on_one_line

if TYPE_CHECKING:
    from core.data.report import ImportReport

_MOST = 2000  # rows of the table; the saved report has all
_COUNTS = ("Imported", "Unusable", "Without label", "Without image", "Seconds")


class ReportView(QWidget):
    """The report of an import."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel()
        self.title.setProperty("role", "title")
        self.title.setWordWrap(True)
        self.place = MessageLine(1, grows=True, insists=True)
        self.counts = Numbers(_COUNTS)
        self.notes = QLabel()
        self.notes.setWordWrap(True)
        self.notes.setProperty("role", "muted")
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["File or catalogue row", "Reason", "Remedy"])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        for widget in (self.title, self.place, self.counts, self.notes):
            column.addWidget(widget)
        column.addWidget(self.table, 1)
        column.addStretch(0)

    def show_report(self, report: ImportReport) -> None:
        """Show a report."""
        lines = [(problem.where, problem.sentence, problem.remedy) for problem in report.unusable]
        lines += [(name, "This catalogue row has no image.", "") for name in report.without_image]
        self.title.setText("Some files could not be used" if report.unusable else "All files were imported")
        self.place.setText(f"The dataset is {report.path}")
        numbers = (report.imported, len(report.unusable), len(report.without_label), len(report.without_image))
        for name, number in zip(_COUNTS, numbers, strict=False):
            self.counts.show_number(name, f"{number:,}")
        self.counts.show_number("Seconds", f"{report.seconds:.1f}")
        more = [f"The table shows the first {_MOST:,} of {len(lines):,} lines; the saved report has all."]
        self.notes.setText("\n".join([*report.notes, *(more if len(lines) > _MOST else [])]))
        self.notes.setVisible(bool(self.notes.text()))
        self._fill(lines[:_MOST])

    def _fill(self, lines: Sequence[tuple[str, str, str]]) -> None:
        self.table.setVisible(bool(lines))
        self.table.setRowCount(len(lines))
        for place, line in enumerate(lines):
            for column, text in enumerate(line):
                item = QTableWidgetItem(on_one_line(text))
                item.setToolTip(as_written(text))
                self.table.setItem(place, column, item)

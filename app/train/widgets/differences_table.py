"""The settings in which several runs differ, one column for each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.theme import colour_spot, colours
from app.widgets.plain_text import as_written
from core.printable import on_one_line
from core.settings.declare import Knob


class DifferencesTable(QTableWidget):
    """One row for each setting, one column for each run; values that differ from the majority are highlighted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[Sequence[str], Sequence[tuple[str, Knob, Sequence[Any]]]] = ((), ())
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # of a path both ends tell something; the tooltip has all
        self.setAlternatingRowColors(True)
        self.verticalHeader().setDefaultSectionSize(26)
        self.verticalHeader().setHighlightSections(False)
        self.verticalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setMinimumSectionSize(70)
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setHighlightSections(False)

    def show_differences(self, runs: Sequence[str], found: Sequence[tuple[str, Knob, Sequence[Any]]]) -> None:
        """Show settings with the value of each run, as ``run_summary.differing`` returns them."""
        self._shown = (runs, found)
        self.clear()
        self.setVisible(bool(found))
        self.setColumnCount(len(runs) if found else 0)
        self.setRowCount(len(found))
        for across, title in enumerate(runs if found else ()):
            head = QTableWidgetItem(on_one_line(title))
            head.setToolTip(as_written(title))
            self.setHorizontalHeaderItem(across, head)
        for down, (name, knob, values) in enumerate(found):
            head = QTableWidgetItem(knob.title)
            head.setToolTip(f"<p><b>{name}</b></p><p>{knob.help}</p>")
            self.setVerticalHeaderItem(down, head)
            usual, often = Counter(map(str, values)).most_common(1)[0]
            for across, value in enumerate(values):
                text = format_value(value, knob.unit)
                item = QTableWidgetItem(on_one_line(text))
                item.setToolTip(as_written(text))
                if often == 1 or str(value) != usual:
                    item.setForeground(QColor(colours().accent))
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                self.setItem(down, across, item)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange and self.rowCount():
            heads = [self.horizontalHeaderItem(across) for across in range(self.columnCount())]
            icons = [QIcon() if head is None else head.icon() for head in heads]
            self.show_differences(*self._shown)
            for across, mark in enumerate(icons):
                if (head := self.horizontalHeaderItem(across)) is not None:
                    head.setIcon(mark)
        super().changeEvent(event)

    def set_colours(self, found: Sequence[str]) -> None:
        """Mark the columns of the runs with the colours of their curves; an empty text: no mark."""
        for across in range(self.columnCount()):
            head = self.horizontalHeaderItem(across)
            if head is not None and across < len(found) and found[across]:
                head.setIcon(colour_spot(found[across]))


def format_value(value: Any, unit: str) -> str:
    """Format the value of a setting for people."""
    match value:
        case None:
            return "auto"
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g} {unit}".strip()
        case tuple():
            return ", ".join(map(str, value)) or "–"
        case "":
            return "–"
        case _:
            return f"{value} {unit}".strip()

"""A small table: which class of the earlier network each new class continues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.widgets.plain_text import as_written
from app.widgets.wheel import WheelGuard
from core.printable import on_one_line

_FRESH = "starts at random"
_MOST_ROWS = 6  # without scrolling
_ROW = 30  # pixels


class ClassMapTable(QTableWidget):
    """A line for each new class, with a box of the old ones.

    Notes
    -----
    Signals: ``edited(mapping)`` with the old name by the new one, empty for a class that starts at random.
    """

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 2, parent)
        self._wheel = WheelGuard(self)
        self.boxes: dict[str, QComboBox] = {}
        self.setHorizontalHeaderLabels(("New class", "continues"))
        self.setToolTip("Classes that continue an old one start from its weights, and count in the first score.")
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setHighlightSections(False)

    @property
    def mapping(self) -> dict[str, str]:
        """The old name by the new one; empty for a class that starts at random."""
        return {name: str(box.currentData()) for name, box in self.boxes.items()}

    def show_classes(self, old: Sequence[str], new: Sequence[str], mapping: Mapping[str, str]) -> None:
        """Show the new classes with what each continues; a missing or empty name: it starts at random."""
        wanted = {name: mapping.get(name, "") for name in new}
        if wanted == self.mapping and all(box.count() == len(old) + 1 for box in self.boxes.values()):
            return
        self.boxes = {}
        self.setRowCount(len(new))
        for row, name in enumerate(new):
            item = QTableWidgetItem(on_one_line(name))
            item.setToolTip(as_written(name))
            self.setItem(row, 0, item)
            box = QComboBox()
            box.setAccessibleName(f"{name} continues")
            box.addItem(_FRESH, "")
            for match in old:
                box.addItem(match, match)
            box.setCurrentIndex(max(0, box.findData(wanted[name])))
            box.activated.connect(lambda _place: self.edited.emit(self.mapping))
            self.setCellWidget(row, 1, box)
            self.boxes[name] = box
        self._wheel.guard(self)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + min(len(new), _MOST_ROWS) * _ROW + 4)

"""A list of which several lines can be ticked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from app.widgets.plain_text import as_written
from core.printable import on_one_line

_LINE_HEIGHT = 21  # pixels of a line


@dataclass(frozen=True)
class Choice:
    """A line: what it stands for, its text, and its tooltip."""

    value: str
    title: str
    help: str = ""


class CheckList(QListWidget):
    """Lines with boxes, as high as ``most`` of them.

    Notes
    -----
    Signals: ``ticked()`` when the user ticked a line, or took the tick away, and then ``edited(before, after, names)``
    with what was and is ticked, and the list's own name.
    """

    ticked = Signal()
    edited = Signal(object, object, object)

    def __init__(self, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._most = most
        self._told: tuple[str, ...] = ()
        self.setStyleSheet(f"QListView::item {{ min-height: {_LINE_HEIGHT}px; }}")
        self.itemChanged.connect(lambda _item: self._edited())

    def offer(self, choices: Sequence[Choice], chosen: Collection[str]) -> None:
        """Offer these choices, some of them ticked; says nothing."""
        self.blockSignals(True)
        self.clear()
        for choice in choices:
            item = QListWidgetItem(on_one_line(choice.title))
            item.setData(Qt.ItemDataRole.UserRole, choice.value)
            item.setToolTip(as_written(choice.help))
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if choice.value in chosen else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.setFixedHeight(min(max(len(choices), 1), self._most) * _LINE_HEIGHT + 2 * self.frameWidth())
        self.blockSignals(False)
        self._told = self.chosen

    def snapshot(self) -> tuple[str, ...]:
        """What is ticked, as it was announced."""
        return self._told

    def restore(self, state: Collection[str]) -> None:
        """Tick what was ticked, and emit ``ticked``; nothing happens while the list is locked."""
        if not self.isEnabled():
            return
        self.blockSignals(True)
        for item in self._items():
            ticked = item.data(Qt.ItemDataRole.UserRole) in state
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.blockSignals(False)
        self._told = self.chosen
        self.ticked.emit()

    def _edited(self) -> None:
        before, self._told = self._told, self.chosen
        self.ticked.emit()
        if self._told != before:
            name = self.accessibleName()
            self.edited.emit(before, self._told, {name: name})

    def tick(self, value: str) -> None:
        """Tick a line, as the user does."""
        for item in self._items():
            if item.data(Qt.ItemDataRole.UserRole) == value:
                item.setCheckState(Qt.CheckState.Checked)

    @property
    def chosen(self) -> tuple[str, ...]:
        """What is ticked, in the order of the lines."""
        items = [item for item in self._items() if item.checkState() == Qt.CheckState.Checked]
        return tuple(item.data(Qt.ItemDataRole.UserRole) for item in items)

    def _items(self) -> list[QListWidgetItem]:
        return [self.item(place) for place in range(self.count())]

"""How much of a network is tuned: the head, the last blocks or all of it, by a button or a click on the layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.widgets.layer_table import LayerTable
from app.widgets.message_line import MessageLine
from core.wording import count_of

if TYPE_CHECKING:
    from core.nets.layers import LayerRow

_CHOICES = {
    "head": ("Head only", "All blocks stay as they are: little can go wrong with few labels, and it takes seconds."),
    "last": ("Last block", "The last block is tuned with the head: the usual partial adaptation."),
    "half": ("Half", "The later half of the blocks is tuned."),
    "all": ("Everything", "Full adaptation: the best where the surveys are far apart, if there are enough labels."),
}


class DepthChooser(QWidget):
    """Buttons for the usual choices above a table of the layers, on which any other is a click.

    Notes
    -----
    Signals: ``changed(blocks)`` with the number of frozen blocks, when the user chooses another, and then
    ``edited(before, after, names)``.
    """

    changed = Signal(int)
    edited = Signal(object, object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[LayerRow] = ()
        self.frozen = 0
        self.buttons: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        line = QHBoxLayout()
        line.setSpacing(4)
        for name, (title, tip) in _CHOICES.items():
            button = self.buttons[name] = QPushButton(title)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, name=name: self._choose(self._frozen_of(name)))
            self._group.addButton(button)
            line.addWidget(button)
        line.addStretch(1)
        column.addLayout(line)
        self.sentence = MessageLine(2, grows=True)
        column.addWidget(self.sentence)
        self.table = LayerTable()
        self.table.setMinimumHeight(120)
        self.table.freeze_changed.connect(self._choose)
        column.addWidget(self.table, 1)
        self._show()

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return max((row.block for row in self._rows if len(row.shape) == 3), default=0)

    def show_layers(self, rows: Sequence[LayerRow], pixel_scale: float) -> None:
        """Show the layers of another network; too deep a choice is limited to its blocks."""
        self._rows = rows
        self.table.set_rows(list(rows), pixel_scale)
        self.frozen = min(self.frozen, self.blocks)
        self._show()

    def set_frozen(self, blocks: int) -> None:
        """Show how many blocks are frozen."""
        self.frozen = min(blocks, self.blocks) if self._rows else blocks
        self._show()

    def _frozen_of(self, choice: str) -> int:
        return {"head": self.blocks, "last": self.blocks - 1, "half": self.blocks // 2, "all": 0}[choice]

    def _choose(self, blocks: int) -> None:
        before = self.frozen
        self.restore(blocks)
        if blocks != before:
            self.edited.emit(before, blocks, {"How much to tune": "How much to tune"})

    def snapshot(self) -> int:
        """The number of frozen blocks."""
        return self.frozen

    def restore(self, state: int) -> None:
        """Choose a number of blocks, and emit ``changed``."""
        self.frozen = state
        self._show()
        self.changed.emit(state)

    def _show(self) -> None:
        self.table.set_frozen(self.frozen, choosable=bool(self._rows))
        self._group.setExclusive(False)
        for name, button in self.buttons.items():
            button.setEnabled(bool(self._rows))
            button.setChecked(bool(self._rows) and self._frozen_of(name) == self.frozen)
        self._group.setExclusive(True)
        if not self._rows:
            self.sentence.clear()
            return
        tuned = sum(row.parameters for row in self._rows if row.block > self.frozen)
        total, depth = sum(row.parameters for row in self._rows), self.blocks
        what = "The head alone is tuned" if self.frozen == depth else "Everything is tuned"
        if 0 < self.frozen < depth:
            last = "the last block" if self.frozen == depth - 1 else f"the last {depth - self.frozen} blocks"
            what = f"The head and {last} of {depth} are tuned"
        self.sentence.setText(
            f"{what}: {tuned:,} of {count_of(total, 'parameter')}. A click on a block freezes up to it."
        )

"""The layers of a network: shape, parameters, receptive field, and which blocks are frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.theme import colours, icon

if TYPE_CHECKING:
    from core.nets.layers import LayerRow

_ABBREVIATIONS = {
    "convolution": "conv",
    "batch normalisation": "norm",
    "group normalisation": "group norm",
    "max pooling": "pool",
    " 2 × 2": "",
    " × ": "×",
}
_HEADERS = ("Block", "Layer", "Output", "Weights", "Sees", "Learns at")
_TIPS = (
    "Convolution block, counted from the input.",
    "What the layer does.",
    "Channels × height × width, or number of units.",
    "Weights that are learned.",
    "Receptive field: the side of the square of the image that one unit sees.",
    "The largest learning rate of the block, and from which epoch on it learns.",
)
_OUTPUT, _LEARNS = 2, 5
_Index = QModelIndex | QPersistentModelIndex


class _Layers(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: Sequence[LayerRow] = ()
        self.pixel_scale = math.nan
        self.frozen = 0
        self.learning: Mapping[int, str] = {}

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS[section]
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: _Index, role: int = 0) -> Any:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts(index.row())[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == 1:
            return row.kind
        if row.block <= self.frozen:
            if role == Qt.ItemDataRole.ForegroundRole:
                return QColor(colours().accent)
            if role == Qt.ItemDataRole.DecorationRole and index.column() == 0 and self._is_first(index.row()):
                return icon("mdi6.snowflake")
            if role == Qt.ItemDataRole.ToolTipRole and index.column() != 1:
                return "Frozen: weights and batch statistics stay as they are."
        return None

    def _is_first(self, place: int) -> bool:
        return place == 0 or self.rows[place - 1].block != self.rows[place].block

    def _texts(self, place: int) -> tuple[str, ...]:
        row = self.rows[place]
        in_block = len(row.shape) == 3
        block = (str(row.block) if in_block else "head") if self._is_first(place) else ""
        sees = "all"
        if in_block:
            sees = f"{row.receptive_field} px"
            if math.isfinite(self.pixel_scale):
                sees += f", {row.receptive_field * self.pixel_scale:.3g}″"
        parameters = f"{row.parameters:,}" if row.parameters else "–"
        learns = self.learning.get(row.block, "") if self._is_first(place) else ""
        return block, _abbreviate(row.kind), "×".join(map(str, row.shape)), parameters, sees, learns


def _alignment(column: int) -> Qt.AlignmentFlag:
    """Words are left-aligned, numbers right-aligned, headers as their cells."""
    side = Qt.AlignmentFlag.AlignRight if column >= _OUTPUT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _abbreviate(kind: str) -> str:
    """Abbreviate a layer's name to fit a narrow dock; the tooltip has it in full."""
    for whole, short in _ABBREVIATIONS.items():
        kind = kind.replace(whole, short)
    return kind


class LayerTable(QTableView):
    """The layers; where freezing is possible, a click on a block freezes it and all blocks before it.

    A click on the head freezes all blocks. A second click frees the last frozen block again, and one on the head
    everything.

    Signals: ``freeze_changed(number of frozen blocks)`` by a click.
    """

    freeze_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers = _Layers(self)
        self._choosable = False
        self.setModel(self._layers)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.setColumnHidden(_LEARNS, True)
        self.clicked.connect(self._clicked)

    def set_rows(self, rows: Sequence[LayerRow], pixel_scale: float = math.nan) -> None:
        """Show other layers, with receptive fields also in arcsec if the pixel scale (arcsec/pixel) is known."""
        self._layers.beginResetModel()
        self._layers.rows, self._layers.pixel_scale = rows, pixel_scale
        self._layers.endResetModel()

    def set_frozen(self, blocks: int, *, choosable: bool) -> None:
        """Show how many blocks are frozen, and whether clicks may change that."""
        self._choosable = choosable
        self._layers.beginResetModel()
        self._layers.frozen = blocks
        self._layers.endResetModel()
        self.setCursor(Qt.CursorShape.PointingHandCursor if choosable else Qt.CursorShape.ArrowCursor)

    def set_learning(self, rates: Mapping[int, str]) -> None:
        """Say at which rate each block learns, the head being the last; nothing: the column is hidden."""
        self.setColumnHidden(_LEARNS, not rates)
        self.setColumnHidden(_OUTPUT, bool(rates))  # a narrow dock has room for one of them
        self._layers.beginResetModel()
        self._layers.learning = rates
        self._layers.endResetModel()

    def _clicked(self, index: QModelIndex) -> None:
        row, frozen = self._layers.rows[index.row()], self._layers.frozen
        if not self._choosable:
            return
        if len(row.shape) == 3:
            self.freeze_changed.emit(row.block - 1 if row.block == frozen else row.block)
        elif depth := max((each.block for each in self._layers.rows if len(each.shape) == 3), default=0):
            self.freeze_changed.emit(0 if frozen == depth else depth)

"""How far each layer has moved, as bars: its weights, and below them its batch statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import colours
from app.widgets.plain_text import as_written
from core.wording import count_of

if TYPE_CHECKING:
    from core.adapt.weight_changes import LayerChange

_ROW = 30  # pixels
_BAR, _THIN = 10, 4  # heights of the two bars
_HEAD = 24
_NUMBER = 64  # width of a number behind the bars
_GAP = 8


class ChangeBars(QWidget):
    """A row for each layer: block, type, the relative change of its weights, and that of its statistics in σ."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: tuple[LayerChange, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(250)

    def show_layers(self, layers: Sequence[LayerChange]) -> None:
        """Show other layers."""
        self._layers = tuple(layers)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for all rows."""
        return QSize(360, _HEAD + _ROW * len(self._layers) + 4)

    def minimumSizeHint(self) -> QSize:
        """Room for all rows; the bars may be short."""
        return QSize(250, self.sizeHint().height())

    def lengths(self, place: int) -> tuple[float, float]:
        """Lengths of the two bars of a layer, as shares of the longest of their kind."""
        changes = [each.change for each in self._layers if math.isfinite(each.change)]
        shifts = [each.statistics for each in self._layers if each.statistics is not None]
        layer = self._layers[place]
        change = layer.change / max(changes) if changes and max(changes) and math.isfinite(layer.change) else 0.0
        shift = (layer.statistics or 0.0) / max(shifts) if shifts and max(shifts) else 0.0
        return change, shift

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the legend and the rows."""
        del event
        if not self._layers:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = colours()
        self._paint_legend(painter)
        names = self._name_width()
        last = self._layers[-1].block
        room = max(20, self.width() - names - _NUMBER - 2 * _GAP)
        for place, layer in enumerate(self._layers):
            top = _HEAD + place * _ROW
            is_first = place == 0 or self._layers[place - 1].block != layer.block
            if is_first and place:
                painter.setPen(QColor(chosen.line))
                painter.drawLine(0, top, self.width(), top)
            painter.setPen(QColor(chosen.text))
            block = ("head" if layer.block == last else str(layer.block)) if is_first else ""
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, top, 36, _ROW), Qt.AlignmentFlag.AlignLeft | middle, block)
            painter.setPen(QColor(chosen.muted))
            name = self.fontMetrics().elidedText(_short(layer.kind), Qt.TextElideMode.ElideRight, names - 40)
            painter.drawText(QRectF(38, top, names - 38, _ROW), Qt.AlignmentFlag.AlignLeft | middle, name)
            if layer.is_identical:
                painter.drawText(QRectF(names + _GAP, top, room + _NUMBER, _ROW), middle, "unchanged, byte by byte")
                continue
            self._paint_bars(painter, place, QRectF(names + _GAP, top, room, _ROW))

    def _paint_bars(self, painter: QPainter, place: int, area: QRectF) -> None:
        layer, chosen = self._layers[place], colours()
        lengths = self.lengths(place)
        has_statistics = layer.statistics is not None
        top = area.top() + (_ROW - _BAR - (_THIN + 2) * has_statistics) / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(chosen.accent))
        painter.drawRect(QRectF(area.left(), top, max(1.0, lengths[0] * area.width()), _BAR))
        if has_statistics:
            painter.setBrush(QColor(chosen.warn))
            painter.drawRect(QRectF(area.left(), top + _BAR + 2, max(1.0, lengths[1] * area.width()), _THIN))
        painter.setPen(QColor(chosen.text))
        text = f"{layer.change:.2g}" if math.isfinite(layer.change) else "–"
        if layer.statistics is not None:
            text += f"\n{layer.statistics:.2g} σ"
        where = QRectF(area.right() + _GAP, area.top(), _NUMBER, _ROW)
        painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_legend(self, painter: QPainter) -> None:
        chosen, left = colours(), 0.0
        for colour, text in ((chosen.accent, "weights, relative"), (chosen.warn, "batch statistics, in σ")):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawRect(QRectF(left, 7, 10, 10))
            painter.setPen(QColor(chosen.muted))
            width = self.fontMetrics().horizontalAdvance(text)
            painter.drawText(QRectF(left + 14, 0, width + 4, _HEAD), Qt.AlignmentFlag.AlignVCenter, text)
            left += 14 + width + 16

    def _name_width(self) -> int:
        widest = max(self.fontMetrics().horizontalAdvance(_short(each.kind)) for each in self._layers)
        return min(38 + widest + 4, max(90, self.width() // 3))

    def _layer_at(self, place: QPoint) -> LayerChange | None:
        row = (place.y() - _HEAD) // _ROW
        return self._layers[row] if 0 <= row < len(self._layers) and place.y() >= _HEAD else None

    def event(self, event: QEvent) -> bool:
        """Explain a row in a tooltip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            layer = self._layer_at(event.pos())
            text = "" if layer is None else as_written(describe(layer))
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)


def describe(layer: LayerChange) -> str:
    """A layer and how far it has moved, in sentences."""
    text = f"{layer.name}, {layer.kind}, {count_of(layer.weights, 'weight')}. "
    if layer.is_identical:
        return text + "Weights and statistics are the same, byte by byte."
    if math.isfinite(layer.change):
        text += f"Its weights changed by {100 * layer.change:.2g} % of their length."
    if layer.statistics is not None:
        text += f" Mean and width of its responses changed by {layer.statistics:.2g} standard deviations."
    return text


def _short(kind: str) -> str:
    return kind.replace("convolution", "conv").replace("normalisation", "norm").replace(" × ", "×")

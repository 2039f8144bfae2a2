"""The outputs of a network for one galaxy as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.plain_text import as_written

_ROW = 22
_MOST_ROWS = 8


class ScoreBars(QWidget):
    """One bar per class, the most probable first, or one line per quantity."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, float, QColor, bool]] = []
        self._units: dict[str, str] = {}
        self._hidden = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """One row per shown output."""
        return QSize(240, _ROW * max(1, len(self._rows) + bool(self._hidden)))

    def minimumSizeHint(self) -> QSize:
        """Narrow, but with every row."""
        return QSize(150, self.sizeHint().height())

    @property
    def texts(self) -> list[str]:
        """The text beside each bar."""
        return [f"{name} {self._number(name, value)}" for name, value, _, _ in self._rows]

    def set_shares(self, names: Sequence[str], values: Sequence[float], colours: Sequence[str], truth: str) -> None:
        """Show probabilities or vote fractions, the largest first; the true class is marked."""
        ranked = sorted(zip(names, values, colours, strict=True), key=lambda row: -row[1])
        self._rows = [(name, float(value), QColor(colour), name == truth) for name, value, colour in ranked]
        self._hidden = max(0, len(self._rows) - _MOST_ROWS)
        del self._rows[_MOST_ROWS:]
        self._units = {}
        self._changed("".join(f"{name}: {value:.3f}\n" for name, value, _ in ranked).strip())

    def set_quantities(self, names: Sequence[str], values: Sequence[float], units: Sequence[str]) -> None:
        """Show numbers with their units, without bars."""
        self._rows = [(name, float(value), QColor(), False) for name, value in zip(names, values, strict=True)]
        self._hidden = 0
        self._units = dict(zip(names, units, strict=True))
        self._changed("")

    def clear(self) -> None:
        """Show nothing."""
        self._rows, self._hidden = [], 0
        self._changed("")

    def _changed(self, tip: str) -> None:
        self.setToolTip(as_written(tip))
        self.setAccessibleDescription(", ".join(self.texts))
        self.updateGeometry()
        self.update()

    def _number(self, name: str, value: float) -> str:
        if name in self._units:
            return f"{value:.4g} {self._units[name]}".strip() if math.isfinite(value) else "–"
        return f"{value:.2f}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw name, bar and number of each row."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        faint = QColor(text)
        faint.setAlphaF(0.14)
        metrics = painter.fontMetrics()
        widest = max((metrics.horizontalAdvance(name) for name, *_ in self._rows), default=0)
        label = min(widest + 26, self.width() // 2)
        number = metrics.horizontalAdvance("0.00 ") if not self._units else self.width() - label
        for place, (name, value, colour, is_true) in enumerate(self._rows):
            top = place * _ROW
            painter.setPen(text)
            shown = metrics.elidedText(f"✓ {name}" if is_true else name, Qt.TextElideMode.ElideRight, label - 8)
            painter.drawText(QRectF(0, top, label - 8, _ROW), Qt.AlignmentFlag.AlignVCenter, shown)
            right = QRectF(self.width() - number, top, number, _ROW)
            side = Qt.AlignmentFlag.AlignLeft if self._units else Qt.AlignmentFlag.AlignRight
            painter.drawText(right, side | Qt.AlignmentFlag.AlignVCenter, self._number(name, value))
            if self._units:
                continue
            bar = QRectF(label, top + 5, max(8, self.width() - label - number - 6), _ROW - 10)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faint)
            painter.drawRoundedRect(bar, 3, 3)
            share = min(1.0, max(0.0, value)) if math.isfinite(value) else 0.0
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * share, bar.height()), 3, 3)
        if self._hidden:
            painter.setPen(text)
            line = QRectF(0, len(self._rows) * _ROW, self.width(), _ROW)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, f"and {self._hidden} less probable ones")

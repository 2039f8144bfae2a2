"""The confusion matrix: rows are the labels, columns the predictions; a click on a cell selects its galaxies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.widgets.plain_text import as_written
from core.wording import percent

_CELL = 26  # least side of a cell
_USUAL_CELL, _LARGEST_CELL = 44, 72
_SPOT = 10  # across, of a class's colour
_NUMBERS_FROM = 24  # cells smaller than this carry no number
_EQUAL_CONTRAST = 0.179  # luminance at which black and white text have the same contrast


class ConfusionMatrix(QWidget):
    """Counts of label against prediction, or shares of each label or prediction, by which the cells are shaded."""

    cell_clicked = Signal(int, int)  # row (label), column (prediction)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._colours: list[QColor] = []
        self._right: tuple[int, ...] = ()
        self._chosen: tuple[int, int] | None = None
        self._share = "counts"
        self._shade, self._wrong = QColor("#0072B2"), QColor("#D55E00")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_counts(
        self,
        names: Sequence[str],
        counts: NDArray[np.int64],
        colours: Sequence[str] = (),
        columns: Sequence[str] | None = None,
        right: Sequence[int] | None = None,
    ) -> None:
        """Show how often galaxies of a class are called what.

        Parameters
        ----------
        names
            The K classes of the labels.
        counts
            (K, L); rows are the labels.
        colours
            Of the classes, for spots beside the rows.
        columns
            The L classes of the predictions; None: those of the labels.
        right
            For each class of the labels the column that is right, −1: none; None: the one of the same number.
        """
        self._names, self._counts, self._chosen = tuple(names), np.asarray(counts), None
        self._columns = self._names if columns is None else tuple(columns)
        self._right = tuple(range(len(self._names)) if right is None else right)
        self._colours = [QColor(colour) for colour in colours]
        self.updateGeometry()
        self.update()

    def set_share(self, share: str) -> None:
        """Show ``"counts"``, or the shares ``"of each label"`` or ``"of each prediction"`` in percent."""
        self._share = share
        self.update()

    def text(self, row: int, column: int) -> str:
        """What stands in a cell."""
        if self._share == "counts":
            return str(self._counts[row, column])
        return f"{100 * self._shares()[row, column]:.0f} %"

    def _shares(self) -> NDArray[np.float64]:
        """Each count over the sum of its row, or of its column where shares of predictions are shown."""
        axis = 0 if self._share == "of each prediction" else 1
        return self._counts / np.maximum(self._counts.sum(axis=axis, keepdims=True), 1)

    def sizeHint(self) -> QSize:
        """Room for the names and comfortable cells."""
        left, top = self._margins(across=self._widest() <= _USUAL_CELL)
        return QSize(left + _USUAL_CELL * len(self._columns) + 8, top + _USUAL_CELL * len(self._names) + 8)

    def minimumSizeHint(self) -> QSize:
        """Room for the names and the smallest cells."""
        left, top = self._margins(across=self._widest() <= _CELL)
        return QSize(left + _CELL * len(self._columns), top + _CELL * len(self._names))

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a cell is drawn."""
        left, top, side = self._layout()
        return QRectF(left + column * side, top + row * side, side, side)

    @property
    def _spot(self) -> int:
        """Width that the spots of the classes' colours take."""
        return _SPOT + 6 if self._colours else 0

    def _widest(self) -> int:
        """Width of the longest name."""
        return max((self.fontMetrics().horizontalAdvance(name) for name in (*self._names, *self._columns)), default=0)

    def _margins(self, *, across: bool) -> tuple[int, int]:
        """Room on the left and above the cells, with the names of the columns written across, or else upwards."""
        widest, line = self._widest(), self.fontMetrics().height() + 4
        return min(widest, 150) + 12 + line + self._spot, line + (line if across else min(widest, 90) + 8)

    def _layout(self) -> tuple[int, int, float]:
        """Room on the left and above, and the side of the cells; names are written across where they fit."""
        left, top, side = 0, 0, 1.0
        for across in (True, False) if self._names else ():
            left, top = self._margins(across=across)
            room = (self.width() - left - 2) / len(self._columns), (self.height() - top - 2) / len(self._names)
            side = float(min(_LARGEST_CELL, max(_CELL, min(room))))
            if self._widest() <= side:
                break
        return left, top, side

    def _cell_at(self, place: QPointF) -> tuple[int, int] | None:
        left, top, side = self._layout()
        column, row = int((place.x() - left) // side), int((place.y() - top) // side)
        inside = 0 <= row < len(self._names) and 0 <= column < len(self._columns)
        return (row, column) if inside else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a cell."""
        cell = self._cell_at(event.position())
        if cell is not None:
            self._choose(cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Explain a cell in a tooltip."""
        cell = self._cell_at(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if cell else Qt.CursorShape.ArrowCursor)
        if cell is None:
            return
        count, total = self._counts[cell], max(1, self._counts[cell[0]].sum())
        text = (
            f"{count} of {total} {self._names[cell[0]]} are predicted as {self._columns[cell[1]]} "
            f"({percent(count / total)}). Click to see them."
        )
        QToolTip.showText(event.globalPosition().toPoint(), as_written(text), self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move over the cells with the arrow keys."""
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._names:
            super().keyPressEvent(event)
            return
        row, column = self._chosen or (0, 0)
        down, across = len(self._names) - 1, len(self._columns) - 1
        self._choose((min(down, max(0, row + step[0])), min(across, max(0, column + step[1]))))

    def _choose(self, cell: tuple[int, int]) -> None:
        self._chosen = cell
        self.update()
        self.cell_clicked.emit(*cell)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw names and cells."""
        del event
        if not self._names:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_names(painter)
        shares = self._shares()
        for row in range(len(self._names)):
            for column in range(len(self._columns)):
                self._paint_cell(painter, row, column, float(shares[row, column]))
        if self._chosen is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 2))
            painter.drawRect(self.cell_rect(*self._chosen).adjusted(1, 1, -1, -1))

    def _paint_cell(self, painter: QPainter, row: int, column: int, share: float) -> None:
        place = self.cell_rect(row, column).adjusted(1, 1, -1, -1)
        ground = self.palette().color(QPalette.ColorRole.Base)
        full = self._shade if self._right[row] == column else self._wrong
        strength = 0.06 + 0.94 * share
        colour = QColor.fromRgbF(
            *(
                (1 - strength) * a + strength * b
                for a, b in zip(ground.getRgbF()[:3], full.getRgbF()[:3], strict=True)  # pyrefly: ignore[bad-index] - a tuple of four
            )
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(place, 3, 3)
        if place.width() + 2 >= _NUMBERS_FROM:
            painter.setPen(QColor("black") if _luminance(colour) > _EQUAL_CONTRAST else QColor("white"))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self.text(row, column))

    def _paint_names(self, painter: QPainter) -> None:
        left, top, side = self._layout()
        metrics = self.fontMetrics()
        line = metrics.height() + 4
        elide = Qt.TextElideMode.ElideRight
        muted = QColor(self.palette().color(QPalette.ColorRole.WindowText))
        painter.setPen(muted)
        across = self._widest() <= side
        for place, name in enumerate(self._names):
            if self._colours:
                painter.save()
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._colours[place])
                middle = top + (place + 0.5) * side
                painter.drawEllipse(QRectF(left - _SPOT - 6, middle - _SPOT / 2, _SPOT, _SPOT))
                painter.restore()
            row = QRectF(line, top + place * side, left - line - 8 - self._spot, side)
            painter.drawText(
                row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, metrics.elidedText(name, elide, 150)
            )
        for place, name in enumerate(self._columns):
            if across:
                column = QRectF(left + place * side, line, side, line)
                painter.drawText(column, Qt.AlignmentFlag.AlignCenter, name)
            else:
                painter.save()
                painter.translate(left + (place + 0.5) * side, top - 4)
                painter.rotate(-90)
                painter.drawText(
                    QRectF(0, -line / 2, top - line, line),
                    Qt.AlignmentFlag.AlignVCenter,
                    metrics.elidedText(name, elide, int(top - line)),
                )
                painter.restore()
        muted.setAlphaF(0.65)
        painter.setPen(muted)
        width, height = side * len(self._columns), side * len(self._names)
        painter.drawText(QRectF(left, 0, max(width, 70), line), Qt.AlignmentFlag.AlignCenter, "predicted")
        painter.save()
        painter.translate(0, top + height / 2)
        painter.rotate(-90)
        painter.drawText(QRectF(-50, 0, 100, line), Qt.AlignmentFlag.AlignCenter, "label")
        painter.restore()


def _luminance(colour: QColor) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    red, green, blue = (((value + 0.055) / 1.055) ** 2.4 if value > 0.04 else value / 12.92 for value in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(colour: QColor) -> tuple[float, float, float]:
    return colour.redF(), colour.greenF(), colour.blueF()

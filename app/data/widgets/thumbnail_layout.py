"""Layout of the thumbnails: arithmetic of lines and columns."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, Qt


@dataclass(frozen=True)
class Layout:
    """Cells in lines from left to right across the whole width.

    Attributes
    ----------
    places
        Number of cells.
    cell, line
        Least width of a cell and height of a line.
    width, height
        Size of the viewport.
    """

    places: int
    cell: int
    line: int
    width: int
    height: int

    @property
    def columns(self) -> int:
        """Cells side by side."""
        return max(1, self.width // self.cell)

    @property
    def total_height(self) -> int:
        """Height of all lines."""
        return -(-self.places // self.columns) * self.line

    @property
    def whole_lines(self) -> int:
        """Lines that fit into the viewport, at least one."""
        return max(1, self.height // self.line)

    def rect(self, place: int, top: int) -> QRect:
        """Rectangle of a place when the viewport is scrolled to ``top``."""
        line, column = divmod(place, self.columns)
        left, right = column * self.width // self.columns, (column + 1) * self.width // self.columns
        return QRect(left, line * self.line - top, right - left, self.line)

    def place_at(self, point: QPoint, top: int) -> int:
        """The place under a point of the viewport; −1: none."""
        column = ((point.x() + 1) * self.columns - 1) // max(1, self.width)  # inverts the rounding in rect()
        place = (point.y() + top) // self.line * self.columns + column
        return place if 0 <= column < self.columns and 0 <= place < self.places else -1

    def visible(self, top: int, pages: int = 0) -> range:
        """Places in view, and those of ``pages`` pages above and below."""
        first = (top - pages * self.height) // self.line
        last = (top + (1 + pages) * self.height - 1) // self.line
        return range(max(0, first * self.columns), min(self.places, max(0, (last + 1) * self.columns)))

    def target(self, key: Qt.Key, here: int) -> int | None:
        """The place that a key leads to from ``here`` (−1: none yet); None if it is not a navigation key."""
        last = self.places - 1
        match key:
            case Qt.Key.Key_Home:
                return 0
            case Qt.Key.Key_End:
                return last
            case Qt.Key.Key_Left | Qt.Key.Key_Right:
                step = 1 if key == Qt.Key.Key_Right else -1
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                step = self.columns if key == Qt.Key.Key_Down else -self.columns
            case Qt.Key.Key_PageUp | Qt.Key.Key_PageDown:
                step = self.whole_lines * self.columns * (1 if key == Qt.Key.Key_PageDown else -1)
            case _:
                return None
        if here < 0:
            return 0
        if abs(step) == 1 or 0 <= here + step <= last:
            return min(max(here + step, 0), last)
        column, last_line = here % self.columns, last // self.columns
        if step < 0:
            return column
        return min(last_line * self.columns + column, last)

"""Two widgets side by side where there is room, one above the other where there is not."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSplitter, QWidget


class ResponsiveSplit(QSplitter):
    """A splitter that becomes vertical when it gets narrow.

    Parameters
    ----------
    first, second
        Left and right, or above and below.
    narrow
        Below this width in pixels they stand one above the other.
    wide_sizes, narrow_sizes
        Initial widths and heights.
    growing
        Which of them takes additional space: 0 or 1.
    """

    def __init__(
        self,
        first: QWidget,
        second: QWidget,
        narrow: int,
        wide_sizes: Sequence[int],
        narrow_sizes: Sequence[int],
        growing: int = 1,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._narrow = narrow
        self._sides = (first, second)
        self._sizes = {Qt.Orientation.Horizontal: list(wide_sizes), Qt.Orientation.Vertical: list(narrow_sizes)}
        self.setChildrenCollapsible(False)
        self.addWidget(first)
        self.addWidget(second)
        for place in range(2):
            self.setStretchFactor(place, int(place == growing))
        self.setSizes(self._sizes[self.orientation()])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Change the orientation with the width; each orientation keeps its own sizes."""
        wanted = Qt.Orientation.Horizontal if event.size().width() >= self._narrow else Qt.Orientation.Vertical
        if wanted != self.orientation():
            self._sizes[self.orientation()] = self.sizes()
            self.setOrientation(wanted)
            self.setSizes(self._sizes[wanted])
            self.updateGeometry()
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:
        """As narrow as the wider of the two."""
        sizes = [side.minimumSizeHint() for side in self._sides]
        least = [side.minimumSize() for side in self._sides]
        widths = [max(size.width(), low.width()) for size, low in zip(sizes, least, strict=True)]
        heights = [max(size.height(), low.height()) for size, low in zip(sizes, least, strict=True)]
        stands = self.orientation() == Qt.Orientation.Vertical
        return QSize(max(widths), sum(heights) + self.handleWidth() if stands else max(heights))


def make_scrollable(content: QWidget) -> QScrollArea:
    """Put a widget into a scroll area that scrolls vertically only, and is wide enough for it."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    needed = max(content.minimumSizeHint().width(), content.minimumWidth())
    area.setMinimumWidth(needed + area.verticalScrollBar().sizeHint().width())
    return area

"""Two widgets side by side where there is room, one above the other where there is not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from PySide6.QtCore import QEvent, QSize, Qt
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
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
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


class Scrollable(QScrollArea):
    """Scrolls its content vertically only, and is as wide as that needs when it is first laid out.

    Qt shows a widget, and so styles all that is in it, as soon as it is given to a scroll area: that waits until the
    area itself is where it belongs, and is shown.
    """

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content.setParent(self.viewport())

    def event(self, arg__1: QEvent) -> bool:
        """Scroll the content once the area is to be shown."""
        if arg__1.type() == QEvent.Type.Polish and self.widget() is None:
            self.setWidget(self._content)
        return super().event(arg__1)

    @cached_property
    def _needed_width(self) -> int:
        content = max(self._content.minimumSizeHint().width(), self._content.minimumWidth())
        return content + self.verticalScrollBar().sizeHint().width()

    def minimumSizeHint(self) -> QSize:
        """As wide as the content needs."""
        return QSize(self._needed_width, super().minimumSizeHint().height())

"""A virtual grid of thumbnails: its cost depends on the visible galaxies, not on their total number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from app.data.widgets.thumbnail_cell import BAR, PAD, Cell, CellPainter
from app.data.widgets.thumbnail_layout import Layout
from app.data.widgets.thumbnail_loader import Fetch
from app.data.widgets.thumbnail_pictures import ThumbnailPictures
from app.theme import colours
from app.widgets.plain_text import as_written

Texts: TypeAlias = Callable[[int], str] | Sequence[str]

_CACHE_BYTES = 64 << 20  # of pictures


class ThumbnailGrid(QAbstractScrollArea):
    """Galaxies in rows and columns, chosen by mouse and keyboard.

    A *row* is a galaxy's row in the dataset; its *place* is its position in the grid, which follows from the order
    given to :meth:`set_rows`.

    Notes
    -----
    Signals: ``current_changed(row)`` and ``selection_changed(rows)`` when the user changes them, ``activated(row)`` at
    a double click or Return, ``key_pressed(text)`` for keys that mean nothing here (digits, letters), and
    ``failed(error)`` when the pictures cannot be fetched.
    """

    current_changed = Signal(int)
    selection_changed = Signal(object)
    activated = Signal(int)
    key_pressed = Signal(str)
    failed = Signal(object)

    def __init__(self, parent: QWidget | None = None, side: int = 96) -> None:
        super().__init__(parent)
        self._side = side
        self._count = 0
        self._rows: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._places: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # of every row; −1: filtered out
        self._selected: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self._current = -1
        self._anchor = -1
        self._codes: NDArray[np.int64] | None = None
        self._colours: list[QColor] = []
        self._badges: Texts | None = None
        self._labels: Texts | None = None
        self._tips: Callable[[int], str] | None = None
        self.pictures = ThumbnailPictures(self)
        self.pictures.arrived.connect(self._arrived)
        self.pictures.failed.connect(self.failed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Galaxies")
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # -- what is shown ---------------------------------------------------------------------------------------------

    def set_source(self, count: int, fetch: Fetch | None) -> None:
        """Show ``count`` galaxies whose pictures ``fetch`` delivers, and forget all others.

        Parameters
        ----------
        count
            Number of rows of the dataset.
        fetch
            Called with rows (n,) on one background thread only; returns pictures uint8 (n, s, s, 3), row 0 at the
            bottom. Its ``close()``, if it has one, is called there at the end.
        """
        self.pictures.set_source(fetch)
        self._count = count
        self._selected = np.zeros(count, dtype=np.bool_)
        self._current = self._anchor = -1
        self._codes = self._badges = self._labels = self._tips = None
        self.verticalScrollBar().setValue(0)
        self.set_rows(np.arange(count))

    def set_rows(self, rows: NDArray[np.int64]) -> None:
        """Show these rows of the dataset in this order; hidden rows are deselected."""
        self._rows = np.asarray(rows, dtype=np.int64)
        self._places = np.full(self._count, -1, dtype=np.int64)
        self._places[self._rows] = np.arange(len(self._rows))
        self._anchor = self._place(self._current)
        self._measure()
        if self._anchor >= 0:
            self._reveal(self._anchor)
        hidden = self._selected & (self._places < 0)
        if hidden.any():
            self._selected &= ~hidden
            self.selection_changed.emit(self.selection)

    def set_colours(self, codes: NDArray[np.int64], palette: Sequence[str]) -> None:
        """Colour each galaxy by its class: one palette index per row of the dataset, negative for none."""
        self._codes = np.array(codes, dtype=np.int64)
        self._colours = [QColor(name) for name in palette]
        self.viewport().update()

    def recolour(self, rows: NDArray[np.int64], codes: NDArray[np.int64]) -> None:
        """Give some rows (n,) other palette indices (n,)."""
        if self._codes is not None:
            self._codes[rows] = codes
            self.viewport().update()

    def set_badges(self, badges: Texts | None) -> None:
        """Mark each galaxy with a letter or two: one text per row of the dataset, or a function of the row."""
        self._badges = badges
        self.viewport().update()

    def set_labels(self, labels: Texts | None) -> None:
        """Write a line under each galaxy: one text per row of the dataset, or a function of the row."""
        self._labels = labels
        self._measure()

    def set_tips(self, tips: Callable[[int], str] | None) -> None:
        """Describe each galaxy under the mouse: a function of the row; None: by its label."""
        self._tips = tips

    def refresh(self) -> None:
        """Fetch all pictures again, for instance with another stretch; the old ones stay until replaced."""
        self.pictures.renew()
        self.viewport().update()

    def set_side(self, side: int) -> None:
        """Change the side of the thumbnails, in pixels of the screen's scale."""
        if side != self._side:
            first = self._first_place()
            self._side = side
            self._measure()
            self._scroll_to(first)

    @property
    def side(self) -> int:
        """Side of the thumbnails."""
        return self._side

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows shown, in their order."""
        return self._rows

    # -- current and selection -------------------------------------------------------------------------------------

    @property
    def current(self) -> int:
        """The current row; −1: none."""
        return self._current

    @property
    def selection(self) -> NDArray[np.int64]:
        """The selected rows, ascending."""
        return np.flatnonzero(self._selected)

    def set_current(self, row: int) -> None:
        """Make a row the current one and scroll to it, without emitting a signal."""
        self._current = row if 0 <= row < self._count else -1
        place = self._place(self._current)
        if self._anchor < 0 or not self._selected.any():
            self._anchor = place
        if place >= 0:
            self._reveal(place)
        self.viewport().update()

    def set_selection(self, rows: NDArray[np.int64]) -> None:
        """Select exactly these rows, without emitting a signal."""
        self._selected[:] = False
        self._selected[np.asarray(rows, dtype=np.int64)] = True
        self.viewport().update()

    def _choose(self, place: int, *, extend: bool = False, toggle: bool = False) -> None:
        """Make a place current, and select it alone, extend the selection to it, or toggle it."""
        place = min(max(place, 0), len(self._rows) - 1)
        if place < 0:
            return
        row = int(self._rows[place])
        before = self._selected.copy()
        if extend and self._anchor >= 0:
            low, high = sorted((self._anchor, place))
            self._selected[:] = False
            self._selected[self._rows[low : high + 1]] = True
        elif toggle:
            self._selected[row] = not self._selected[row]
            self._anchor = place
        else:
            self._selected[:] = False
            self._selected[row] = True
            self._anchor = place
        changed = row != self._current
        self._current = row
        self._reveal(place)
        self.viewport().update()
        if changed:
            self.current_changed.emit(row)
        if not np.array_equal(before, self._selected):
            self.selection_changed.emit(self.selection)

    def choose_at(self, point: QPoint) -> int:
        """Choose the galaxy at a point of the viewport, unless it is selected already; returns its row, −1 if none."""
        place = self._place_at(point)
        if place < 0:
            return -1
        row = int(self._rows[place])
        if not self._selected[row]:
            self._choose(place)
        return row

    def go_on(self) -> None:
        """Choose the galaxy after the current one; the last one stays chosen."""
        if 0 <= (place := self._place(self._current)) < len(self._rows) - 1:
            self._choose(place + 1)

    def _select_all(self, selected: bool) -> None:
        self._selected[:] = False
        self._selected[self._rows] = selected
        self.viewport().update()
        self.selection_changed.emit(self.selection)

    # -- geometry --------------------------------------------------------------------------------------------------

    @property
    def layout_now(self) -> Layout:
        """The layout at the present size."""
        text = self.fontMetrics().height() + 2 if self._labels is not None else 0
        size = self.viewport().size()
        return Layout(
            len(self._rows), self._side + 2 * PAD, self._side + BAR + text + 2 * PAD, size.width(), size.height()
        )

    def _place(self, row: int) -> int:
        return int(self._places[row]) if 0 <= row < len(self._places) else -1

    def cell_rect(self, place: int) -> QRect:
        """Rectangle of a place in the viewport."""
        return self.layout_now.rect(place, self.verticalScrollBar().value())

    def _place_at(self, point: QPoint) -> int:
        return self.layout_now.place_at(point, self.verticalScrollBar().value())

    def _first_place(self) -> int:
        layout = self.layout_now
        return self.verticalScrollBar().value() // layout.line * layout.columns

    def _measure(self) -> None:
        """Update scroll bar, loader and cache size for the present layout."""
        layout, bar, side = self.layout_now, self.verticalScrollBar(), self._side * self.devicePixelRatioF()
        bar.setRange(0, max(0, layout.total_height - layout.height))
        bar.setPageStep(layout.whole_lines * layout.line)
        bar.setSingleStep(max(1, layout.line // 2))
        page = layout.columns * (layout.whole_lines + 2)
        self.pictures.set_size(round(side), max(4 * page, int(_CACHE_BYTES / (4 * side**2))))
        self.viewport().update()

    def _reveal(self, place: int) -> None:
        cell, bar = self.cell_rect(place), self.verticalScrollBar()
        if cell.top() < 0:
            bar.setValue(bar.value() + cell.top())
        elif cell.bottom() > self.viewport().height():
            bar.setValue(bar.value() + min(cell.top(), cell.bottom() + 1 - self.viewport().height()))

    def _scroll_to(self, place: int) -> None:
        layout = self.layout_now
        self.verticalScrollBar().setValue(place // layout.columns * layout.line)

    def sizeHint(self) -> QSize:
        """Six by four thumbnails."""
        layout = self.layout_now
        return QSize(6 * layout.cell + 16, 4 * layout.line)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cells in view, and request missing pictures, including a page ahead."""
        if self.pictures.take(self.devicePixelRatioF()) and event.rect() != self.viewport().rect():
            self.viewport().update()  # a strip is drawn now, and they may belong elsewhere
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(colours().surface))
        cells = CellPainter(painter, self._side, self.font(), self.hasFocus())
        layout, top = self.layout_now, self.verticalScrollBar().value()
        for place in layout.visible(top):
            rect = layout.rect(place, top)
            if rect.intersects(event.rect()):
                cells.draw(self._cell(place, rect))
        painter.end()
        self._request_pictures()

    def _cell(self, place: int, rect: QRect) -> Cell:
        row = int(self._rows[place])
        code = -1 if self._codes is None else int(self._codes[row])
        return Cell(
            rect,
            self.pictures.get(row),
            self._colours[code] if code >= 0 else None,
            _text(self._badges, row),
            _text(self._labels, row),
            bool(self._selected[row]),
            row == self._current,
        )

    def _request_pictures(self) -> None:
        """Request missing pictures: the cells in view first, then the page on either side."""
        layout, top = self.layout_now, self.verticalScrollBar().value()
        near = self._rows[[*layout.visible(top), *layout.visible(top, pages=1)]].tolist()
        self.pictures.ask(near, round(self._side * self.devicePixelRatioF()))

    def _arrived(self) -> None:
        if self.pictures.take(self.devicePixelRatioF()):
            self.viewport().update()

    # -- input -----------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the first thumbnail in view where it was."""
        super().resizeEvent(event)
        first = self._first_place()
        self._measure()
        self._scroll_to(first)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Redraw everything: drawing pictures is cheaper than moving them."""
        del dx, dy
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a galaxy; Ctrl toggles it, Shift extends the selection to it."""
        place = self._place_at(event.position().toPoint())
        if place >= 0 and event.button() == Qt.MouseButton.LeftButton:
            keys = event.modifiers()
            extend = bool(keys & Qt.KeyboardModifier.ShiftModifier)
            self._choose(place, extend=extend, toggle=bool(keys & Qt.KeyboardModifier.ControlModifier))
        else:
            super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Nothing is left to do after the press."""
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open."""
        place = self._place_at(event.position().toPoint())
        if place >= 0:
            self.activated.emit(int(self._rows[place]))

    def viewportEvent(self, event: QEvent) -> bool:
        """Describe a thumbnail in a tooltip."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = self._place_at(event.pos())
            text = _text(self._tips or self._labels, int(self._rows[place])) if place >= 0 else ""
            QToolTip.showText(event.globalPos(), as_written(text), self)
            return True
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, extend the selection, open; letters and digits are emitted as ``key_pressed``."""
        keys = event.modifiers()
        control = bool(keys & Qt.KeyboardModifier.ControlModifier)
        target = self.layout_now.target(Qt.Key(event.key()), self._place(self._current))
        if target is not None and len(self._rows):
            self._choose(target, extend=bool(keys & Qt.KeyboardModifier.ShiftModifier))
        elif control and event.key() == Qt.Key.Key_A:
            self._select_all(True)
        elif event.key() == Qt.Key.Key_Escape and self._selected.any():
            self._select_all(False)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current >= 0:
            self.activated.emit(self._current)
        elif event.key() == Qt.Key.Key_Space and self._place(self._current) >= 0:
            self._choose(self._place(self._current), toggle=True)
        elif event.text().isprintable() and event.text().strip() and not control:
            self.key_pressed.emit(event.text())
        else:
            super().keyPressEvent(event)


def _text(texts: Texts | None, row: int) -> str:
    if texts is None:
        return ""
    return texts(row) if callable(texts) else str(texts[row])

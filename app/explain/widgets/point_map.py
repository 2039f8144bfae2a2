"""A scatter plot of many points: click one, or draw a lasso around some."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QCursor
from PySide6.QtWidgets import QToolTip, QVBoxLayout, QWidget

from app.theme import colours
from app.widgets.context_menu import offer_view
from app.widgets.plain_text import as_written, in_html

_CLICK_RADIUS = 8.0  # pixels: the farthest point that a click still chooses
_OPACITY = 190
_SIZES = ((1_000, 8), (5_000, 6), (20_000, 4))  # number of points up to which a point has this size in pixels
_SMALLEST = 3
_LASSO_STEP = 3.0  # pixels between two corners of a lasso


class _Plane(pg.ViewBox):
    """Zooms with the wheel and pans with the middle button; the left button clicks and draws the lasso."""

    clicked = Signal(object)
    lassoed = Signal(object, bool)

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.04)
        self.line = pg.PlotCurveItem()
        self.line.setZValue(5)
        self._lasso: list[tuple[float, float]] = []

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        """Draw a lasso around points."""
        if ev.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(ev, axis)
            return
        ev.accept()
        place = self.mapToView(ev.pos())
        if ev.isStart():
            start = self.mapToView(ev.buttonDownPos())
            self._lasso = [(start.x(), start.y())]
        if self._is_far_enough(place):
            self._lasso.append((place.x(), place.y()))
        lasso = np.array(self._lasso)
        if ev.isFinish():
            self.line.setData([], [])
            if len(lasso) >= 3:
                self.lassoed.emit(lasso, bool(ev.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            self.line.setData(*np.vstack([lasso, lasso[:1]]).T)

    def _is_far_enough(self, place: QPointF) -> bool:
        width, height = self.viewPixelSize()
        x, y = self._lasso[-1]
        return math.hypot((place.x() - x) / width, (place.y() - y) / height) >= _LASSO_STEP

    def mouseClickEvent(self, ev: Any) -> None:
        """Choose a point; a double click shows all points."""
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            if ev.double():
                self.autoRange()
            else:
                self.clicked.emit(self.mapToView(ev.pos()))


class _Dots(pg.ScatterPlotItem):
    """Points that leave clicks to the plane, which finds the nearest one."""

    def mouseClickEvent(self, ev: Any) -> None:
        """Pass the click on."""
        ev.ignore()


class PointMap(QWidget):
    """Points in colours, one of them the current one, some of them selected.

    Notes
    -----
    Points are identified by their *place* (index) in the arrays given. Signals: ``clicked(place)``;
    ``lassoed(places, more)``, ``more`` with Shift held; ``hovered(place)``, −1: none.
    """

    clicked = Signal(int)
    lassoed = Signal(object, bool)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points = np.zeros((0, 2))
        self._hovered = -1
        self._describe: Callable[[int], str] = str
        self._plane = _Plane()
        self._plot = pg.PlotWidget(viewBox=self._plane)
        self._plot.hideButtons()
        offer_view(self._plot)
        self._plot.setMinimumSize(200, 180)
        self._dots, self._selected, self._neighbours, self._current = (_Dots(pxMode=True) for _ in range(4))
        for level, item in enumerate((self._dots, self._selected, self._neighbours, self._current)):
            item.setZValue(level)
            self._plane.addItem(item, ignoreBounds=level > 0)
        self._plane.addItem(self._plane.line, ignoreBounds=True)
        self._plane.clicked.connect(self._choose)
        self._plane.lassoed.connect(
            lambda lasso, more: self.lassoed.emit(np.flatnonzero(inside_polygon(self._points, lasso)), more)
        )
        self._plot.scene().sigMouseMoved.connect(self._hover)  # pyrefly: ignore[missing-attribute] - pyqtgraph's own scene
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._plot)
        self._apply_theme()

    @property
    def count(self) -> int:
        """How many points are shown."""
        return len(self._points)

    def position(self, place: int) -> QPointF:
        """Position of a point in this widget, in pixels."""
        scene = self._plane.mapViewToScene(QPointF(*self._points[place]))
        return QPointF(self._plot.mapTo(self, self._plot.mapFromScene(scene)))

    def set_points(self, points: NDArray[Any], titles: Sequence[str] | None, describe: Callable[[int], str]) -> None:
        """Show points (n, 2), grey at first.

        ``titles`` of both axes; None: the coordinates have no meaning of their own, and only distances count.
        ``describe(place)`` returns the tooltip of a point.
        """
        self._points, self._describe, self._hovered = np.asarray(points, np.float64), describe, -1
        for item in (self._selected, self._neighbours, self._current):
            item.clear()
        for side, title in zip(("bottom", "left"), titles or ("", ""), strict=True):
            self._plot.getAxis(side).setLabel(in_html(title), siPrefixEnableRanges=())
            self._plot.showAxis(side, titles is not None)
        self._plane.setAspectLocked(titles is None)
        self.set_colours(np.full(len(points), -1), [])
        self._plane.autoRange()

    def set_colours(self, groups: NDArray[np.int64], of_groups: Sequence[str]) -> None:
        """Give each point the colour of its group, counted from 0; −1: grey."""
        size = next((size for most, size in _SIZES if self.count <= most), _SMALLEST)
        brushes = np.array([*(_make_brush(colour) for colour in of_groups), _make_brush(colours().muted)], dtype=object)
        order = np.random.default_rng(0).permutation(self.count)  # no group lies over the others
        x, y = self._points[order].T
        self._dots.setData(x, y, size=size, pen=None, brush=brushes[groups[order]])

    def set_selected(self, places: NDArray[np.int64]) -> None:
        """Put rings around some points."""
        self._selected.setData(*self._points[places].T)

    def set_neighbours(self, places: NDArray[np.int64]) -> None:
        """Put squares around some points: those found most alike to others."""
        self._neighbours.setData(*self._points[places].T)

    @property
    def neighbours(self) -> NDArray[np.float64]:
        """Where the squares are, (n, 2)."""
        return np.column_stack(self._neighbours.getData())

    def set_current(self, place: int) -> None:
        """Put a large ring around one point; −1: around none."""
        self._current.setData(*self._points[[place]].T if place >= 0 else ([], []))

    # -- the mouse -------------------------------------------------------------------------------------------------

    def _nearest_point(self, place: QPointF) -> int:
        """The point under the cursor; −1: none."""
        if not self.count:
            return -1
        width, height = self._plane.viewPixelSize()
        away = np.hypot((self._points[:, 0] - place.x()) / width, (self._points[:, 1] - place.y()) / height)
        nearest = int(away.argmin())
        return nearest if away[nearest] <= _CLICK_RADIUS else -1

    def _choose(self, place: QPointF) -> None:
        nearest = self._nearest_point(place)
        if nearest >= 0:
            self.clicked.emit(nearest)

    def _hover(self, scene: QPointF) -> None:
        inside = self._plane.sceneBoundingRect().contains(scene)
        nearest = self._nearest_point(self._plane.mapSceneToView(scene)) if inside else -1
        if nearest != self._hovered:
            self._hovered = nearest
            QToolTip.showText(QCursor.pos(), as_written(self._describe(nearest)) if nearest >= 0 else "", self)
            self.hovered.emit(nearest)

    # -- the theme -------------------------------------------------------------------------------------------------

    def _apply_theme(self) -> None:
        chosen = colours()
        self._plot.setBackground(chosen.surface)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(chosen.line)
            axis.setTextPen(chosen.muted)
        self._plane.line.setPen(pg.mkPen(chosen.accent, width=1.5))
        self._selected.setPen(pg.mkPen(chosen.text, width=1))
        self._selected.setBrush(None)
        self._selected.setSize(10)
        self._neighbours.setPen(pg.mkPen(chosen.accent, width=1.5))
        self._neighbours.setBrush(None)
        self._neighbours.setSymbol("s")
        self._neighbours.setSize(13)
        self._current.setPen(pg.mkPen(chosen.accent, width=3))
        self._current.setBrush(None)
        self._current.setSize(18)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_theme()
        super().changeEvent(event)


def inside_polygon(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (n, 2) lie inside the closed polygon of corners (k, 2), by the even-odd rule."""
    found = np.zeros(len(points), dtype=np.bool_)
    x, y = points.T
    for (left, low), (right, high) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (low > y) != (high > y)
        if low != high:
            found ^= crosses & (x < left + (right - left) * (y - low) / (high - low))
    return found


def _make_brush(colour: str) -> Any:
    shade = QColor(colour)
    shade.setAlpha(_OPACITY)
    return pg.mkBrush(shade)

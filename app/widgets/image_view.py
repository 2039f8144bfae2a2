"""One large image: zooms with the wheel, with a scale bar, an overlay, outlines, a circle and a square.

Row 0 of every image is at the bottom. Pixel centres are at whole numbers, as in FITS but counted from 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QFont, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from app.theme import colours, icon
from app.widgets.context_menu import add_picture, offer_menu
from core.data.stretch import colour_table

_NICE = (1, 2, 5)
_SMALLEST, _PREFERRED = 120, 200  # sides in pixels
_COMPASS = 26.0  # length of its arrows in pixels
_LEAST_OPACITY = 0.15  # share of the overlay's opacity where the map is zero
_OUTLINES = (("#ffffff", Qt.PenStyle.SolidLine), ("#ffd166", Qt.PenStyle.DashLine))  # the galaxy's, its neighbours'


class _Canvas(pg.GraphicsView):
    """The graphics view with the image."""

    hovered = Signal(float, float)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=colours().image)
        self.setAntialiasing(True)
        self.setMouseTracking(True)
        self.box = pg.ViewBox(lockAspect=True, enableMenu=False, defaultPadding=0)
        self.setCentralItem(self.box)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.overlay = pg.ImageItem(axisOrder="row-major")
        self.overlay.setZValue(1)
        self.circle = pg.QtWidgets.QGraphicsEllipseItem()
        self.square = pg.QtWidgets.QGraphicsRectItem()
        pen = QPen(QColor("#ffd166"))
        pen.setCosmetic(True)
        pen.setWidthF(1.6)
        for item in (self.circle, self.square):
            item.setPen(pen)
            item.setZValue(2)
            item.hide()
        self.outlines: list[pg.QtWidgets.QGraphicsPathItem] = []
        for colour, style in _OUTLINES:
            for width, shade in ((3.2, "#000000"), (1.6, colour)):  # visible on bright and dark
                line = pg.QtWidgets.QGraphicsPathItem()
                pen = QPen(QColor(shade), width, style if shade == colour else Qt.PenStyle.SolidLine)
                pen.setCosmetic(True)
                line.setPen(pen)
                line.setZValue(3)
                self.outlines.append(line)
        for item in (self.image, self.overlay, self.circle, self.square, *self.outlines):
            self.box.addItem(item, ignoreBounds=True)
        self.compass: tuple[tuple[float, float], tuple[float, float]] | None = None
        self.pixel_scale = math.nan
        self.shape = (0, 0)

    def fit(self) -> None:
        """Show the whole image."""
        height, width = self.shape
        if height:
            self.box.setRange(QRectF(-0.5, -0.5, width, height), padding=0)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Show the whole image again."""
        self.fit()
        super().mouseDoubleClickEvent(event)

    def mouseMoveEvent(self, ev: Any) -> None:
        """Emit the pixel under the cursor."""
        super().mouseMoveEvent(ev)
        place: QPointF = self.box.mapSceneToView(self.mapToScene(ev.position().toPoint()))
        if self._contains(place):
            self.hovered.emit(place.x(), place.y())
        else:
            self.left.emit()

    def leaveEvent(self, ev: QEvent) -> None:
        """Emit that no pixel is under the cursor."""
        super().leaveEvent(ev)
        self.left.emit()

    def _contains(self, place: QPointF) -> bool:
        height, width = self.shape
        return -0.5 <= place.x() < width - 0.5 and -0.5 <= place.y() < height - 0.5

    def paintEvent(self, ev: QPaintEvent) -> None:
        """Draw the scale bar over the image, at a constant line width and font size."""
        super().paintEvent(ev)
        if not self.shape[0]:
            return
        per_pixel = self.width() / max(self.box.viewRect().width(), 1e-9)  # screen pixels per image pixel
        known = math.isfinite(self.pixel_scale) and self.pixel_scale > 0
        unit = self.pixel_scale if known else 1.0
        length = _nice_length(0.3 * self.width() / per_pixel * unit)
        text = f"{length:g}″" if known else f"{length:g} px"
        across = length / unit * per_pixel
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, bottom = 12.0, self.height() - 14.0
        for colour, width in (("#000000", 4.0), ("#ffffff", 2.0)):
            painter.setPen(QPen(QColor(colour), width, c=Qt.PenCapStyle.FlatCap))
            painter.drawLine(QPointF(left, bottom), QPointF(left + across, bottom))
        font = QFont(painter.font())
        font.setBold(True)
        painter.setFont(font)
        for colour, shift in (("#000000", 1), ("#ffffff", 0)):
            painter.setPen(QColor(colour))
            painter.drawText(QPointF(left + shift, bottom - 6 + shift), text)
        if self.compass is not None:
            self._paint_compass(painter, self.compass)
        painter.end()

    def _paint_compass(self, painter: QPainter, compass: tuple[tuple[float, float], tuple[float, float]]) -> None:
        """Draw arrows towards north and east in the upper right corner."""
        origin = QPointF(self.width() - _COMPASS - 18.0, _COMPASS + 18.0)
        for (x, y), letter in zip(compass, "NE", strict=True):
            along, across = QPointF(x, -y), QPointF(y, x)  # the picture's y points up, the screen's down
            tip = origin + along * _COMPASS
            barbs = [tip - along * 6 + across * side for side in (4, -4)]
            for colour, width in (("#000000", 3.5), ("#ffffff", 1.6)):
                painter.setPen(QPen(QColor(colour), width))
                for end in (origin, *barbs):
                    painter.drawLine(tip, end)
            middle = tip + along * 9
            for colour, shift in (("#000000", 1), ("#ffffff", 0)):
                painter.setPen(QColor(colour))
                place = QRectF(middle.x() - 10 + shift, middle.y() - 10 + shift, 20, 20)
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, letter)


class ImageView(QWidget):
    """An image with overlay, outlines and marks.

    Signals: ``hovered(x, y)`` in pixels while the cursor is over the image, ``left()`` when it is not.
    """

    hovered = Signal(float, float)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._canvas = _Canvas()
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._canvas)
        self.setMinimumSize(_SMALLEST, _SMALLEST)
        self._actions: Sequence[QAction] = ()
        offer_menu(self._canvas, self._fill_menu)
        self._canvas.hovered.connect(self.hovered)
        self._canvas.left.connect(self.left)

    def sizeHint(self) -> QSize:
        """Small: it takes the space that others leave."""
        return QSize(_PREFERRED, _PREFERRED)

    def offer_actions(self, actions: Sequence[QAction]) -> None:
        """Offer these, too, at a right click."""
        self._actions = actions

    def _fill_menu(self, menu: QMenu, _place: QPoint) -> None:
        if not self._canvas.shape[0]:
            return
        menu.addAction(icon("mdi6.restore"), "Show everything").triggered.connect(lambda _on=False: self._canvas.fit())
        add_picture(menu, self._canvas)
        menu.addActions(self._actions)

    def set_image(self, picture: NDArray[np.uint8] | None, pixel_scale: float = math.nan) -> None:
        """Show a picture uint8 (H, W, 3) of that scale in arcsec/pixel (NaN: unknown); None: nothing."""
        canvas = self._canvas
        canvas.pixel_scale = pixel_scale
        shape = (0, 0) if picture is None else picture.shape[:2]
        canvas.image.setVisible(picture is not None)
        if picture is not None:
            canvas.image.setImage(picture, levels=(0, 255), autoLevels=False, rect=_image_rect(*shape))
        if shape != canvas.shape:
            canvas.shape = shape
            canvas.fit()
        canvas.viewport().update()

    def set_overlay(
        self,
        field: NDArray[np.float32] | None,
        low: float = -1.0,
        high: float = 1.0,
        opacity: float = 0.6,
        colour_map: str = "blue-red",
    ) -> None:
        """Lay a map (H, W) over the image, with colours from ``low`` to ``high``; None removes it."""
        self._canvas.overlay.setVisible(field is not None)
        if field is None:
            return
        field = np.nan_to_num(field)
        place = np.clip((field - low) / (high - low), 0, 1) * 255
        coloured = np.empty((*field.shape, 4), np.uint8)
        coloured[..., :3] = colour_table(colour_map)[place.round().astype(np.uint8)]
        strength = np.clip(_LEAST_OPACITY + np.abs(field) / max(abs(low), abs(high)), 0, 1)
        coloured[..., 3] = 255 * opacity * strength  # transparent where there is no evidence
        self._canvas.overlay.setImage(coloured, levels=(0, 255), autoLevels=False, rect=_image_rect(*field.shape))

    def set_outlines(self, galaxy: Sequence[NDArray[np.float64]], neighbours: Sequence[NDArray[np.float64]]) -> None:
        """Draw closed lines (n, 2) of x and y in pixels: white about the galaxy, yellow and dashed about others."""
        for place, lines in enumerate((galaxy, neighbours)):
            path = QPainterPath()
            for line in lines:
                path.addPolygon(QPolygonF([QPointF(x, y) for x, y in line]))
            for item in self._canvas.outlines[2 * place : 2 * place + 2]:
                item.setPath(path)

    @property
    def outlined(self) -> tuple[QPainterPath, QPainterPath]:
        """The drawn outlines of the galaxy and of its neighbours."""
        return self._canvas.outlines[0].path(), self._canvas.outlines[2].path()

    def set_compass(self, compass: tuple[tuple[float, float], tuple[float, float]] | None) -> None:
        """Draw arrows along these unit vectors towards north and east; None removes them."""
        self._canvas.compass = compass
        self._canvas.viewport().update()

    def set_circle(self, diameter: float | None) -> None:
        """Draw a circle of this diameter in pixels about the centre; None removes it."""
        circle = self._canvas.circle
        circle.setVisible(diameter is not None)
        if diameter is not None:
            height, width = self._canvas.shape
            circle.setRect((width - diameter) / 2 - 0.5, (height - diameter) / 2 - 0.5, diameter, diameter)

    def set_square(self, place: tuple[int, int] | None, side: int = 0) -> None:
        """Draw a square of ``side`` pixels whose first pixel is ``place`` (row, column); None removes it."""
        square = self._canvas.square
        square.setVisible(place is not None)
        if place is not None:
            square.setRect(place[1] - 0.5, place[0] - 0.5, side, side)

    @property
    def square(self) -> QRectF | None:
        """The drawn square, in pixels; None: none."""
        square = self._canvas.square
        return square.rect() if square.isVisible() else None

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._canvas.setBackground(colours().image)
        super().changeEvent(event)

    def resizeEvent(self, event: Any) -> None:
        """Keep the whole image in view."""
        super().resizeEvent(event)
        self._canvas.fit()


def _image_rect(height: int, width: int) -> QRectF:
    return QRectF(-0.5, -0.5, width, height)


def _nice_length(length: float) -> float:
    """The largest of …, 0.5, 1, 2, 5, 10, … that is not longer."""
    if not length > 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(length))
    return decade * max(step for step in _NICE if step * decade <= length * (1 + 1e-9))

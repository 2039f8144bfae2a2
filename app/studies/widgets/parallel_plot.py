"""Parallel coordinates: an axis for each searched setting, and a line for each trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import colours, is_dark
from app.widgets.plain_text import as_written
from core.data.stretch import colour_table
from core.wording import count_of

_SIDE, _RIGHT = 34.0, 56.0  # pixels left of the first axis and right of the last, for their labels
_ABOVE, _BELOW = 30.0, 12.0
_MANY, _HAIR = 80, 1.0  # more lines than this are drawn one pixel wide, fifteen times as fast
_CLICK_RADIUS = 7.0  # pixels: the farthest line that a click still picks
_FAINT = 0.35
_COLOURS = "viridis"
_LIGHT, _DARK = (0, 215), (70, 255)  # entries of the colour map that stand out from the background


@dataclass(frozen=True)
class Axis:
    """An axis: its title, its tooltip, and the tick labels along it, at heights 0 (bottom) to 1."""

    title: str
    tip: str
    marks: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Line:
    """A trial.

    Attributes
    ----------
    name
        The trial's name, emitted when its line is picked.
    places
        Height at which it crosses each axis, 0 (bottom) to 1; the line ends before the first NaN.
    shade
        Its score, scaled 0 to 1; None: drawn faintly, since the trial was pruned.
    tip
        Its tooltip, as HTML in which all names are escaped.
    dashed, wide
        Line style.
    """

    name: str
    places: Sequence[float]
    shade: float | None
    tip: str
    dashed: bool = False
    wide: bool = False


@dataclass
class _Rendering:
    """The cached drawing, renewed only when something changes."""

    picture: QPixmap | None = None
    paths: list[NDArray[np.float64]] = field(default_factory=list[NDArray[np.float64]])


class ParallelPlot(QWidget):
    """Trials as lines, the best on top; the last axis has the colours of the score.

    Notes
    -----
    Signals: ``picked(name)`` when a line is clicked.
    """

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes: Sequence[Axis] = ()
        self._lines: list[Line] = []
        self._rendering = _Rendering()
        self._marked = self._hovered = ""
        self._invitation = ""
        self.setMouseTracking(True)
        self.setMinimumSize(320, 170)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Wider than high."""
        return QSize(640, 300)

    @property
    def lines(self) -> list[Line]:
        """The lines in the order of drawing."""
        return list(self._lines)

    @property
    def axes(self) -> list[str]:
        """The titles of the axes."""
        return [axis.title for axis in self._axes]

    @property
    def marked(self) -> str:
        """The highlighted line."""
        return self._marked

    def set_lines(self, axes: Sequence[Axis], lines: Sequence[Line], invitation: str = "") -> None:
        """Show trials; without any, the axes with an invitation between them."""
        self._axes, self._invitation = axes, invitation
        self._lines = sorted(lines, key=lambda line: (line.wide, line.shade is not None, line.shade or 0.0))
        self._hovered = ""
        colour_table(_COLOURS)  # the first time it imports matplotlib, which must not keep the frame of a painter alive
        self.setAccessibleDescription(f"{count_of(len(lines), 'trial')} over {', '.join(self.axes)}")
        self._redraw()

    def mark(self, name: str) -> None:
        """Highlight one line; an empty name: none."""
        self._marked = name
        self.update()

    def place(self, name: str, axis: int) -> QPointF:
        """Where a line crosses an axis, in pixels."""
        line = next(line for line in self._lines if line.name == name)
        return QPointF(*self._path(line)[axis])

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _redraw(self) -> None:
        self._rendering = _Rendering()
        self.update()

    def _x(self, axis: int) -> float:
        room = self.width() - _SIDE - _RIGHT
        return _SIDE + room * (axis / (len(self._axes) - 1) if len(self._axes) > 1 else 0.5)

    def _y(self, place: float) -> float:
        return _ABOVE + (1 - place) * (self.height() - _ABOVE - _BELOW)

    def _path(self, line: Line) -> NDArray[np.float64]:
        """The corners of a line, (k, 2) pixels."""
        known = list(line.places[: len(self._axes)])
        end = next((number for number, place in enumerate(known) if not math.isfinite(place)), len(known))
        return np.array([(self._x(axis), self._y(place)) for axis, place in enumerate(known[:end])]).reshape(-1, 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw all lines from the cache, and the highlighted ones on top."""
        del event
        painter = QPainter(self)
        if not self._axes:
            self._draw_invitation(painter)
            return
        if self._rendering.picture is None:
            self._rendering = self._draw()
        assert self._rendering.picture is not None
        painter.drawPixmap(0, 0, self._rendering.picture)
        if not self._lines:
            self._draw_invitation(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line, path in zip(self._lines, self._rendering.paths, strict=True):
            if line.name in (self._marked, self._hovered):
                self._stroke(painter, line, path, QColor(colours().surface), 6.0)
                self._stroke(painter, line, path, QColor(colours().text), 2.4)

    def _draw(self) -> _Rendering:
        picture = QPixmap(self.size() * self.devicePixelRatioF())
        picture.setDevicePixelRatio(self.devicePixelRatioF())
        picture.fill(QColor(colours().surface))
        paths = [self._path(line) for line in self._lines]
        painter = QPainter(picture)
        painter.setFont(self.font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line, path in zip(self._lines, paths, strict=True):
            usual = _HAIR if len(self._lines) > _MANY else 1.5
            self._stroke(painter, line, path, _score_colour(line.shade), 3.4 if line.wide else usual)
        for place, axis in enumerate(self._axes):
            self._draw_axis(painter, place, axis)
        painter.end()
        return _Rendering(picture, paths)

    def _stroke(self, painter: QPainter, line: Line, path: NDArray[np.float64], colour: QColor, width: float) -> None:
        pen = QPen(colour, width)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        pen.setCosmetic(width == _HAIR)
        if line.dashed:
            pen.setDashPattern([4.0, 2.0])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        corners = [QPointF(x, y) for x, y in path]
        painter.drawPolyline(QPolygonF(corners))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for corner in corners:
            painter.drawEllipse(corner, width + 0.6, width + 0.6)

    def _draw_axis(self, painter: QPainter, place: int, axis: Axis) -> None:
        chosen, x, metrics = colours(), self._x(place), painter.fontMetrics()
        is_score = place == len(self._axes) - 1
        top, bottom = self._y(1.0), self._y(0.0)
        if is_score:
            for number in range(int(bottom - top)):
                painter.fillRect(QRectF(x - 3, bottom - number - 1, 6, 1.5), _score_colour(number / (bottom - top)))
        else:
            painter.setPen(QPen(QColor(chosen.edge), 1.2))
            painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        plate = QColor(chosen.surface)
        plate.setAlphaF(0.78)
        for height, text in axis.marks:
            width, y = metrics.horizontalAdvance(text), self._y(height)
            box = QRectF(x + 6, y - metrics.height() / 2, width + 4, metrics.height())
            painter.fillRect(box, plate)
            painter.setPen(QColor(chosen.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(QColor(chosen.text))
        painter.drawText(
            self._title_rect(place),
            self._title_alignment(place) | Qt.AlignmentFlag.AlignTop,
            self._elided_title(axis, place),
        )

    def _title_rect(self, place: int) -> QRectF:
        """The rectangle of the title of an axis."""
        step = self._x(1) - self._x(0) if len(self._axes) > 1 else self.width()
        if place == 0:
            return QRectF(2, 4, _SIDE + step / 2 - 8, _ABOVE)
        if place == len(self._axes) - 1:
            return QRectF(self._x(place) - step / 2 + 6, 4, step / 2 + _RIGHT - 8, _ABOVE)
        return QRectF(self._x(place) - step / 2 + 4, 4, step - 8, _ABOVE)

    def _title_alignment(self, place: int) -> Qt.AlignmentFlag:
        if place == 0:
            return Qt.AlignmentFlag.AlignLeft
        return Qt.AlignmentFlag.AlignRight if place == len(self._axes) - 1 else Qt.AlignmentFlag.AlignHCenter

    def _elided_title(self, axis: Axis, place: int) -> str:
        return self.fontMetrics().elidedText(
            axis.title, Qt.TextElideMode.ElideRight, int(self._title_rect(place).width())
        )

    def _draw_invitation(self, painter: QPainter) -> None:
        width = painter.fontMetrics().horizontalAdvance(self._invitation) + 24
        box = QRectF((self.width() - width) / 2, self.height() / 2 - 18, width, 36)
        painter.fillRect(box, QColor(colours().surface))
        painter.setPen(QColor(colours().muted))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._invitation)

    # -- pointing --------------------------------------------------------------------------------------------------

    def _nearest(self, point: QPointF) -> str:
        """The line under the pointer; empty: none."""
        best, least = "", _CLICK_RADIUS
        for line, path in zip(self._lines, self._rendering.paths, strict=False):
            distance = _distance(path, point.x(), point.y())
            if distance <= least:  # of equally near lines the one on top
                best, least = line.name, distance
        return best

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Highlight the line under the pointer, and show its values in a tooltip."""
        found = self._nearest(event.position())
        if found != self._hovered:
            self._hovered = found
            self.update()
        heads = [
            axis.tip for place, axis in enumerate(self._axes) if self._title_rect(place).contains(event.position())
        ]
        head = as_written(heads[0]) if heads else ""
        tip = next((line.tip for line in self._lines if line.name == found), head)
        QToolTip.showText(event.globalPosition().toPoint(), tip, self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the line under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton and (found := self._nearest(event.position())):
            self.picked.emit(found)

    def leaveEvent(self, event: QEvent) -> None:
        """Remove the highlight."""
        self._hovered = ""
        self.update()
        super().leaveEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Redraw at the new size."""
        self._redraw()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._redraw()
        super().changeEvent(event)


def _score_colour(shade: float | None) -> QColor:
    """The colour of a score; grey and faint without one."""
    if shade is None:
        line, ground = QColor(colours().muted), QColor(colours().surface)
        parts = ((line.red(), ground.red()), (line.green(), ground.green()), (line.blue(), ground.blue()))
        return QColor(*(round(_FAINT * a + (1 - _FAINT) * b) for a, b in parts))  # opaque: others are slow to draw
    low, high = _DARK if is_dark() else _LIGHT
    return QColor(*(int(part) for part in colour_table(_COLOURS)[round(low + (high - low) * min(max(shade, 0), 1))]))


def _distance(path: NDArray[np.float64], x: float, y: float) -> float:
    """Distance of a point from a polyline with corners (k, 2)."""
    if len(path) < 2:
        return math.inf
    start, along = path[:-1], np.diff(path, axis=0)
    offset = np.array((x, y)) - start
    share = np.clip((offset * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-9), 0, 1)
    return float(np.linalg.norm(offset - share[:, None] * along, axis=1).min())

"""Tooltips that widgets show themselves name classes, galaxies and values as they are written."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent, QMouseEvent, QTextDocument
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot
from waiting import paint

from app.data.widgets.thumbnails import ThumbnailGrid
from app.explain.widgets.point_map import PointMap
from app.studies import search_axes
from app.studies.widgets.parallel_plot import Axis, Line, ParallelPlot
from app.widgets.confusion import ConfusionMatrix
from app.widgets.mosaic import Mosaic
from core.studies.trials import Trial

NAME = "<img src=x> a<5 & b>7"


def show(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.addWidget(widget)
    widget.resize(400, 300)
    widget.show()
    qtbot.waitExposed(widget)
    widget.grab()


def move_to(widget: QWidget, place: QPoint) -> None:
    nothing = Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, widget.mapToGlobal(place), nothing, nothing, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)


def rest_at(widget: QWidget, place: QPoint) -> None:
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, place, widget.mapToGlobal(place)))


def assert_shown(expected: str) -> None:
    """Compare what a reader sees of the tooltip; a picture in it would be the letter U+FFFC."""
    tip = QToolTip.text()
    document = QTextDocument()
    (document.setHtml if GuiQt.mightBeRichText(tip) else document.setPlainText)(tip)
    assert document.toPlainText() == expected


def test_a_cell_of_the_confusion_matrix_names_its_classes_as_they_are_written(qtbot: QtBot) -> None:
    matrix = ConfusionMatrix()
    matrix.set_counts((NAME, "round"), np.array([[8, 2], [1, 9]]))
    show(qtbot, matrix)
    move_to(matrix, matrix.cell_rect(0, 1).center().toPoint())
    assert_shown(f"2 of 10 {NAME} are predicted as round (20 %). Click to see them.")
    move_to(matrix, matrix.cell_rect(1, 0).center().toPoint())
    assert_shown(f"1 of 10 round are predicted as {NAME} (10 %). Click to see them.")


def test_a_thumbnail_names_its_galaxy_as_it_is_written(qtbot: QtBot) -> None:
    grid = ThumbnailGrid(side=32)
    grid.set_source(2, lambda rows: np.zeros((len(rows), 8, 8, 3), np.uint8))
    grid.set_tips(lambda row: f"galaxy {row}: {NAME}")
    show(qtbot, grid)
    rest_at(grid.viewport(), grid.cell_rect(1).center())
    assert_shown(f"galaxy 1: {NAME}")
    grid.pictures.close()


def test_a_point_of_a_map_names_its_galaxy_as_it_is_written(qtbot: QtBot) -> None:
    points = PointMap()
    points.set_points(np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 8.0]]), None, lambda place: f"point {place}: {NAME}")
    show(qtbot, points)
    paint(points)
    at = points.position(2).toPoint()
    target = points.childAt(at)
    assert target is not None
    move_to(target, target.mapFrom(points, at))
    assert_shown(f"point 2: {NAME}")


def test_a_picture_of_a_mosaic_names_what_it_shows_as_it_is_written(qtbot: QtBot) -> None:
    mosaic = Mosaic(2)
    mosaic.set_pictures([np.zeros((6, 6, 3), np.uint8)] * 2, ["one", f"filter 2: {NAME}"])
    show(qtbot, mosaic)
    rest_at(mosaic, mosaic.place_rect(1).center())
    assert_shown(f"filter 2: {NAME}")


def test_a_line_of_a_search_gives_its_values_as_they_are_written(qtbot: QtBot) -> None:
    trial = Trial("coarse", 0, "finished", {"network.preset": NAME}, 0.9, (0.9,), 1, "", "", "")
    plot = ParallelPlot()
    plot.set_lines(
        [Axis("Depth", f"axis {NAME}", []), Axis("Score", "", [])],
        [Line("a", (0.0, 0.0), 0.5, search_axes._tip(trial))],
    )
    show(qtbot, plot)
    move_to(plot, plot.place("a", 1).toPoint())
    assert_shown(f"coarse 0: finished, 0.9000\nnetwork.preset = {NAME}")
    move_to(plot, plot._title_rect(0).center().toPoint())
    assert_shown(f"axis {NAME}")

"""The large image: the right way up, measured in pixels and arcsec, with its overlay."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF

from app.widgets.image_view import ImageView, _nice_length


@pytest.fixture
def view(qtbot):
    view = ImageView()
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show()
    qtbot.waitExposed(view)
    return view


def picture(height=32, width=32):
    """Dark, with a red pixel in the lower left corner."""
    image = np.full((height, width, 3), 20, dtype=np.uint8)
    image[0, 0] = (255, 0, 0)
    return image


def on_screen(view, x, y):
    """Where a pixel of the image is on the canvas."""
    canvas = view._canvas
    return canvas.mapFromScene(canvas.box.mapViewToScene(QPointF(x, y)))


def colour_at(view, x, y):
    view._canvas.viewport().repaint()
    return view._canvas.grab().toImage().pixelColor(on_screen(view, x, y))


def test_row_0_is_at_the_bottom_and_column_0_at_the_left(qtbot, view):
    view.set_image(picture())
    place = on_screen(view, 0, 0)
    assert place.x() < 30
    assert place.y() > 270
    assert on_screen(view, 0, 31).y() < 30
    assert on_screen(view, 31, 0).x() > 270


def test_the_pixel_under_the_cursor_is_told_and_outside_nothing(qtbot, view):
    view.set_image(picture())
    told, left = [], []
    view.hovered.connect(lambda x, y: told.append((x, y)))
    view.left.connect(lambda: left.append(True))
    qtbot.mouseMove(view._canvas.viewport(), on_screen(view, 10, 20))
    qtbot.waitUntil(lambda: bool(told), timeout=1000)
    assert told[-1] == pytest.approx((10, 20), abs=0.2)
    view.set_image(picture(8, 32))  # leaves room above and below
    qtbot.mouseMove(view._canvas.viewport(), QPoint(150, 3))
    qtbot.waitUntil(lambda: bool(left), timeout=1000)


def test_pixels_are_square_whatever_the_shape_of_the_window(view):
    view.set_image(picture())
    view.resize(500, 220)
    across = on_screen(view, 10, 0).x() - on_screen(view, 0, 0).x()
    up = on_screen(view, 0, 0).y() - on_screen(view, 0, 10).y()
    assert across == pytest.approx(up, abs=2)


def test_an_overlay_is_red_where_evidence_is_for_and_blue_where_it_is_against(view):
    view.set_image(picture())
    field = np.zeros((32, 32), dtype=np.float32)
    field[22:28, 4:10] = 1.0
    field[4:10, 22:28] = -1.0
    view.set_overlay(field, -1.0, 1.0, 1.0)
    for_it, against, nothing = colour_at(view, 6.5, 24.5), colour_at(view, 24.5, 6.5), colour_at(view, 16, 16)
    assert for_it.red() > 2 * for_it.blue()
    assert against.blue() > 2 * against.red()
    assert abs(nothing.red() - nothing.blue()) < 10
    view.set_overlay(None)
    assert colour_at(view, 6.5, 24.5).red() < 40


def test_a_map_without_sign_has_the_colours_of_strength(view):
    view.set_image(picture())
    field = np.zeros((32, 32), dtype=np.float32)
    field[22:28, 4:10] = 2.0
    view.set_overlay(field, 0.0, 2.0, 1.0, "inferno")
    strong, nothing = colour_at(view, 6.5, 24.5), colour_at(view, 16, 16)
    assert strong.red() > 200
    assert strong.green() > 200
    assert nothing.red() < 40


def test_outlines_are_white_about_the_galaxy_and_yellow_about_others(view):
    view.set_image(picture())
    square = np.array([[4, 4], [12, 4], [12, 12], [4, 12], [4, 4]], np.float64)
    view.set_outlines([square], [square + 14])
    white = [colour_at(view, 8, y) for y in np.linspace(11.5, 12.5, 40)]
    yellow = [colour_at(view, x, 26 + (x - 22) / 6) for x in np.linspace(19, 25, 80)]
    assert max(colour.blue() for colour in white) > 190
    brightest = max(yellow, key=lambda colour: colour.red())
    assert brightest.red() > 200
    assert brightest.blue() < 160
    view.set_outlines([], [])
    assert max(colour_at(view, 8, y).red() for y in np.linspace(11.5, 12.5, 40)) < 60


def test_the_circle_has_the_size_of_what_is_seen_about_the_centre(view):
    view.set_image(picture())
    view.set_circle(10)
    rect = view._canvas.circle.rect()
    assert rect.width() == rect.height() == 10
    assert (rect.center().x(), rect.center().y()) == (15.5, 15.5)
    view.set_circle(None)
    assert not view._canvas.circle.isVisible()


def test_the_square_surrounds_its_pixels(view):
    view.set_image(picture())
    view.set_square((10, 4), 8)
    assert (view.square.left(), view.square.right()) == (3.5, 11.5)
    assert (view.square.top(), view.square.bottom()) == (9.5, 17.5)
    edge = [colour_at(view, 8, y) for y in np.linspace(17, 18, 40)]
    assert max(colour.red() for colour in edge) > 180
    view.set_square(None)
    assert view.square is None


def test_a_double_click_shows_the_whole_image_again(qtbot, view):
    from PySide6.QtCore import Qt

    view.set_image(picture())
    whole = view._canvas.box.viewRect()
    view._canvas.box.scaleBy((0.2, 0.2))
    assert view._canvas.box.viewRect().width() < whole.width() / 2
    qtbot.mouseDClick(view._canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    assert view._canvas.box.viewRect().width() == pytest.approx(whole.width(), rel=0.01)


def test_no_image_is_no_error(view):
    view.set_image(picture(), 0.4)
    view.set_image(None)
    view.set_overlay(None)
    view.set_circle(None)
    view.grab()


@given(st.floats(1e-6, 1e6))
def test_a_scale_bar_has_a_round_length_that_fits(length):
    nice = _nice_length(length)
    assert length / 2.5 - 1e-12 <= nice <= length * (1 + 1e-9)
    mantissa = nice / 10 ** math.floor(math.log10(nice) + 1e-9)
    assert min(abs(mantissa - step) for step in (1, 2, 5)) < 1e-6

"""The virtual grid: right pictures at right places, chosen by mouse and keyboard, gone without a trace."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRect, Qt, QThread
from waiting import wait_for_a_standstill, wait_for_all_work

from app.data.widgets.thumbnail_layout import Layout
from app.data.widgets.thumbnail_loader import PictureCache, to_images
from app.data.widgets.thumbnails import ThumbnailGrid

COUNT = 500


class Pictures:
    """Pictures whose colour tells their row; remembers who asked."""

    def __init__(self):
        self.asked, self.threads, self.closed_on = [], set(), None

    def __call__(self, rows):
        self.asked += rows.tolist()
        self.threads.add(threading.get_ident())
        pictures = np.zeros((len(rows), 8, 8, 3), dtype=np.uint8)
        pictures[..., 0] = (rows % 250)[:, None, None]
        pictures[..., 1] = (rows // 250 * 10)[:, None, None]
        return pictures

    def close(self):
        self.closed_on = threading.get_ident()


@pytest.fixture
def pictures():
    return Pictures()


@pytest.fixture
def grid(qtbot, pictures):
    grid = ThumbnailGrid(side=32)
    qtbot.addWidget(grid)
    grid.resize(300, 220)
    grid.set_source(COUNT, pictures)
    grid.show()
    yield grid
    grid.pictures.close()


def settle(qtbot, grid, pictures):
    """Wait until everything in view is drawn."""
    layout, top = grid.layout_now, grid.verticalScrollBar().value()
    rows = [int(grid.rows[place]) for place in layout.visible(top)]
    qtbot.waitUntil(lambda: all(grid.pictures.has(row) for row in rows), timeout=60_000)
    return rows


def drawn_row(grid, place):
    """The row whose picture is drawn at a place."""
    rect = grid.cell_rect(place)
    colour = grid.viewport().grab().toImage().pixelColor(rect.center().x(), rect.top() + 20)
    return colour.red() + colour.green() // 10 * 250


def test_each_place_shows_the_picture_of_its_row(qtbot, grid, pictures):
    order = np.arange(COUNT)[::-1].copy()
    grid.set_rows(order)
    settle(qtbot, grid, pictures)
    assert [drawn_row(grid, place) for place in (0, 1, 7)] == [499, 498, 492]
    grid.set_rows(np.array([3, 250, 17]))
    settle(qtbot, grid, pictures)
    assert [drawn_row(grid, place) for place in range(3)] == [3, 250, 17]


def test_pictures_that_come_when_a_strip_is_redrawn_are_drawn_everywhere(qtbot, grid, pictures):
    """What floats over the grid has a strip of it redrawn, at any time."""
    grid.set_source(6, pictures)
    settle(qtbot, grid, pictures)
    wait_for_a_standstill(qtbot, lambda: len(pictures.asked))
    grid.pictures.renew()
    grid.pictures.ask(range(6), 32)
    while not all(grid.pictures.has(row) for row in range(6)):  # the event that tells of their arrival comes later
        grid.viewport().repaint(QRect(0, 0, 8, 8))
    drawn = []
    paint = grid.paintEvent
    grid.paintEvent = lambda event: (drawn.append(event.rect()), paint(event))
    qtbot.waitUntil(lambda: grid.viewport().rect() in drawn, timeout=5_000)


def test_only_what_is_near_is_fetched_and_on_one_other_thread(qtbot, grid, pictures):
    visible = settle(qtbot, grid, pictures)
    wait_for_a_standstill(qtbot, lambda: len(pictures.asked))
    assert set(visible) <= set(pictures.asked)
    assert len(pictures.asked) < 4 * len(visible)
    assert len(pictures.asked) == len(set(pictures.asked)), "nothing is fetched twice"
    assert len(pictures.threads) == 1
    assert threading.get_ident() not in pictures.threads


def test_the_files_are_closed_on_the_thread_that_opened_them(qtbot, qapp, grid, pictures):
    settle(qtbot, grid, pictures)
    grid.pictures.close()
    assert {pictures.closed_on} == pictures.threads
    names = [thread.objectName() for thread in qapp.findChildren(QThread) if thread.isRunning()]
    assert "thumbnails" not in names


def test_a_grid_that_goes_away_takes_its_thread_along(qtbot, qapp, pictures):
    grid = ThumbnailGrid(side=32)
    grid.set_source(COUNT, pictures)
    grid.show()
    settle(qtbot, grid, pictures)
    grid.deleteLater()
    qtbot.waitUntil(lambda: pictures.closed_on is not None, timeout=60_000)


def test_row_0_of_a_picture_is_drawn_at_the_bottom():
    picture = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    picture[0, 0, :, 0] = 200
    image = to_images(picture, 4)[0]
    assert image.pixelColor(0, 3).red() == 200
    assert image.pixelColor(0, 0).red() == 0


def test_a_picture_outlives_the_array_it_came_from():
    picture = np.full((1, 4, 4, 3), 77, dtype=np.uint8)
    image = to_images(picture, 4)[0]
    picture[:] = 0
    assert image.pixelColor(2, 2).green() == 77


def test_new_pictures_replace_the_old_ones_after_a_refresh(qtbot, grid, pictures):
    grid.set_current(300)
    settle(qtbot, grid, pictures)
    top = grid.verticalScrollBar().value()
    pictures.asked.clear()
    grid.refresh()
    visible = settle(qtbot, grid, pictures)
    assert set(visible) <= set(pictures.asked)
    assert grid.current == 300
    assert grid.verticalScrollBar().value() == top > 0


def test_a_file_that_breaks_off_is_told_and_the_grid_stays(qtbot):
    def broken(rows):
        raise OSError("cut off")

    grid = ThumbnailGrid(side=32)
    qtbot.addWidget(grid)
    grid.set_source(10, broken)
    with qtbot.waitSignal(grid.failed, timeout=60_000) as caught:
        grid.show()
    assert str(caught.args[0]) == "cut off"
    wait_for_all_work(qtbot)
    grid.grab()
    pictures = Pictures()
    grid.set_source(10, pictures)
    settle(qtbot, grid, pictures)
    grid.pictures.close()


def test_a_click_chooses_control_adds_and_shift_extends(qtbot, grid):
    def click(place, keys=Qt.KeyboardModifier.NoModifier):
        qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, keys, grid.cell_rect(place).center())

    with qtbot.waitSignals([grid.current_changed, grid.selection_changed]):
        click(3)
    assert grid.current == 3
    assert grid.selection.tolist() == [3]
    click(6, Qt.KeyboardModifier.ControlModifier)
    assert grid.selection.tolist() == [3, 6]
    click(6, Qt.KeyboardModifier.ControlModifier)
    assert grid.selection.tolist() == [3]
    click(2)
    click(5, Qt.KeyboardModifier.ShiftModifier)
    assert grid.selection.tolist() == [2, 3, 4, 5]
    assert grid.current == 5


def test_arrows_pages_and_ends_walk_in_the_shown_order(qtbot, grid):
    order = np.arange(COUNT)[::-1].copy()
    grid.set_rows(order)
    columns, lines = grid.layout_now.columns, grid.layout_now.whole_lines
    grid.set_current(499)
    steps = [
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 1 + columns),
        (Qt.Key.Key_PageDown, 1 + columns + lines * columns),
        (Qt.Key.Key_Left, columns + lines * columns),
        (Qt.Key.Key_End, COUNT - 1),
        (Qt.Key.Key_Home, 0),
        (Qt.Key.Key_Up, 0),
    ]
    for key, place in steps:
        qtbot.keyClick(grid, key)
        assert grid.current == order[place]
        assert grid.viewport().rect().contains(grid.cell_rect(place).center())
    qtbot.keyClick(grid, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(grid, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert sorted(grid.selection.tolist()) == [497, 498, 499]


def test_letters_and_digits_are_passed_on_and_return_opens(qtbot, grid):
    grid.set_current(4)
    with qtbot.waitSignal(grid.key_pressed) as pressed:
        qtbot.keyClick(grid, Qt.Key.Key_2)
    assert pressed.args == ["2"]
    with qtbot.waitSignal(grid.activated) as opened:
        qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert opened.args == [4]


def test_everything_shown_can_be_selected_and_nothing_hidden(qtbot, grid):
    grid.set_rows(np.array([5, 9, 100]))
    qtbot.keyClick(grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert grid.selection.tolist() == [5, 9, 100]
    with qtbot.waitSignal(grid.selection_changed):
        grid.set_rows(np.array([9, 10]))
    assert grid.selection.tolist() == [9]
    qtbot.keyClick(grid, Qt.Key.Key_Escape)
    assert grid.selection.tolist() == []


def test_setting_current_and_selection_says_nothing(qtbot, grid):
    with qtbot.assertNotEmitted(grid.current_changed), qtbot.assertNotEmitted(grid.selection_changed):
        grid.set_current(300)
        grid.set_selection(np.array([300, 301]))
    place = 300
    assert grid.viewport().rect().contains(grid.cell_rect(place).center()), "the current one is in view"


def test_class_colour_badge_and_label_are_drawn(qtbot, grid):
    plain = grid.viewport().grab().toImage()
    codes = np.full(COUNT, -1)
    codes[1] = 0
    grid.set_colours(codes, ["#ff0000"])
    grid.set_badges(lambda row: "T" if row == 2 else "")
    image = grid.viewport().grab().toImage()
    rect = grid.cell_rect(1)
    assert image.pixelColor(rect.center().x(), rect.top() + 6 + 32 + 2).name() == "#ff0000"
    changed = grid.cell_rect(2)
    assert image.copy(changed) != plain.copy(changed)
    before = grid.layout_now.line
    grid.set_labels([str(row) for row in range(COUNT)])
    assert grid.layout_now.line > before


def test_a_larger_side_shows_the_same_galaxies_larger(qtbot, grid, pictures):
    grid.verticalScrollBar().setValue(grid.layout_now.line * 10)
    first = grid._first_place()
    grid.set_side(64)
    settle(qtbot, grid, pictures)
    assert grid._first_place() <= first < grid._first_place() + grid.layout_now.columns
    assert drawn_row(grid, grid._first_place()) == grid._first_place()


def test_an_empty_grid_takes_every_key(qtbot):
    grid = ThumbnailGrid()
    qtbot.addWidget(grid)
    grid.show()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_End, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Escape):
        qtbot.keyClick(grid, key)
    assert grid.current == -1


def test_the_least_recently_drawn_picture_gives_way():
    image = to_images(np.zeros((1, 2, 2, 3), dtype=np.uint8), 2)[0]
    cache = PictureCache(2)
    for row in (1, 2):
        cache.put(row, 0, image)
    cache.get(1)
    cache.put(3, 0, image)
    assert [cache.has(row, 0) for row in (1, 2, 3)] == [True, False, True]
    assert not cache.has(3, 1)


layouts = st.builds(
    Layout, st.integers(1, 5000), st.integers(20, 300), st.integers(20, 300), st.integers(1, 3000), st.integers(1, 2000)
)


@given(layouts, st.integers(0, 100_000), st.data())
def test_the_place_under_a_cell_is_the_cell(layout, top, data):
    place = data.draw(st.integers(0, layout.places - 1))
    rect = layout.rect(place, top)
    assert layout.place_at(rect.center(), top) == place
    assert layout.place_at(rect.topLeft(), top) == place


@given(layouts, st.integers(0, 100_000))
def test_exactly_the_cells_that_meet_the_window_are_visible(layout, top):
    window = QRect(0, 0, layout.width, layout.height)
    met = {place for place in range(layout.places) if layout.rect(place, top).intersects(window)}
    assert set(layout.visible(top)) == met


@given(layouts, st.sampled_from([Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown]), st.data())
def test_walking_up_and_down_keeps_the_column_or_reaches_the_end(layout, key, data):
    here = data.draw(st.integers(0, layout.places - 1))
    target = layout.target(key, here)
    assert 0 <= target < layout.places
    assert target % layout.columns == here % layout.columns or target == layout.places - 1


def test_a_point_beside_the_cells_is_no_place():
    layout = Layout(5, 100, 100, 300, 300)
    assert layout.place_at(QPoint(250, 150), 0) == -1
    assert layout.place_at(QPoint(-5, 10), 0) == -1

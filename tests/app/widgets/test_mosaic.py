import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app import theme
from app.explain.widgets.filter_cards import FilterCards
from app.widgets.mosaic import Mosaic
from core.explain.mosaics import FilterMosaic as Drawn
from core.explain.top_activations import Place


def squares(count: int, side: int = 6) -> list[np.ndarray]:
    """Pictures in one shade each."""
    return [np.full((side, side, 3), 20 + 2 * place, np.uint8) for place in range(count)]


@pytest.mark.parametrize("size", [(300, 300), (640, 200), (150, 700)])
@pytest.mark.parametrize("count", [1, 7, 32, 100])
def test_no_other_number_of_columns_makes_the_pictures_larger(qtbot: QtBot, size: tuple[int, int], count: int) -> None:
    mosaic = Mosaic(None)
    qtbot.addWidget(mosaic)
    mosaic.resize(*size)
    mosaic.set_pictures(squares(count))
    places = [mosaic.place_rect(place) for place in range(count)]
    assert all(mosaic.rect().contains(place) for place in places)
    assert not any(first.intersects(second) for first, second in itertools.pairwise(places))
    across = [
        min((size[0] - 3 * (columns - 1)) // columns, (size[1] - 3 * (lines - 1)) // lines)
        for columns in range(1, count + 1)
        if (lines := -(-count // columns))
    ]
    assert places[0].width() == max(across)


def test_a_picture_stands_upright_with_its_first_row_at_the_bottom(qtbot: QtBot) -> None:
    mosaic = Mosaic(3)
    qtbot.addWidget(mosaic)
    mosaic.resize(300, 300)
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[0] = (250, 10, 10)
    mosaic.set_pictures([picture])
    mosaic.show()
    seen, place = mosaic.grab().toImage(), mosaic.place_rect(0)
    assert QColor(seen.pixel(place.center() + QPoint(0, 30))).red() > 200
    assert QColor(seen.pixel(place.center() - QPoint(0, 30))).red() < 50


def test_the_keyboard_goes_where_the_mouse_goes(qtbot: QtBot) -> None:
    mosaic = Mosaic(3, clickable=True)
    qtbot.addWidget(mosaic)
    mosaic.resize(300, 300)
    mosaic.set_pictures(squares(8))
    mosaic.show()
    chosen: list[int] = []
    mosaic.clicked.connect(chosen.append)
    qtbot.keyClick(mosaic, Qt.Key.Key_Return)  # nothing is under the cursor yet
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(mosaic, key)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Space):  # the ninth is not there
        qtbot.keyClick(mosaic, key)
    qtbot.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.place_rect(5).center())
    qtbot.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.place_rect(8).center())
    assert chosen == [4, 7, 5]


def test_a_mouse_that_leaves_a_picture_chooses_none(qtbot: QtBot) -> None:
    mosaic = Mosaic(3, clickable=True)
    qtbot.addWidget(mosaic)
    mosaic.resize(300, 300)
    mosaic.set_pictures(squares(9))
    mosaic.show()
    with qtbot.assertNotEmitted(mosaic.clicked):
        qtbot.mousePress(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.place_rect(4).center())
        qtbot.mouseRelease(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.place_rect(5).center())
        qtbot.mouseClick(mosaic, Qt.MouseButton.RightButton, pos=mosaic.place_rect(5).center())


def test_a_mosaic_to_look_at_is_not_clicked(qtbot: QtBot) -> None:
    mosaic = Mosaic(3)
    qtbot.addWidget(mosaic)
    mosaic.resize(300, 300)
    mosaic.set_pictures(squares(9))
    mosaic.show()
    with qtbot.assertNotEmitted(mosaic.clicked):
        qtbot.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.place_rect(4).center())


def test_only_what_is_marked_has_a_frame(qtbot: QtBot) -> None:
    mosaic = Mosaic(3)
    qtbot.addWidget(mosaic)
    mosaic.resize(300, 300)
    mosaic.set_pictures(squares(9))
    mosaic.set_marked([2])
    mosaic.show()
    seen, accent = mosaic.grab().toImage(), QColor(theme.colours().accent)

    def is_framed(place: QRect) -> bool:
        return any(QColor(seen.pixel(place.topLeft() + QPoint(dx, 20))).rgb() == accent.rgb() for dx in (0, 1))

    assert [is_framed(mosaic.place_rect(place)) for place in range(1, 9)] == [place == 2 for place in range(1, 9)]


def card(number: int, rows: tuple[int, ...]) -> Drawn:
    places = tuple(
        Place(row, f"G{row}", "spiral" if row % 2 else "", 9.0 - place, (0, 0), 0.0, 0.0)
        for place, row in enumerate(rows)
    )
    tiles = np.full((len(rows), 5, 5, 4), 255, np.uint8)
    return Drawn(number, places, tiles, tiles)


def test_a_card_leads_to_its_galaxies_and_frames_the_current_one(qtbot: QtBot) -> None:
    cards = FilterCards()
    qtbot.addWidget(cards)
    cards.resize(500, 500)
    cards.show_filters([card(4, (31, 7, 12)), card(0, (12,))])
    cards.show()
    visited: list[int] = []
    cards.galaxy_clicked.connect(visited.append)
    first, second = cards.cards
    for mosaic, place in ((first.regions, 1), (first.patterns, 2), (second.patterns, 0)):
        qtbot.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.place_rect(place).center())
    assert visited == [7, 12, 12]
    cards.set_current(12)
    assert [list(each.regions.marked) for each in cards.cards] == [[2], [0]]
    cards.set_current(5)
    assert not any(each.patterns.marked for each in cards.cards)
    cards.show_filters([card(1, ())])
    assert not first.isVisible()
    assert [mosaic.number for mosaic in cards.mosaics] == [1]
    assert cards.cards[0].regions.count == 0


def test_an_empty_card_says_why(qtbot: QtBot) -> None:
    cards = FilterCards()
    qtbot.addWidget(cards)
    cards.show_filters([card(1, ()), card(2, (3, 5, 4))])
    assert [each.summary.text() for each in cards.cards] == ["answers to none", "2 spiral"]

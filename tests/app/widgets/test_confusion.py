import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.widgets.confusion import ConfusionMatrix

COUNTS = np.array([[8, 2, 0], [1, 9, 0], [0, 3, 7]])


def matrix(qtbot: QtBot, names: tuple[str, ...] = ("spheroid", "disk", "edge-on")) -> ConfusionMatrix:
    widget = ConfusionMatrix()
    qtbot.addWidget(widget)
    widget.set_counts(names, COUNTS[: len(names), : len(names)])
    widget.resize(320, 320)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def test_a_click_on_a_cell_tells_its_label_and_its_prediction(qtbot: QtBot) -> None:
    widget = matrix(qtbot)
    with qtbot.waitSignal(widget.cell_clicked) as clicked:
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=widget.cell_rect(2, 1).center().toPoint())
    assert clicked.args == [2, 1]


def test_the_arrow_keys_walk_over_the_cells_and_stop_at_the_edge(qtbot: QtBot) -> None:
    widget = matrix(qtbot)
    seen: list[tuple[int, int]] = []
    widget.cell_clicked.connect(lambda row, column: seen.append((row, column)))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right):
        qtbot.keyClick(widget, key)
    assert seen == [(0, 1), (1, 1), (1, 2), (1, 2)]


def test_the_diagonal_and_the_mistakes_have_different_colours(qtbot: QtBot) -> None:
    widget = matrix(qtbot)
    picture = widget.grab().toImage()

    def colour(row: int, column: int) -> tuple[int, int]:
        place = widget.cell_rect(row, column).topLeft().toPoint()
        pixel = picture.pixelColor(place.x() + 8, place.y() + 8)
        return pixel.red(), pixel.blue()

    red, blue = colour(0, 0)
    assert blue > red  # right: blue
    red, blue = colour(2, 1)
    assert red > blue  # wrong: vermilion


def test_nothing_is_drawn_and_nothing_happens_without_classes(qtbot: QtBot) -> None:
    widget = ConfusionMatrix()
    qtbot.addWidget(widget)
    widget.show()
    with qtbot.assertNotEmitted(widget.cell_clicked, wait=50):
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)
        qtbot.keyClick(widget, Qt.Key.Key_Right)

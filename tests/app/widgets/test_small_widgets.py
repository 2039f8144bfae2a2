import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.evaluate.widgets.truth_plot import TruthPlot
from app.explain.widgets.score_bars import ScoreBars
from app.widgets.focus_guard import keep_from_focus
from app.widgets.fold import Fold
from app.widgets.mosaic import Mosaic
from app.widgets.numbers import Numbers
from core.data.encodings import Encoding


def test_a_fold_opens_and_closes_by_a_click(qtbot: QtBot) -> None:
    content = QLabel("inside")
    fold = Fold("More", content)
    qtbot.addWidget(fold)
    fold.show()
    assert not content.isVisible()
    qtbot.mouseClick(fold.button, Qt.MouseButton.LeftButton)
    assert content.isVisible()
    qtbot.mouseClick(fold.button, Qt.MouseButton.LeftButton)
    assert not content.isVisible()


def test_the_focus_comes_to_a_button_that_stops_only_by_the_user(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    start, stop, other = QPushButton("Start"), QPushButton("Stop"), QPushButton("Other")
    column = QVBoxLayout(page)
    for button in (stop, start, other):
        column.addWidget(button)
    keep_from_focus(stop)
    with qtbot.waitActive(page):
        page.show()
        page.activateWindow()
    assert not stop.hasFocus(), "although it is the first one"
    QWidget.setTabOrder(start, stop)
    start.clicked.connect(lambda: start.setEnabled(False))
    start.setFocus()
    qtbot.keyClick(start, Qt.Key.Key_Space)
    assert not start.isEnabled()
    assert not stop.hasFocus()
    start.setEnabled(True)
    start.setFocus()
    qtbot.keyClick(start, Qt.Key.Key_Tab)
    assert stop.hasFocus(), "the user went there"


def test_numbers_show_a_dash_until_there_is_one(qtbot: QtBot) -> None:
    numbers = Numbers(("Epoch", "Loss"))
    qtbot.addWidget(numbers)
    assert numbers["Loss"] == "–"
    numbers.show_number("Loss", "0.25", "Training loss")
    assert numbers["Loss"] == "0.25"
    numbers.clear()
    assert numbers["Loss"] == "–"


def test_bars_are_ranked_and_the_label_is_told_by_its_tick(qtbot: QtBot) -> None:
    bars = ScoreBars()
    qtbot.addWidget(bars)
    bars.set_shares(("disk", "edge-on", "spheroid"), (0.2, 0.7, 0.1), ("#0072B2", "#D55E00", "#009E73"), "disk")
    assert bars.texts == ["edge-on 0.70", "disk 0.20", "spheroid 0.10"]
    bars.resize(bars.sizeHint())
    bars.show()
    picture = bars.grab().toImage()
    left, right = picture.pixelColor(110, 11), picture.pixelColor(235 - 50, 33)
    assert left.red() > left.blue()  # the longest bar in its own colour
    assert right != left


def test_many_classes_show_only_the_most_probable(qtbot: QtBot) -> None:
    bars = ScoreBars()
    qtbot.addWidget(bars)
    names = [f"class {place}" for place in range(20)]
    bars.set_shares(names, list(np.linspace(0, 1, 20)), ["#0072B2"] * 20, "")
    assert len(bars.texts) == 8
    assert bars.texts[0].startswith("class 19")
    bars.show()
    bars.grab()


def test_quantities_are_shown_with_their_units_and_missing_ones_as_a_dash(qtbot: QtBot) -> None:
    bars = ScoreBars()
    qtbot.addWidget(bars)
    bars.set_quantities(("size", "ratio"), (1.25, math.nan), ("arcsec", ""))
    assert bars.texts == ["size 1.25 arcsec", "ratio –"]
    bars.show()
    bars.grab()
    bars.clear()
    assert bars.texts == []


def test_the_mosaic_draws_row_zero_at_the_bottom(qtbot: QtBot) -> None:
    mosaic = Mosaic()
    qtbot.addWidget(mosaic)
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:2] = 255  # bright at the bottom
    mosaic.set_pictures([picture] * 16)
    mosaic.resize(400, 400)
    mosaic.show()
    grabbed = mosaic.grab().toImage()
    assert mosaic.count == 16
    assert grabbed.pixelColor(50, 92).lightness() > 200
    assert grabbed.pixelColor(50, 5).lightness() < 50


@pytest.mark.parametrize("unit", ["", "arcsec"])
def test_points_without_a_true_value_are_left_out(qtbot: QtBot, unit: str) -> None:
    plot = TruthPlot()
    qtbot.addWidget(plot)
    plot.set_points(np.array([1.0, math.nan, 3.0]), np.array([1.1, 2.0, 2.9]), "size", unit)
    assert plot.count == 2


def test_predictions_of_an_angle_are_drawn_beside_the_true_ones(qtbot: QtBot) -> None:
    plot = TruthPlot()
    qtbot.addWidget(plot)
    plot.set_points(np.array([1.0, 178.0, 90.0]), np.array([179.0, 3.0, 50.0]), "pa", "deg", Encoding(period=180.0))
    assert plot.points[1].tolist() == [-1, 183, 50]

import math

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.studies.widgets.parallel_plot import Axis, Line, ParallelPlot

AXES = [Axis("Depth", "network.depth", [(0, "3"), (1, "6")]), Axis("Rate", "rate", []), Axis("Score", "", [])]


def shown(qtbot: QtBot, *lines: Line) -> ParallelPlot:
    plot = ParallelPlot()
    qtbot.addWidget(plot)
    plot.resize(600, 300)
    plot.show()
    plot.set_lines(AXES, lines)
    qtbot.waitExposed(plot)
    plot.grab()
    return plot


def colour(plot: ParallelPlot, name: str) -> tuple[int, int, int]:
    """What is painted where a line crosses the second axis."""
    place = plot.place(name, 1).toPoint()
    picture = plot.grab().toImage()
    pixel = picture.pixelColor(place * picture.devicePixelRatio())
    return pixel.red(), pixel.green(), pixel.blue()


def test_a_line_goes_from_value_to_value(qtbot: QtBot) -> None:
    plot = shown(qtbot, Line("a", (0.0, 1.0, 0.5), 0.5, ""))
    low, high, middle = (plot.place("a", axis) for axis in range(3))
    assert low.x() < high.x() < middle.x()
    assert high.y() < middle.y() < low.y()
    assert middle.y() == pytest.approx((low.y() + high.y()) / 2)


def test_a_click_on_a_line_picks_it_and_one_beside_picks_nothing(qtbot: QtBot) -> None:
    plot = shown(qtbot, Line("a", (0.0, 0.0, 0.0), 0.2, ""), Line("b", (1.0, 1.0, 1.0), 0.8, ""))
    picked: list[str] = []
    plot.picked.connect(picked.append)
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=plot.place("a", 1).toPoint())
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=plot.place("b", 0).toPoint())
    between = (plot.place("a", 1) + plot.place("b", 1)) / 2
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=between.toPoint())
    assert picked == ["a", "b"]


def test_good_bad_and_given_up_are_told_apart_and_the_best_lies_on_top(qtbot: QtBot) -> None:
    best = Line("best", (0.5, 0.9, 1.0), 1.0, "", wide=True)
    bad = Line("bad", (0.5, 0.5, 0.0), 0.0, "")
    lost = Line("lost", (0.5, 0.1, math.nan), None, "")
    plot = shown(qtbot, best, bad, lost)
    assert [line.name for line in plot.lines] == ["lost", "bad", "best"]
    seen = {name: colour(plot, name) for name in ("best", "bad", "lost")}
    assert len(set(seen.values())) == 3
    with pytest.raises(IndexError):
        plot.place("lost", 2)  # it never came to a score


def test_without_axes_and_lines_it_is_painted_too(qtbot: QtBot) -> None:
    plot = shown(qtbot)
    plot.set_lines([], [], "nothing yet")
    assert not plot.grab().isNull()
    plot.set_lines(AXES, [], "nothing yet")
    assert not plot.grab().isNull()

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.explain.widgets.colour_bar import ColourBar, format_value
from core.data.stretch import colour_table


@pytest.mark.parametrize(("low", "colour_map"), [(-2.0, "blue-red"), (0.0, "inferno")])
def test_the_bar_runs_through_the_colours_from_left_to_right(qtbot: QtBot, low: float, colour_map: str) -> None:
    bar = ColourBar()
    qtbot.addWidget(bar)
    bar.resize(256, bar.height())
    bar.set_scale(low, 2.0, colour_map)
    drawn = bar.grab().toImage()
    for x in (1, 64, 128, 192, 254):
        colour = drawn.pixelColor(x, 4)
        assert np.abs(np.subtract(colour.getRgb()[:3], colour_table(colour_map)[x].astype(int))).max() <= 6
    assert bar.limits == (low, 2.0)
    bar.clear()
    assert bar.grab().toImage().pixelColor(128, 4) != drawn.pixelColor(128, 4)


@pytest.mark.parametrize(("value", "place"), [(0.0, 128), (1.0, 192), (9.0, 253), (-9.0, 2)])
def test_a_value_is_marked_where_it_lies_and_one_beyond_the_end_at_the_end(
    qtbot: QtBot, value: float, place: int
) -> None:
    bar = ColourBar()
    qtbot.addWidget(bar)
    bar.resize(256, bar.height())
    bar.set_scale(-2.0, 2.0, "blue-red")
    plain = bar.grab().toImage()
    bar.set_mark(value)
    marked = bar.grab().toImage()
    changed = [x for x in range(256) if marked.pixelColor(x, 4) != plain.pixelColor(x, 4)]
    assert len(changed) == 5
    assert changed[2] == pytest.approx(place, abs=1)
    bar.set_mark(None)
    assert bar.grab().toImage() == plain


@pytest.mark.parametrize(("value", "text"), [(-0.0834, "−0.083"), (0.0, "0"), (12.0, "12"), (-1e-5, "−1e−05")])
def test_numbers_are_short_and_have_a_minus(value: float, text: str) -> None:
    assert format_value(value) == text

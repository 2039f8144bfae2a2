"""The stretch bar holds exactly the settings that it shows."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.widgets.stretch_bar import StretchBar
from core.data.stretch import StretchSettings


@pytest.fixture
def bar(qtbot):
    bar = StretchBar()
    qtbot.addWidget(bar)
    bar.show()
    return bar


@pytest.mark.parametrize(
    "settings",
    [
        StretchSettings(),
        StretchSettings(kind="linear", limits="manual", low=-0.25, high=1e-3, colour_map="magma", invert=True),
        StretchSettings(kind="log", limits="percentile", black=2, white=98),
        StretchSettings(kind="asinh", limits="zscale", softening=30),
    ],
)
def test_what_is_set_is_held_and_nothing_is_said(qtbot, bar, settings):
    with qtbot.assertNotEmitted(bar.changed):
        bar.set_value(settings)
    assert bar.value() == settings


def test_a_choice_is_told_and_shows_the_numbers_it_needs(qtbot, bar):
    bar.limits.setCurrentIndex(bar.limits.findData("manual"))
    with qtbot.waitSignal(bar.changed) as told:
        bar.limits.activated.emit(bar.limits.currentIndex())
    assert told.args[0].limits == "manual"
    assert bar.low.isVisible()
    assert not bar.white.isVisible()
    bar.set_value(StretchSettings(kind="linear"))
    assert bar.white.isVisible()
    assert not bar.low.isVisible()
    assert not bar.softening.isVisible()


def test_limits_can_be_typed_and_never_cross(qtbot, bar):
    bar.set_value(StretchSettings(limits="manual", low=0, high=1))
    bar.low.selectAll()
    qtbot.keyClicks(bar.low, "5.5")
    qtbot.keyClick(bar.low, Qt.Key.Key_Return)
    assert bar.value().low == 5.5
    assert bar.value().high > 5.5


def test_inverting_is_one_click(qtbot, bar):
    with qtbot.waitSignal(bar.changed):
        bar.invert.click()
    assert bar.value().invert


def test_colour_maps_have_names(bar):
    names = [bar.colour_map.itemText(place) for place in range(bar.colour_map.count())]
    assert names == [bar.colour_map.itemData(place) for place in range(bar.colour_map.count())]
    assert "magma" in names

from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.evaluate.widgets.temperature_bar import TemperatureBar
from core.nets.temperature import Temperature

FOUND = Temperature(1.4, 0.1, 40, (0.5, 0.4), (0.03, 0.02))


def test_the_temperature_of_an_ensemble_is_that_of_its_mean_and_those_of_its_networks_are_told(qtbot: QtBot) -> None:
    bar = TemperatureBar()
    qtbot.addWidget(bar)
    bar.show_temperature(None, is_own=True, members=(None, None))
    assert bar.told.text() == "Temperature 1: the networks' mean" and bar.button.text() == "Calibrate"
    assert "no network was trained on" in bar.button.toolTip()
    bar.show_temperature(None, is_own=True, members=(0.5, None))
    assert "1 of 2 calibrated" in bar.told.text() and "Temperatures of its networks: 0.5, 1." in bar.told.toolTip()
    bar.show_temperature(FOUND, is_own=True, members=(0.5, None))
    assert bar.told.text() == "Temperature 1.4 ± 0.1" and bar.button.text() == "Undo calibration"
    assert "0.5, 1." in bar.told.toolTip() and "the ensemble the mean" in bar.button.toolTip()
    bar.show_temperature(None, is_own=True)
    assert bar.told.text() == "Temperature 1: the network's own"

"""Plots of learning rates: numbers of any size beside the title of their axis."""

import numpy as np
import pytest
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from waiting import paint

from app.train.widgets.rate_plots import SchedulePlot


@pytest.mark.parametrize("largest", [4e-4, 2.5e-5, 0.02])
def test_the_title_of_the_rates_lies_beside_their_numbers(qtbot: QtBot, largest: float) -> None:
    plot = SchedulePlot()
    qtbot.addWidget(plot)
    plot.resize(300, 130)
    plot.show_rates(np.linspace(0, 30, 50), largest * np.linspace(1, 0, 50))
    plot.show()
    paint(plot)
    axis = plot.getAxis("left")
    font = QFontMetricsF(QApplication.font())
    (spacing, ticks), *_ = axis.tickValues(0, largest, 100)
    widest = max(font.horizontalAdvance(text) for text in axis.tickStrings(ticks, 1, spacing))
    assert widest > 0
    assert axis.width() >= widest + axis.label.boundingRect().height()

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot
from waiting import paint

from app.evaluate.widgets.chart_plot import ChartPlot
from core.evaluate.charts import Chart, Series
from core.metrics.ranking import Band


@pytest.mark.parametrize("width", [260, 420, 900])
@pytest.mark.parametrize("most", [3, 60, 999, 1_000_000])
def test_numbers_of_a_logarithmic_axis_never_touch(qtbot: QtBot, width: int, most: int) -> None:
    ranks = np.unique(np.geomspace(1, most, 50).round())
    band = Band(ranks, ranks / most, ranks / most, ranks / most)
    plot = ChartPlot()
    qtbot.addWidget(plot)
    plot.resize(900, 300)
    plot.show()
    plot.set_chart(Chart("k", "the first k", "purity", (Series("a", band),), "", is_logarithmic=True))
    paint(plot)
    plot.resize(width, 300)
    paint(plot)
    axis, box = plot.plot.getAxis("bottom"), plot.plot.getViewBox()
    metrics = QFontMetricsF(axis.font())
    low, high = box.viewRange()[0]
    drawn = [(at, text) for at, text in axis._tickLevels[0] if low <= at <= high]
    centres = [box.width() * (at - low) / (high - low) for at, _ in drawn]
    halves = [metrics.horizontalAdvance(text) / 2 for _, text in drawn]
    gaps = np.diff(centres) - np.add(halves[1:], halves[:-1])
    assert drawn and drawn[0] == (0.0, "1")
    assert np.all(gaps > 3)
    if width == 900:
        assert len(drawn) >= min(most, 7) - 1

import numpy as np
import pyqtgraph as pg
import pytest
from pytestqt.qtbot import QtBot

from app.train.widgets.curve_plot import CurvePlot
from app.train.widgets.stopping_rule import StoppingRule, monitored_curve
from core.train import stopping
from core.train.settings import StoppingSettings


def rows(losses: list[float]) -> list[dict[str, float]]:
    return [
        {"epoch": epoch, "loss": loss, "val_loss": loss, "accuracy": 1 - loss / 2, "val_accuracy": 1 - loss / 2}
        for epoch, loss in enumerate(losses, 1)
    ]


LOSSES = [1.0, 0.8, 0.6, 0.5, 0.55, 0.52, 0.56]


def test_the_bar_lies_where_the_rule_of_the_training_is(qtbot: QtBot) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    rule = StoppingSettings(patience=5, min_delta=0.02)
    plot.set_rule(rule, 40)
    plot.set_history(rows(LOSSES))
    drawn = plot.rules["loss"]
    assert drawn.to_beat == pytest.approx(0.48)
    assert drawn.stops_at == 9
    # the training would go on after epoch 8 and end after epoch 9 with no better value, and go on with a better one
    assert not stopping.state([*LOSSES, 0.49], rule).should_stop
    assert stopping.state([*LOSSES, 0.49, 0.481], rule).should_stop
    assert not stopping.state([*LOSSES, 0.49, 0.479], rule).should_stop
    assert plot.rules["score"].stops_at == 0


def test_it_is_drawn_on_the_curve_of_what_is_monitored_and_turned_where_more_is_better(qtbot: QtBot) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.set_history(rows(LOSSES))
    plot.set_rule(StoppingSettings(monitor="accuracy", patience=3, min_delta=0.01), 40)
    assert plot.rules["score"].to_beat == pytest.approx(0.76)
    assert plot.rules["loss"].stops_at == 0
    plot.set_rule(None, 0)
    assert plot.rules["score"].stops_at == 0


def test_without_patience_there_is_no_end_and_what_is_not_drawn_has_no_rule(qtbot: QtBot) -> None:
    plot = pg.PlotWidget()
    qtbot.addWidget(plot)
    rule = StoppingRule(plot)
    rule.show(np.arange(1.0, 8), np.array(LOSSES), StoppingSettings(patience=0), 40)
    assert rule.stops_at == 0
    assert monitored_curve(StoppingSettings(monitor="balanced accuracy"), "accuracy") is None
    assert monitored_curve(StoppingSettings(monitor="score"), "r2") == "val_score"

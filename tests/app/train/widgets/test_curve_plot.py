"""Learning curves: every point as it is, live and from a file, in either theme."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app import theme
from app.train.widgets.curve_plot import CurvePlot
from core.events import BatchEnded, EpochEnded, Scores


@pytest.fixture
def plot(qtbot, qapp):
    theme.apply(qapp, False)
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.resize(640, 300)
    plot.show()
    yield plot
    theme.apply(qapp, False)


def batches(epoch, count=4, loss=1.0):
    return [BatchEnded(epoch, batch, count, loss / batch, 1e-3, 100.0) for batch in range(1, count + 1)]


def ended(epoch, name="accuracy", best=1):
    train, validation = Scores(1 / epoch, {name: 1 - 1 / (epoch + 1)}), Scores(1.1 / epoch, {name: 0.5})
    return EpochEnded(epoch, 10, train, validation, 1e-3, 2.0, best, 0)


def test_a_batch_stands_where_it_was_within_its_epoch(plot):
    plot.add_batches(batches(1))
    plot.add_batches(batches(2))
    x, y = plot.points("batches")
    assert x.tolist() == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    assert y[:4] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


@pytest.mark.parametrize(("width", "said"), [(640, "commonest class 0.38"), (340, "to beat 0.38")])
def test_the_accuracy_to_beat_is_named_as_fully_as_there_is_room(qtbot, plot, width, said):
    plot.add_epochs([ended(1), ended(2)])
    plot.set_guess(0.38)
    plot.resize(width, 300)
    label, box = plot._guess_line.label, plot._plots["score"].getViewBox()
    qtbot.waitUntil(lambda: label.textItem.toPlainText() == said)
    assert label.textItem.boundingRect().width() < box.width()


def test_epochs_add_a_point_to_each_curve_and_the_best_is_marked(plot):
    for epoch in range(1, 6):
        plot.add_epochs([ended(epoch, best=max(1, epoch - 1))])
    for name in ("loss", "val_loss", "score", "val_score"):
        x, _ = plot.points(name)
        assert x.tolist() == [1, 2, 3, 4, 5]
    assert plot.points("val_loss")[1] == pytest.approx([1.1 / epoch for epoch in range(1, 6)])
    assert plot.best_epoch == 4
    assert all(line.isVisible() and line.value() == 4 for line in plot._lines.values())


def test_more_points_than_there_was_room_for_are_all_kept(plot):
    for epoch in range(1, 101):
        plot.add_batches(batches(epoch, count=30))
    x, y = plot.points("batches")
    assert len(x) == 3000
    assert np.all(np.diff(x) > 0)
    assert y[0] == 1.0


def test_a_run_that_is_opened_again_shows_the_same_curves(plot, qtbot):
    events = [ended(epoch) for epoch in range(1, 4)]
    plot.add_epochs(events)
    live = {name: plot.points(name)[1] for name in ("loss", "val_loss", "score", "val_score")}
    again = CurvePlot()
    qtbot.addWidget(again)
    again.set_history(
        [
            {
                "epoch": float(event.epoch),
                "loss": event.train.loss,
                "accuracy": event.train.values["accuracy"],
                "val_loss": event.validation.loss,
                "val_accuracy": event.validation.values["accuracy"],
                "learning_rate": 1e-3,
                "seconds": 2.0,
            }
            for event in events
        ]
    )
    for name, values in live.items():
        assert again.points(name)[1] == pytest.approx(values)
    assert again.best_epoch == 3


def test_a_loss_that_is_no_number_leaves_a_gap_and_no_error(plot):
    rows = [
        {"epoch": float(epoch), "loss": loss, "r2": 0.1, "val_loss": loss, "val_r2": math.nan}
        for epoch, loss in enumerate([1.0, math.nan, 0.5], 1)
    ]
    plot.set_history(rows)
    assert plot.best_epoch == 3
    plot.grab()


def test_the_axes_say_what_they_show_also_after_the_theme_has_changed(plot, qapp):
    plot.add_epochs([ended(epoch, name="r2") for epoch in range(1, 4)])
    for dark in (False, True):
        theme.apply(qapp, dark)
        plot.grab()
        for part, title in (("loss", "Loss"), ("score", "R²")):
            left, bottom = (plot._plots[part].getAxis(side) for side in ("left", "bottom"))
            assert left.labelText == title
            assert bottom.labelText == "Epoch"
            assert left.label.isVisible()
            assert left.autoSIPrefixScale == 1, "0.8 is written 0.8"
    assert plot._curves["val_loss"].opts["pen"].color().name() == theme.DARK.validation


def test_training_and_validation_differ_in_more_than_colour(plot):
    for part in ("loss", "score"):
        assert plot._curves[part].opts["symbol"] != plot._curves[f"val_{part}"].opts["symbol"]


def test_a_logarithmic_loss_keeps_the_points(plot):
    plot.add_epochs([ended(epoch) for epoch in range(1, 4)])
    before = plot.points("loss")[1]
    plot.logarithmic.setChecked(True)
    plot.grab()
    assert plot.points("loss")[1] == pytest.approx(before)
    plot.logarithmic.setChecked(False)


def test_clearing_forgets_everything(plot):
    plot.add_batches(batches(1))
    plot.add_epochs([ended(1)])
    plot.clear()
    assert plot.best_epoch == 0
    assert all(len(plot.points(name)[0]) == 0 for name in ("batches", "loss", "val_score"))
    assert not any(line.isVisible() for line in plot._lines.values())

import math

from hypothesis import given
from hypothesis import strategies as st

from core.events import Scores
from core.train import stopping
from core.train.settings import StoppingSettings


def test_the_lowest_loss_is_best_and_patience_counts_from_there():
    settings = StoppingSettings(patience=3)
    values = [1.0, 0.8, 0.9, 0.85, 0.81]
    assert [stopping.state(values[:n], settings).best_epoch for n in range(6)] == [0, 1, 2, 2, 2, 2]
    assert [stopping.state(values[:n], settings).should_stop for n in range(6)] == [False] * 5 + [True]


def test_a_score_is_better_when_higher():
    state = stopping.state([0.2, 0.5, 0.4], StoppingSettings(monitor="score"))
    assert (state.best_epoch, state.epochs_since_best) == (2, 1)


def test_an_improvement_below_min_delta_does_not_count():
    assert stopping.state([1.0, 0.995, 0.98], StoppingSettings(min_delta=0.01)).best_epoch == 3
    assert stopping.state([1.0, 0.995, 0.99], StoppingSettings(min_delta=0.01)).best_epoch == 1


def test_patience_zero_never_stops_and_nan_is_never_best():
    settings = StoppingSettings(patience=0)
    assert not stopping.state([1.0] * 500, settings).should_stop
    assert stopping.state([math.nan, 2.0, math.nan], settings).best_epoch == 2
    assert stopping.state([math.nan], settings).best_epoch == 0


@given(st.lists(st.floats(0, 10), min_size=1, max_size=30))
def test_without_min_delta_the_best_epoch_is_the_first_minimum(values):
    state = stopping.state(values, StoppingSettings())
    assert state.best_epoch == values.index(min(values)) + 1
    assert state.epochs_since_best == len(values) - state.best_epoch


def test_the_monitored_score_is_balanced_accuracy_or_r2():
    settings = StoppingSettings(monitor="score")
    assert stopping.monitored_value(Scores(1.0, {"accuracy": 0.9, "balanced_accuracy": 0.5}), settings) == 0.5
    assert stopping.monitored_value(Scores(1.0, {"r2": 0.7, "r2:radius": 0.9}), settings) == 0.7
    assert stopping.monitored_value(Scores(1.0), StoppingSettings()) == 1.0


def test_where_the_last_weights_are_kept_no_validation_value_decides_anything():
    settings = StoppingSettings(keep="last", patience=1)
    for values in ([1.0, 0.5, 2.0, 3.0], [3.0, 2.0, 0.5, 1.0]):
        assert stopping.state(values, settings) == stopping.StoppingState(4, 0, should_stop=False)

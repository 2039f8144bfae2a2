"""The range test: what is read off curves of known shape, and what it says of a real training."""

import threading

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.errors import NotPossible, Stopped
from core.events import result_of
from core.nets.settings import NetworkSettings
from core.train import learning_rate_finder, loop
from core.train.settings import OptimiserSettings, RunSettings

RATES = np.geomspace(1e-6, 10, 120)
SMALL = RunSettings(
    optimiser=OptimiserSettings(batch_size=32), network=NetworkSettings(depth=3, channels=16, dense=32), device="cpu"
)


def read(losses):
    """What is read off, where a run would have ended at four times the first loss."""
    end = int(np.argmax(losses > 4)) or len(losses)
    return learning_rate_finder.analyse_curve(RATES[:end], losses[:end])


def curve(falls_at, blows_up_at, noise=0.0, seed=0):
    """A loss of one that falls to 0.3 around one rate, and grows around another, over the logarithm of the rate."""
    fall = 0.7 / (1 + (RATES / falls_at) ** -2)
    random = np.random.default_rng(seed)
    return 1 - fall + 0.5 * (RATES / blows_up_at) ** 2 + noise * random.normal(size=len(RATES))


@given(st.floats(-4, -2), st.floats(1, 2.5), st.floats(0, 0.01), st.integers(0, 1000))
def test_the_steepest_descent_and_the_divergence_are_where_they_were_put(fall, room, noise, seed):
    falls_at, blows_up_at = 10**fall, 10 ** (fall + room)
    found = read(curve(falls_at, blows_up_at, noise, seed))
    assert abs(np.log10(found.steepest / falls_at)) < 0.6
    assert abs(np.log10(found.diverged / blows_up_at)) < 0.6
    assert found.suggestion == min(found.steepest, found.diverged / 10)


@given(st.floats(0.01, 100), st.floats(-10, 10))
def test_the_scale_of_the_loss_does_not_matter(scale, shift):
    losses = curve(1e-3, 1e-1, 0.01)
    one, other = (
        learning_rate_finder.analyse_curve(RATES, losses),
        learning_rate_finder.analyse_curve(RATES, scale * losses + shift),
    )
    assert (one.suggestion, one.steepest) == pytest.approx((other.suggestion, other.steepest))


def test_a_loss_that_only_falls_does_not_diverge():
    found = learning_rate_finder.analyse_curve(RATES, curve(1e-3, 1e6))
    assert found.diverged is None
    assert found.suggestion == found.steepest


def test_a_loss_that_falls_nowhere_is_told():
    with pytest.raises(NotPossible, match="no learning rate"):
        learning_rate_finder.analyse_curve(RATES, 1 + RATES)


def test_the_smoothing_keeps_straight_lines_and_calms_noise():
    assert learning_rate_finder.smooth(np.full(50, 3.0)) == pytest.approx(np.full(50, 3.0))
    line = np.arange(50.0)
    assert learning_rate_finder.smooth(line)[20:30] == pytest.approx(line[20:30])
    noise = np.random.default_rng(0).normal(size=4000)
    assert learning_rate_finder.smooth(noise)[20:-20].std() == pytest.approx((2 * np.sqrt(np.pi) * 4) ** -0.5, rel=0.1)


def test_noise_from_batch_to_batch_is_no_divergence_and_no_descent():
    late = [read(curve(1e-3, 1.0, 0.15, seed)).diverged for seed in range(50)]
    assert np.mean(np.array(late) > 0.1) > 0.9
    with pytest.raises(NotPossible, match="noise"):
        learning_rate_finder.analyse_curve(RATES, 1 + 0.1 * np.random.default_rng(3).normal(size=120) + RATES)


@pytest.mark.slow
def test_the_suggested_rate_trains_and_only_training_galaxies_are_read(blobs, new_run, tmp_path):
    data = tmp_path / "poisoned.h5"
    data.write_bytes(blobs.read_bytes())
    trained = new_run("whole")
    once = OptimiserSettings(epochs=1, batch_size=32)
    result_of(loop.run(SMALL.model_copy(update={"optimiser": once}), blobs, trained, _never()))
    with Cutouts.open(blobs) as cutouts:
        split = splits.load(trained.split_file, cutouts.ids)
    with h5py.File(data, "r+") as file:  # whoever reads them gets a loss that is no number
        for row in np.concatenate([split.validation, split.test]):
            file["images"][row] = np.nan
    found = result_of(learning_rate_finder.run(SMALL, data, _never(), steps=70))
    clean = result_of(learning_rate_finder.run(SMALL, blobs, _never(), steps=70))
    assert np.array_equal(found.losses, clean.losses)
    assert 1e-4 < found.suggestion < 0.1
    # one cycle comes to the suggested rate in its middle only
    wish = OptimiserSettings(epochs=16, batch_size=32, learning_rate=found.suggestion)
    result = result_of(loop.run(SMALL.model_copy(update={"optimiser": wish}), blobs, new_run("trained"), _never()))
    assert result.scores.values["accuracy"] > 0.8


def test_it_can_be_stopped(blobs):
    stop = threading.Event()
    work = learning_rate_finder.run(SMALL, blobs, stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        result_of(work)


def _never():
    return threading.Event()

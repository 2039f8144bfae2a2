"""The law is recovered, its error bars are honest, and it is not followed where it does not lead."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import TooFewGalaxies
from core.studies import power_law

SIZES = (50, 100, 200, 500, 1000, 2000)


def law(size, limit, factor, exponent):
    return limit - factor * np.asarray(size, float) ** -exponent


def study(truth, seed=0, sizes=SIZES, seeds=3, noise=0.01, slope=0.3):
    """Sizes and noisy scores of runs; the noise falls with a power of the size."""
    size = np.repeat(sizes, seeds).astype(float)
    random = np.random.default_rng(seed)
    return size, law(size, *truth) + noise * (size / size.max()) ** -slope * random.normal(size=len(size))


def draw_scores(*means):
    """Three runs at each size."""
    return np.repeat(means, 3) + np.tile((-0.01, 0, 0.01), len(means))


@pytest.mark.truth("Learning curves", "a known law")
@given(st.floats(0.6, 0.99), st.floats(0.1, 0.5), st.floats(0.3, 1.2))
@settings(max_examples=30)
def test_a_law_with_hardly_any_noise_is_recovered(limit: float, drop: float, exponent: float):
    truth = (limit, drop * 50**exponent, exponent)
    found = power_law.fit(*study(truth, noise=1e-5))
    assert found.limit[0] == pytest.approx(limit, abs=0.01)
    assert found.exponent[0] == pytest.approx(exponent, rel=0.05)
    for size in (50, 700, 4000):
        assert found.at(size)[0] == pytest.approx(law(size, *truth), abs=1e-3)


@pytest.mark.truth("Error bars of learning curves", "simulated studies")
@pytest.mark.parametrize(
    "truth",
    [
        pytest.param((0.9, 1.0, 0.5), marks=pytest.mark.slow),
        pytest.param((0.95, 0.8, 0.25), marks=pytest.mark.slow),
        (0.85, 2.0, 0.8),
    ],
)
def test_the_truth_lies_within_the_error_bars_as_often_as_they_say(truth: tuple):
    top, trials = max(SIZES), 250
    inside = {name: np.zeros(2) for name in ("twice as many", "gain", "limit")}
    for trial in range(trials):
        found = power_law.fit(*study(truth, trial), seed=trial)
        twice, measured = (law(size, *truth) for size in (2 * top, top))
        drawn = {
            "twice as many": (found._sample_scores(2 * top), twice),
            "gain": (found._sample_scores(2 * top) - found._sample_scores(top), twice - measured),
            "limit": (found.draws[:, 0], truth[0]),
        }
        for name, (values, true) in drawn.items():
            low, inner_low, inner_high, high = np.quantile(values, (0.025, 0.158655, 0.841345, 0.975))
            inside[name] += (inner_low <= true <= inner_high, low <= true <= high)
    for name, counts in inside.items():
        within, within_wide = counts / trials
        assert 0.58 < within < 0.78, name  # 0.683, three standard errors of 250 trials, and the prior's pull
        assert within_wide > 0.87, name


def test_a_loss_falls_towards_its_limit():
    size, score = study((0.9, 1.0, 0.5))
    found = power_law.fit(size, 1 - score, rising=False, best=0.0)
    assert found.limit[0] == pytest.approx(0.1, abs=0.03)
    assert found.gain(100, 1000)[0] < 0
    assert found.at(1000)[0] == pytest.approx(1 - law(1000, 0.9, 1.0, 0.5), abs=0.01)


def test_how_many_labels_a_score_needs_is_the_law_backwards():
    truth = (0.9, 1.0, 0.5)
    found = power_law.fit(*study(truth, noise=1e-4))
    assert found.size_for(float(law(3000, *truth))) == pytest.approx(3000, rel=0.03)
    assert found.size_for(0.95) == math.inf


def test_a_curve_is_followed_to_four_times_the_labels_and_no_further():
    found = power_law.fit(*study((0.9, 1.0, 0.5)))
    assert found.doubt == ""
    assert found.farthest == 4 * max(SIZES)


def test_the_limit_is_not_beyond_what_is_possible():
    found = power_law.fit(*study((0.99, 1.5, 0.3), noise=0.03))
    assert found.draws[:, 0].max() <= 1
    assert found.draws[:, 1].min() >= 0


@pytest.mark.parametrize(
    ("size", "score", "says"),
    [
        (*study((0.8, 0.0, 0.5)), "do not change"),
        (*study((0.9, 1.0, 0.5), sizes=(1000, 1200, 1500, 2000)), "factor of 2"),
        (*study((0.9, 1.0, 0.5), noise=0.08, slope=0), "onstrained|clearly"),
        (np.repeat(SIZES, 3), draw_scores(0.5, 0.8, 0.55, 0.85, 0.6, 0.9), "follow"),
        (np.repeat(SIZES, 3), draw_scores(0.9, 0.8, 0.7, 0.6, 0.5, 0.4), "follow|not"),
    ],
    ids=["flat", "narrow", "noisy", "zigzag", "falling"],
)
def test_a_curve_that_does_not_lead_on_is_not_followed(size, score, says):
    found = power_law.fit(size, score)
    assert any(word in found.doubt for word in says.split("|"))
    assert found.farthest == max(size)


def test_three_sizes_are_no_curve():
    with pytest.raises(TooFewGalaxies):
        power_law.fit(*study((0.9, 1.0, 0.5), sizes=(100, 200, 400)))


def test_a_score_without_value_is_left_out():
    size, score = study((0.9, 1.0, 0.5))
    found = power_law.fit([*size, 20.0], [*score, math.nan])
    assert found.sizes.tolist() == list(SIZES)

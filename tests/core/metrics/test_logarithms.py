"""Error bars, coverage and means of quantities that are learned as logarithms, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.encodings import LOGARITHM, PLAIN
from core.metrics.binned import bin_metrics
from core.metrics.error_bars import calibrate, measure_coverage
from core.nets.combination import combine


def toy(count, too_short=1.0, seed=0):
    """Log-normal predictions whose spread grows with the true value, and the errors that belong to them."""
    random = np.random.default_rng(seed)
    true = np.exp(random.uniform(-3, 2, (count, 1)))
    sigma = 0.1 + 0.9 * (true > 1) * random.uniform(0, 1, true.shape)
    values = true * np.exp(random.normal(0, sigma))
    return true, values, values * sigma / too_short, sigma / too_short


def test_the_coverage_is_that_of_the_intervals_of_the_log_normal():
    true, values, errors, sigma = toy(4000)
    (found,) = measure_coverage(true, values, errors, ("r",), [LOGARITHM]).values()
    low, high = values * np.exp(-sigma), values * np.exp(sigma)
    assert found.within_one.hits == int(((low <= true) & (true <= high)).sum())
    low, high = values * np.exp(-2 * sigma), values * np.exp(2 * sigma)
    assert found.within_two.hits == int(((low <= true) & (true <= high)).sum())
    assert found.within_one.value == pytest.approx(0.683, abs=0.02)
    (plain,) = measure_coverage(true, values, errors, ("r",), [PLAIN]).values()
    assert plain.within_one.hits != found.within_one.hits


def test_the_factor_is_that_of_the_logarithm():
    true, values, errors, sigma = toy(4000, too_short=3.0)
    found = calibrate(true, values, errors, [LOGARITHM])
    pulls = np.sort(np.abs(np.log(values / true) / sigma)[:, 0])
    assert found is not None
    assert found.factors[0] == pytest.approx(pulls[int(np.ceil(0.682689 * 4001)) - 1])
    assert found.factors[0] == pytest.approx(3, rel=0.05)


def test_binned_coverage_follows_the_logarithm_and_bias_and_scatter_the_values():
    true, values, errors, sigma = (each[:, 0] for each in toy(1000))
    learned, plain = (
        bin_metrics(true, values, true, bins=1, errors=errors, is_logarithm=which).groups[0].whole
        for which in (True, False)
    )
    assert learned.within is not None
    assert learned.within.hits == int((np.abs(np.log(values / true)) <= sigma).sum())
    assert learned.bias is not None and learned.bias.value == pytest.approx(np.median(values - true))
    assert (learned.scatter, learned.r2, learned.outliers) == (plain.scatter, plain.r2, plain.outliers)


def test_networks_together_give_the_geometric_mean_with_the_spread_of_the_logarithms():
    random = np.random.default_rng(1)
    values, sigma = np.exp(random.normal(0, 2, (3, 50, 2))), random.uniform(0.1, 0.5, (3, 50, 2))
    errors = [value * spread * [1, 0] + spread * [0, 1] for value, spread in zip(values, sigma, strict=True)]
    found = combine(values, errors, [LOGARITHM, PLAIN])
    middle = np.exp(np.log(values[:, :, 0]).mean(axis=0))
    assert found.values[:, 0] == pytest.approx(middle)
    assert found.data[:, 0] / middle == pytest.approx(np.sqrt((sigma[:, :, 0] ** 2).mean(axis=0)))
    assert found.ignorance[:, 0] / middle == pytest.approx(np.log(values[:, :, 0]).std(axis=0, ddof=1))
    assert found.errors == pytest.approx(np.hypot(found.data, found.ignorance))
    assert found.values[:, 1] == pytest.approx(values[:, :, 1].mean(axis=0))
    alone = combine(values[:1], errors[:1], [LOGARITHM, PLAIN])
    assert alone.values == pytest.approx(values[0]) and alone.errors == pytest.approx(errors[0])

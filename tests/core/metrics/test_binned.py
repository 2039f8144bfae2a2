from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import r2_score

from core.metrics import binned
from core.metrics.binned import bin_metrics


def toy(count=8000, seed=3):
    """True values, predictions with a bias and a scatter that grow with the magnitude, and the magnitudes."""
    random = np.random.default_rng(seed)
    magnitude = random.uniform(18, 24, count)
    true = random.uniform(1, 4, count)
    sigma = 0.02 * 10 ** (0.2 * (magnitude - 18))
    return true, true + 0.1 * (magnitude - 18) + random.normal(0, sigma), magnitude, sigma


def test_bias_scatter_and_r2_in_bins_are_those_of_numpy_and_sklearn():
    true, predicted, magnitude, _ = toy()
    found = bin_metrics(true, predicted, magnitude, edges=(18, 20, 22, 24))
    assert found.edges == (18, 20, 22, 24) and found.galaxies == 8000 and found.left_out == 0
    (group,) = found.groups
    for number, each in enumerate(group.bins):
        inside = (magnitude >= 18 + 2 * number) & (magnitude < 20 + 2 * number)
        off = (predicted - true)[inside]
        assert each.galaxies == inside.sum() and each.middle == np.median(magnitude[inside])
        assert each.bias.value == pytest.approx(np.median(off))
        assert each.scatter.value == pytest.approx(np.subtract(*np.percentile(off, [84, 16])) / 2)
        assert each.r2.value == pytest.approx(r2_score(true[inside], predicted[inside]))
        assert each.outliers.hits == (np.abs(off) > 0.5 * true[inside]).sum()
    assert group.whole.galaxies == 8000 and group.whole.bias.value == pytest.approx(np.median(predicted - true))


@pytest.mark.parametrize("count", [600, 20_000])
def test_bootstrap_errors_are_those_that_normal_errors_have(count):
    random = np.random.default_rng(0)
    true = random.uniform(1, 2, count)
    predicted = true + random.normal(0.3, 0.2, count)
    (each,) = bin_metrics(true, predicted, true, bins=1).groups[0].bins
    assert each.bias.error == pytest.approx(0.2 * np.sqrt(np.pi / 2 / count), rel=0.25)
    density, share = stats.norm.pdf(stats.norm.ppf(0.84)), 0.16
    variance = (share * (1 - share) - share**2) / (2 * count * density**2)  # of half the distance of two percentiles
    assert each.scatter.error == pytest.approx(0.2 * np.sqrt(variance), rel=0.25)
    assert abs(each.bias.value - 0.3) < 4 * each.bias.error
    assert abs(each.scatter.value - 0.2) < 4 * each.scatter.error


def test_bins_of_equal_numbers_hold_equal_numbers():
    true, predicted, magnitude, _ = toy(1000)
    counts = [each.galaxies for each in bin_metrics(true, predicted, magnitude, bins=5).groups[0].bins]
    assert counts == [200] * 5
    shared = np.repeat([1.0, 2.0], 500)  # a value that many galaxies share is not torn apart
    assert sum(each.galaxies for each in bin_metrics(true, predicted, shared, bins=5).groups[0].bins) == 1000
    alone = bin_metrics(true, predicted, np.ones(1000), bins=5).groups[0]
    assert [each.galaxies for each in alone.bins] == [1000]


def test_each_class_has_its_own_figures_in_common_bins():
    true, predicted, magnitude, _ = toy(3000)
    place = np.arange(3000) % 3
    environment = np.array(["isolated", "faint neighbour", ""])[place]
    found = bin_metrics(true, predicted + (place == 1), magnitude, edges=(18, 21, 24), split=environment)
    assert [group.name for group in found.groups] == ["faint neighbour", "isolated", "unknown"]
    faint, isolated, _ = found.groups
    assert faint.whole.galaxies == isolated.whole.galaxies == 1000
    assert faint.bins[0].bias.value - isolated.bins[0].bias.value == pytest.approx(1, abs=0.1)


def test_few_galaxies_have_no_figures_and_missing_values_are_counted():
    true, predicted, magnitude, _ = toy(300)
    magnitude[:9], magnitude[9:] = 18.5, np.clip(magnitude[9:], 20, 24)
    predicted[-2:], true[-3], magnitude[-4] = np.nan, np.nan, np.nan
    found = bin_metrics(true, predicted, magnitude, edges=(18, 19, 19.5, 24), errors=np.ones(300))
    few, none, many = found.groups[0].bins
    assert (few.galaxies, few.bias, few.scatter, few.r2) == (9, None, None, None)
    assert few.outliers.total == few.within.total == 9
    assert none.galaxies == 0 and np.isnan(none.middle) and none.outliers.value is None
    assert many.galaxies == 287 and many.bias is not None
    assert (found.galaxies, found.left_out) == (296, 4) and "4 more are left out" in found.sentence
    assert bin_metrics(np.array([]), np.array([]), np.array([])).groups == ()


def test_right_error_bars_cover_68_percent_in_every_bin():
    true, predicted, magnitude, sigma = toy(9000)
    bias = 0.1 * (magnitude - 18)
    for each in bin_metrics(true, predicted - bias, magnitude, bins=3, errors=sigma).groups[0].bins:
        assert each.within.value == pytest.approx(0.683, abs=0.02)
    for each in bin_metrics(true, predicted - bias, magnitude, bins=3, errors=2 * sigma).groups[0].bins:
        assert each.within.value == pytest.approx(0.954, abs=0.02)


def test_angles_are_compared_the_shortest_way_round():
    random = np.random.default_rng(1)
    true = random.uniform(0, 180, 2000)
    predicted = (true + random.normal(5, 3, 2000)) % 180
    (each,) = bin_metrics(true, predicted, true, bins=1, unit="deg", period=180).groups[0].bins
    assert each.bias.value == pytest.approx(5, abs=0.3) and each.scatter.value == pytest.approx(3, abs=0.3)
    assert each.outliers.value == 0 and each.r2 is None


@pytest.mark.parametrize(
    ("true", "unit", "period", "limit", "rule"),
    [
        ([1.0, 4.0], "arcsec", None, [0.5, 2.0], "half of the true value"),
        ([20.0, 22.0], "mag", None, [0.44, 0.44], "0.44 mag"),
        ([10.0, 170.0], "deg", 180, [30, 30], "30 deg"),
        ([-1.0, 1.0], "", None, [3.0, 3.0], "3 σ"),
    ],
)
def test_what_is_an_outlier_depends_on_the_quantity_and_is_said(true, unit, period, limit, rule):
    limits, said = binned.outlier_limits(np.array(true), unit, period)
    np.testing.assert_allclose(limits, limit, atol=0.001)
    assert rule in said


def test_edges_that_do_not_rise_are_refused():
    with pytest.raises(ValueError, match="ascending"):
        bin_metrics(np.ones(3), np.ones(3), np.ones(3), edges=(1, 3, 2))

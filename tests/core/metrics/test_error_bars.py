from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from core.data.encodings import Encoding
from core.metrics.error_bars import ErrorBarReport, calibrate, measure_coverage


def toy(count, wrong=(2.0, 0.5), seed=1):
    """Two quantities with normal residuals of known width, and error bars that are wrong by these factors."""
    random = np.random.default_rng(seed)
    sigma = random.uniform(0.1, 2, (count, 2))
    true = random.uniform(-3, 3, (count, 2))
    return true, true + random.normal(0, sigma), sigma * wrong


def test_error_bars_that_are_twice_too_long_are_halved_and_then_cover_68_and_95_percent():
    true, values, errors = toy(4000)
    found = calibrate(true, values, errors)
    assert found is not None and found.galaxies == 4000
    for factor, uncertainty, expected in zip(found.factors, found.uncertainties, (0.5, 2.0), strict=True):
        assert abs(factor - expected) < 4 * uncertainty
        density = 2 * stats.norm.pdf(1) / expected  # of |residual| / error bar, where 68 % are below
        assert uncertainty == pytest.approx(np.sqrt(0.683 * 0.317 / 4000) / density, rel=0.15)
    new = toy(20_000, seed=2)
    covered = measure_coverage(new[0], new[1], new[2] * found.factors, ("size", "flux"))
    for each in covered.values():
        assert each.within_one.value == pytest.approx(0.683, abs=0.03)
        assert each.within_two.value == pytest.approx(0.954, abs=0.01)
    before = measure_coverage(*new, ("size", "flux"))
    assert before["size"].within_one.value == pytest.approx(0.954, abs=0.01)
    assert before["flux"].within_one.value == pytest.approx(0.383, abs=0.02)


@pytest.mark.truth("Coverage of calibrated error bars", "new galaxies of several distributions")
@pytest.mark.parametrize("count", [20, 57])
def test_new_galaxies_are_covered_on_average_even_after_few_validation_galaxies_of_any_distribution(count):
    random = np.random.default_rng(4)
    shares = []
    for _ in range(400):
        true = np.zeros((count + 50, 1))
        values = random.standard_t(2, true.shape)  # far from normal
        found = calibrate(true[:count], values[:count], np.ones((count, 1)))
        assert found is not None
        shares.append(np.mean(np.abs(values[count:, 0]) <= found.factors[0]))
    expected = np.ceil(0.6827 * (count + 1)) / (count + 1)
    assert np.mean(shares) == pytest.approx(expected, abs=4 * np.std(shares) / 20)
    assert expected >= 0.6827


def test_angles_count_the_shorter_way_round():
    random = np.random.default_rng(0)
    true = random.uniform(0, 180, (3000, 1))
    values = (true + random.normal(0, 4, true.shape)) % 180
    found = calibrate(true, values, np.full(true.shape, 2.0), (Encoding(180.0),))
    assert found is not None and found.factors[0] == pytest.approx(2, abs=0.1)
    (covered,) = measure_coverage(true, values, np.full(true.shape, 4.0), ("angle",), (Encoding(180.0),)).values()
    assert covered.within_one.value == pytest.approx(0.683, abs=0.03)


def test_few_galaxies_and_perfect_or_infinite_answers_give_no_factor():
    true, values, errors = toy(19)
    assert calibrate(true, values, errors) is None
    true, values, errors = toy(50)
    assert calibrate(true, true, errors) is None
    assert calibrate(true, values, np.zeros_like(errors)) is None


def test_the_report_says_what_was_done_and_where_the_coverage_tells_nothing():
    true, values, errors = toy(500)
    found = calibrate(true, values, errors)
    covered = measure_coverage(true, values, errors * found.factors, ("size", "flux"))
    here, there = (ErrorBarReport(covered, found, is_here) for is_here in (True, False))
    assert "by construction" in here.sentence and "by construction" not in there.sentence
    assert "size 0.48 ± 0.02" in here.sentence and "500 validation galaxies" in here.sentence
    assert covered["size"].within_one.hits == np.ceil(0.6827 * 501)
    assert "not calibrated" in ErrorBarReport(covered, None, is_fitted_here=False).sentence
    told = there.to_json()
    assert told["expected"] == pytest.approx([0.6827, 0.9545], abs=1e-4)
    low, high = told["quantities"]["flux"]["within_one_interval"]
    assert high - low == pytest.approx(2 * np.sqrt(0.683 * 0.317 / 500), rel=0.05)

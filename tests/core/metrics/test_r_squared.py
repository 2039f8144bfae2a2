"""R² and the other numbers of angles."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.target import Quantities
from core.metrics import report as metrics
from core.metrics.r_squared import r_squared
from core.metrics.tally import followed_metrics

TARGET = Quantities(("pa",), ("deg",), (180.0,))


def test_the_numbers_of_an_angle_do_not_depend_on_where_the_circle_is_cut():
    random = np.random.default_rng(0)
    true = random.uniform(0, 180, (4000, 1))
    predicted = (true + random.normal(2, 5, true.shape)) % 180
    for cut in (0, 50, 179):
        made = metrics.make_report(TARGET, (true + cut) % 180, (predicted + cut) % 180)
        found = made.quantities["pa"]
        assert found.bias == pytest.approx(2, abs=0.3)
        assert found.scatter == pytest.approx(5, abs=0.3)
        assert found.mae == pytest.approx(4.3, abs=0.3)
        assert found.outliers.hits == 0
        assert found.r2 == pytest.approx(
            1 - (1 - np.cos(2 * np.radians(2)) * np.exp(-2 * np.radians(5) ** 2)), abs=2e-3
        )
    assert "shorter way" in made.remark
    assert made.to_json()["quantities"]["pa"]["period"] == 180
    assert followed_metrics(TARGET, true, predicted)["r2:pa"] == pytest.approx(found.r2, abs=1e-6)


def test_r2_of_an_angle_is_nothing_for_the_mean_direction_and_that_of_a_number_in_a_narrow_range():
    random = np.random.default_rng(1)
    around = random.uniform(0, 180, (5000, 1))
    guessed = random.uniform(0, 180, (5000, 1))
    narrow = 179 + random.normal(0, 0.5, (5000, 1))
    predicted = narrow + random.normal(0, 0.3, narrow.shape)
    mean = np.full_like(narrow, 179 + (narrow - 179).mean())
    assert r_squared(around, guessed, (180,))[0] == pytest.approx(0, abs=0.05)
    assert r_squared(narrow % 180, mean, (180,))[0] == pytest.approx(0, abs=1e-4)
    expected = r_squared(narrow, predicted)[0]
    assert r_squared(narrow % 180, predicted % 180, (180,))[0] == pytest.approx(expected, abs=1e-3)
    assert np.isnan(r_squared(np.full((5, 1), 3.0), np.ones((5, 1)), (180,))[0])


def test_a_third_of_the_largest_error_is_an_outlier():
    true, predicted = np.array([[1.0], [1], [1], [90]]), np.array([[175.0], [148], [34], [92]])
    found = metrics.make_report(TARGET, true, predicted).quantities["pa"]
    assert (found.outliers.hits, found.outliers.total) == (2, 4)
    plain = metrics.regression_report(true, predicted, ["pa"]).quantities["pa"]
    assert plain.outliers.hits == 3
    assert "period" not in plain.to_json()

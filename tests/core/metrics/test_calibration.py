"""The calibration error against scikit-learn's curve and against a truth that is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from core.metrics.calibration import BINS, calibrate


@pytest.mark.truth("Reliability bins", "scikit-learn")
def test_bins_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    scores = random.dirichlet([0.6, 0.6, 0.6], 700)
    labels = random.integers(0, 3, 700)
    found = calibrate(labels, scores)
    right = scores.argmax(axis=1) == labels
    share, probability = calibration_curve(right, scores.max(axis=1), n_bins=BINS)
    assert [each.share for each in found.bins] == pytest.approx(share)
    assert [each.probability for each in found.bins] == pytest.approx(probability)
    weights = np.array([each.galaxies for each in found.bins]) / 700
    assert found.error == pytest.approx((weights * np.abs(share - probability)).sum())


def test_calibrated_probabilities_have_the_error_that_is_expected_of_them():
    random = np.random.default_rng(2)
    errors, expected = [], []
    for _ in range(60):
        scores = random.dirichlet([2.0, 1.0, 0.5], 500)
        labels = (random.random((500, 1)) > scores.cumsum(axis=1)).sum(axis=1)
        found = calibrate(labels, scores)
        errors.append(found.error)
        expected.append(found.expected)
    assert np.mean(errors) == pytest.approx(np.mean(expected), rel=0.1)


@pytest.mark.truth("Expected calibration error", "a planted overconfidence")
def test_overconfidence_is_measured_as_large_as_it_is():
    random = np.random.default_rng(3)
    labels = (random.random(100_000) < 0.3).astype(np.int64)  # class 0 is right in 70 %
    found = calibrate(labels, np.tile([0.95, 0.05], (100_000, 1)))
    assert found.error == pytest.approx(0.25, abs=0.005)
    assert len(found.bins) == 1


def test_no_galaxies_have_no_calibration():
    found = calibrate(np.zeros(0, np.int64), np.zeros((0, 3)))
    assert found.error is None
    assert found.bins == ()

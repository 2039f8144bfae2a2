"""The errors of log loss, Brier score and calibration error against samples of new galaxies."""

import numpy as np
import pytest

from core.metrics.report import classification_report

NAMES = ("a", "b", "c")


def sample(random, count=300):
    """Galaxies with probabilities that are too sure of themselves."""
    labels = random.integers(0, 3, count)
    logits = random.normal(0, 1, (count, 3)) + 1.5 * np.eye(3)[labels]
    scores = np.exp(1.6 * logits)
    return classification_report(labels, scores / scores.sum(axis=1, keepdims=True), NAMES)


def test_errors_are_as_large_as_the_scatter_between_samples_of_galaxies():
    random = np.random.default_rng(3)
    reports = [sample(random) for _ in range(200)]
    for value, error in (
        (lambda report: report.log_loss, lambda report: report.log_loss_error),
        (lambda report: report.brier, lambda report: report.brier_error),
        (lambda report: report.calibration.error, lambda report: report.calibration.uncertainty),
    ):
        assert np.mean([error(each) for each in reports]) == pytest.approx(np.std([*map(value, reports)]), rel=0.25)


def test_a_single_galaxy_has_no_error():
    report = classification_report(np.array([0]), np.array([[0.5, 0.3, 0.2]]), NAMES)
    assert report.log_loss_error is None
    assert report.log_loss == pytest.approx(-np.log(0.5))

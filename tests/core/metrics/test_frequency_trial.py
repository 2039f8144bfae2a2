"""The trial of estimated class frequencies against surveys whose frequencies are known."""

from __future__ import annotations

import numpy as np

from core.metrics.decision import estimate_frequencies
from core.metrics.frequency_trial import try_estimate

ASSUMED = np.array([0.7, 0.2, 0.1])
CENTRES = np.array([[0.0, 0.0], [1.8, 0.0], [0.0, 2.2]])


BELIEVED = np.array([[0.0, 0.0], [1.2, 0.0], [0.0, 2.2]])  # by a badly calibrated network


def survey(frequencies, count, seed, centres=CENTRES):
    """Galaxies around the centres of their classes, and their probabilities if these lay where they are believed."""
    random = np.random.default_rng(seed)
    labels = random.choice(3, count, p=frequencies)
    points = CENTRES[labels] + random.normal(size=(count, 2))
    scores = np.exp(-((points[:, None] - centres) ** 2).sum(axis=2) / 2) * ASSUMED
    return labels, scores / scores.sum(axis=1, keepdims=True)


def pulls(centres):
    planted, found = np.array([0.3, 0.3, 0.4]), []
    for seed in range(6):
        labels, known = survey(ASSUMED, 600, seed, centres)
        _, scores = survey(planted, 6000, 100 + seed, centres)
        estimate, errors = estimate_frequencies(scores, ASSUMED)
        trial = try_estimate(labels, known, ASSUMED, estimate)
        assert trial is not None
        found.append(((estimate - planted) / errors, (estimate - planted) / trial.errors(errors)))
    return np.array(found)[:, 0], np.array(found)[:, 1]


def test_the_errors_of_a_badly_calibrated_network_are_as_large_as_its_mistakes():
    without, honest = pulls(BELIEVED)
    assert np.abs(without).max() > 4, "the statistical error alone was much too small"
    assert np.abs(honest).max() < 2.5


def test_a_calibrated_network_passes_the_trial():
    labels, scores = survey(ASSUMED, 2000, 1)
    trial = try_estimate(labels, scores, ASSUMED, np.array([0.3, 0.3, 0.4]))
    assert trial is not None
    assert not trial.has_failed
    assert np.abs(trial.bias).max() < 0.04


def test_a_class_without_labelled_galaxies_cannot_be_tried():
    labels, scores = survey(np.array([0.8, 0.2, 0.0]), 300, 2)
    assert try_estimate(labels, scores, ASSUMED, np.array([0.3, 0.3, 0.4])) is None

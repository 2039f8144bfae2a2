"""Figures of merit in a row, and their sampling errors against the binomial formula."""

import math

import numpy as np
import pytest

from core.data.target import Classes, Quantities, VoteFractions
from core.metrics import merits
from core.metrics.report import make_report

NAMES = ("disk", "edge-on", "point")
TARGET = Classes("kind", NAMES)


def draw_predictions(counts, completeness):
    """Labels and scores in which so many of each class are found; the others are called the next class."""
    labels = np.repeat(range(3), counts)
    called = labels.copy()
    for kind, (count, share) in enumerate(zip(counts, completeness, strict=True)):
        called[np.flatnonzero(labels == kind)[round(share * count) :]] = (kind + 1) % 3
    scores = np.eye(3)[called] * 0.8 + 0.1
    scores /= scores.sum(axis=1, keepdims=True)
    return labels, scores.astype(np.float32)


def test_the_sampling_error_is_the_binomial_one():
    counts, completeness = (300, 100, 60), (0.9, 0.7, 0.6)
    labels, scores = draw_predictions(counts, completeness)
    variances = [p * (1 - p) / n for n, p in zip(counts, completeness, strict=True)]
    balanced = math.sqrt(sum(variances)) / 3
    weights = np.array(counts) / sum(counts)
    accuracy = math.sqrt((weights**2 * variances).sum())
    assert merits.sampling_error(TARGET, labels, scores, "balanced_accuracy", 1) == pytest.approx(balanced, rel=0.15)
    assert merits.sampling_error(TARGET, labels, scores, "accuracy", 1) == pytest.approx(accuracy, rel=0.15)


def test_a_class_that_some_samples_never_predict_has_an_error_all_the_same():
    labels = np.repeat([0, 1, 2], [40, 6, 6])
    called = labels.copy()
    called[labels == 1] = 0
    called[[40, 0]] = 1  # two galaxies are called the second class, one of them rightly
    scores = (np.eye(3)[called] * 0.8 + 0.1).astype(np.float32)
    assert merits.sampling_error(TARGET, labels, scores, "purity:edge-on", 1) > 0.1


def test_a_report_becomes_a_row_with_nan_for_what_has_no_value():
    row = merits.flatten(make_report(TARGET, *draw_predictions((10, 10, 10), (1.0, 1.0, 0.0))))
    assert row["accuracy"] == pytest.approx(2 / 3)
    assert row["completeness:point"] == 0
    assert math.isnan(row["purity:point"]), "nothing was called a point"


@pytest.mark.parametrize(
    ("metric", "higher"),
    [("accuracy", True), ("r2:width", True), ("log_loss", False), ("mae:width", False), ("completeness:disk", True)],
)
def test_it_is_known_which_way_is_better(metric, higher):
    assert merits.higher_is_better(metric) == higher


@pytest.mark.parametrize(
    ("target", "some"),
    [
        (Classes("kind", ("round", "flat")), {"balanced_accuracy", "purity:flat"}),
        (VoteFractions(("p_round", "p_flat")), {"accuracy", "r2"}),
        (Quantities(("width",), ("arcsec",)), {"r2", "bias:width"}),
    ],
)
def test_what_is_known_of_a_target_needs_no_galaxy(target, some):
    known = merits.names_for(target)
    assert some <= set(known)
    assert len(set(known)) == len(known)

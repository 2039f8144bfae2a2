"""Labels saved at equal score: curves whose answer is known, with and without noise."""

import math

import numpy as np
import pytest
from sklearn.isotonic import isotonic_regression

from core.studies.label_saving import Curve, find_savings, make_monotone

LABELS = np.array([10.0, 25, 50, 100, 200, 500, 1000])


def law(labels):
    return 0.3 + 0.07 * np.log(labels)


def curve(labels, scores, seeds=3, noise=0.0, common=None, random=None):
    """A curve of runs that scatter by ``noise``; ``common`` is what the galaxies share, one value for each sample."""
    random = random or np.random.default_rng(0)
    runs = np.asarray(scores)[:, None] + noise * random.normal(size=(len(labels), seeds))
    shifts = np.zeros(40) if common is None else np.asarray(common)
    return Curve(np.asarray(labels, float), runs, runs[..., None] + shifts)


def test_a_strategy_that_is_as_good_with_a_third_of_the_labels_saves_two_thirds():
    found = find_savings(curve(LABELS, law(LABELS)), curve([20, 60], law(3 * np.array([20, 60]))))
    assert [(each.labels, round(each.needed, 6), each.kind) for each in found] == [
        (20.0, 60.0, "saves"),
        (60.0, 180.0, "saves"),
    ]
    assert found[0].low == pytest.approx(60) == found[0].high, "without noise there is no uncertainty"


def test_curves_are_made_monotone_as_isotonic_regression_does():
    curves = np.random.default_rng(3).normal(size=(50, 7))
    assert make_monotone(curves) == pytest.approx(np.array([isotonic_regression(curve) for curve in curves]))


def test_a_loss_that_falls_is_the_same_question():
    found = find_savings(curve(LABELS, -law(LABELS)), curve([20], -law(np.array([60]))), rising=False)
    assert found[0].needed == pytest.approx(60)


def test_what_the_reference_never_reaches_is_a_limit_and_what_is_worse_than_all_of_it_costs():
    better, worse = find_savings(curve(LABELS, law(LABELS)), curve([50, 100], [0.99, 0.1]))
    assert (better.needed, better.kind) == (math.inf, "saves at least")
    assert (worse.needed, worse.kind) == (0.0, "costs")


def test_equal_strategies_are_not_told_apart():
    random = np.random.default_rng(5)
    pair = [curve(LABELS, law(LABELS), noise=0.02, random=random) for _ in range(2)]
    kinds = [each.kind for each in find_savings(*pair)]
    assert kinds.count("unresolved") >= 4


def test_a_reference_that_falls_by_chance_is_made_monotone():
    """With noise alone, 50 labels look better than 100: the answer lies between."""
    scores = law(LABELS)
    scores[2], scores[3] = scores[3], scores[2]
    found = find_savings(curve(LABELS, scores), curve([30], [scores[2:4].mean() + 0.01]))
    assert 100 < found[0].needed < 200


def test_what_the_galaxies_share_does_not_count_against_a_difference():
    """A shift that all runs have in common moves both curves, and no number of labels."""
    shared = np.random.default_rng(1).normal(0, 0.05, 40)
    found = find_savings(curve(LABELS, law(LABELS), common=shared), curve([50], law(np.array([120])), common=shared))
    assert found[0].low == pytest.approx(120) == found[0].high
    apart = find_savings(curve(LABELS, law(LABELS), common=shared), curve([50], law(np.array([120])), common=-shared))
    assert apart[0].high > 200


@pytest.mark.slow
def test_the_interval_holds_the_truth_in_about_two_of_three_studies():
    random, hits, studies = np.random.default_rng(2), 0, 300
    for _ in range(studies):
        reference = curve(LABELS, law(LABELS), noise=0.015, random=random)
        strategy = curve([40], law(np.array([100])), noise=0.015, random=random)
        (found,) = find_savings(reference, strategy)
        hits += found.low <= 100 <= found.high
    assert 0.55 < hits / studies < 0.82


def test_a_run_that_is_missing_leaves_the_others():
    reference = curve(LABELS, law(LABELS), noise=0.001)
    reference.scores[3, 1] = np.nan
    reference.samples[3, 1] = np.nan
    (found,) = find_savings(reference, curve([40], law(np.array([100]))))
    assert found.needed == pytest.approx(100, rel=0.1)

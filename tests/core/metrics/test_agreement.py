"""Agreement between people, against scikit-learn and against the example of Fleiss' paper."""

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.metrics import agreement
from core.metrics.agreement import measure_agreement

FLEISS_1971 = np.array(  # a well-known table of 14 raters, 10 subjects and 5 categories; its kappa is 0.210
    [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]
)  # fmt: skip


def votes_of(*people):
    """Votes of Ada, Ben, Cem; None: no vote."""
    names = ("Ada", "Ben", "Cem")
    return [{name: vote for name, vote in zip(names, each, strict=False) if vote} for each in zip(*people, strict=True)]


@pytest.mark.truth("Agreement of two people", "scikit-learn")
def test_of_two_people_it_is_the_kappa_of_scikit_learn():
    random = np.random.default_rng(1)
    first = random.choice(list("abc"), 200, p=(0.6, 0.3, 0.1))
    second = np.where(random.random(200) < 0.7, first, random.choice(list("abc"), 200))
    found = measure_agreement(votes_of(first.tolist(), second.tolist()))
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert found.share == pytest.approx((first == second).mean())
    assert found.conflicts == (first != second).sum()
    samples = []
    for _ in range(400):
        rows = random.integers(200, size=200)
        samples.append(cohen_kappa_score(first[rows], second[rows]))
    assert found.error == pytest.approx(np.std(samples), rel=0.2)
    assert "Cohen" in found.sentence
    assert "200 galaxies" in found.sentence


@pytest.mark.truth("Agreement of many people", "the example of Fleiss 1971")
def test_of_many_people_it_is_the_kappa_of_fleiss():
    assert agreement.fleiss(FLEISS_1971, np.ones((1, 10)))[0] == pytest.approx(0.210, abs=5e-4)


def test_galaxies_with_one_vote_say_nothing_and_numbers_of_votes_may_differ():
    found = measure_agreement(votes_of(["a", "a", "b", "a"], ["a", "b", "b", None], ["a", None, "b", None]))
    assert found.galaxies == 3
    assert found.people == ("Ada", "Ben", "Cem")
    assert found.conflicts == 1
    assert found.share == pytest.approx((1 + 0 + 1) / 3)
    assert "Fleiss" in found.sentence
    assert math.isnan(found.error)
    assert "an error needs 10 galaxies" in found.sentence
    assert measure_agreement(votes_of(["a", "b"], [None, None])) is None


def test_complete_agreement_is_one_and_one_class_alone_is_undefined():
    assert measure_agreement(votes_of(["a", "b"] * 8, ["a", "b"] * 8)).kappa == pytest.approx(1)
    alone = measure_agreement(votes_of(["a"] * 12, ["a"] * 12))
    assert math.isnan(alone.kappa)
    assert "undefined" in alone.sentence


def test_chance_is_zero():
    random = np.random.default_rng(0)
    first, second = (random.choice(list("ab"), 4000).tolist() for _ in range(2))
    found = measure_agreement(votes_of(first, second))
    assert abs(found.kappa) < 4 * found.error

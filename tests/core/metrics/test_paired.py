from __future__ import annotations

import threading
from math import comb

import numpy as np
import pytest

from core.data.target import Classes, Quantities
from core.errors import Stopped
from core.events import result_of
from core.metrics import paired
from core.metrics.decision import MOST_PROBABLE

TARGET = Classes("shape", ("disk", "spheroid"))


def predictions(seed: int, accuracy: float, labels: np.ndarray) -> np.ndarray:
    random = np.random.default_rng(seed)
    is_right = random.random(len(labels)) < accuracy
    called = np.where(is_right, labels, 1 - labels)
    return np.where(np.eye(2)[called] > 0, 0.8, 0.2)


@pytest.mark.truth("McNemar's test", "the binomial probabilities")
def test_mcnemar_adds_up_the_binomial_probabilities_of_uneven_splits() -> None:
    first, second = np.array([True] * 9 + [False] * 3 + [True] * 5), np.array([False] * 9 + [True] * 3 + [True] * 5)
    found = paired.mcnemar(first, second)
    assert (found.only_first, found.only_second, found.both, found.neither) == (9, 3, 5, 0)
    expected = sum(comb(12, k) for k in range(13) if k <= 3 or k >= 9) / 2**12
    assert found.probability == pytest.approx(expected)
    assert paired.mcnemar(first, first).probability == 1


@pytest.mark.truth("Paired bootstrap", "the error of the mean difference")
def test_the_paired_error_is_that_of_the_difference_galaxy_by_galaxy() -> None:
    labels = np.arange(800) % 2
    one, other = predictions(1, 0.70, labels), predictions(2, 0.85, labels)
    found = {
        each.metric: each for each in result_of(paired.compare(TARGET, labels, (one, other), (MOST_PROBABLE,) * 2))
    }
    each = (other.argmax(axis=1) == labels).astype(float) - (one.argmax(axis=1) == labels)
    accuracy = found["accuracy"]
    assert accuracy.difference == pytest.approx(each.mean()) == pytest.approx(accuracy.second - accuracy.first)
    assert accuracy.error == pytest.approx(each.std() / np.sqrt(len(each)), rel=0.2)
    assert accuracy.is_significant and accuracy.interval[0] > 0


@pytest.mark.slow
def test_equal_networks_do_not_differ() -> None:
    labels = np.arange(200) % 2
    same = predictions(1, 0.8, labels)
    found = result_of(paired.compare(TARGET, labels, (same, same), (MOST_PROBABLE,) * 2))
    assert all(each.difference == 0 and not each.is_significant for each in found if np.isfinite(each.difference))


@pytest.mark.slow
def test_quantities_are_compared_by_their_own_figures() -> None:
    random = np.random.default_rng(0)
    true = random.normal(20, 2, (300, 1))
    target = Quantities(("mag",), ("mag",))
    good, bad = true + random.normal(0, 0.1, true.shape), true + random.normal(0.2, 0.4, true.shape)
    work = paired.compare(target, true, (bad, good), (MOST_PROBABLE,) * 2)
    found = {each.metric: each for each in result_of(work)}
    assert found["scatter:mag"].is_significant and found["scatter:mag"].difference < 0
    assert found["r2:mag"].difference > 0


def test_it_can_be_stopped() -> None:
    stop = threading.Event()
    stop.set()
    labels = np.arange(20) % 2
    same = predictions(1, 0.8, labels)
    with pytest.raises(Stopped):
        result_of(paired.compare(TARGET, labels, (same, same), (MOST_PROBABLE,) * 2, stop=stop))

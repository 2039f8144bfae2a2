"""What always answering the commonest class gives."""

import numpy as np
import pytest

from core.metrics.guessing import guess, guess_of_run
from core.metrics.report import classification_report


def test_the_commonest_class_alone_gives_its_share_and_one_over_the_number_of_classes():
    found = guess({"spiral": 70, "elliptical": 20, "edge-on": 10, "ring": 0})
    assert found is not None
    assert (found.name, found.accuracy) == ("spiral", 0.7)
    assert found.balanced_accuracy == pytest.approx(1 / 3)
    assert "“spiral”: accuracy 0.700, balanced accuracy 0.333" in found.sentence


def test_without_two_classes_there_is_nothing_to_guess():
    assert guess({"spiral": 7, "ring": 0}) is guess({}) is None
    assert guess_of_run({"validation": {"r2": 0.4}}) is None


def test_it_agrees_with_a_network_that_always_answers_that_class():
    labels = np.repeat([0, 1, 2], [12, 5, 3])
    report = classification_report(labels, np.tile([0.8, 0.1, 0.1], (20, 1)), ("a", "b", "c"))
    assert report.guess is not None
    assert report.accuracy.value == report.guess.accuracy
    assert report.balanced_accuracy == pytest.approx(report.guess.balanced_accuracy)
    assert report.to_json()["commonest_class"]["name"] == "a"

"""Intervals of balanced accuracy and macro F1 against the scatter of many surveys."""

from __future__ import annotations

import numpy as np
import pytest

from core.metrics.confusion_bootstrap import bootstrap
from core.metrics.report import classification_report
from core.wording import with_distances

TRUE = np.array([[0.55, 0.08, 0.02], [0.05, 0.18, 0.02], [0.01, 0.02, 0.07]])


def means(confusion):
    hits, true, called = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return (hits / true).mean(), (2 * hits / (true + called)).mean()


def test_about_two_of_three_surveys_have_the_truth_in_their_intervals():
    random, truth = np.random.default_rng(1), means(TRUE)
    inside = []
    for _ in range(120):
        found = bootstrap(random.multinomial(400, TRUE.ravel() / TRUE.sum()).reshape(3, 3))
        assert found.balanced_accuracy is not None
        assert found.macro_f1 is not None
        inside.append([low < value < high for value, (low, high) in zip(truth, found[:2], strict=True)])
    assert 0.55 < np.mean(inside) < 0.8


def test_a_report_has_them_with_its_other_intervals():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 200)
    scores = random.dirichlet([1, 1, 1], 200) + 0.4 * np.eye(3)[labels]
    report = classification_report(labels, scores / 1.4, ("a", "b", "c"))
    kept = report.to_json()["intervals"]
    for name in ("balanced_accuracy", "macro_f1"):
        low, high = kept[name]
        assert low < getattr(report, name) < high
        assert 0.005 < high - low < 0.2
    alone = classification_report(np.zeros(5, np.int64), scores[:5] / 1.4, ("a", "b", "c"))
    assert alone.mean_intervals == (None, None, (None,) * 3), "all galaxies are of one class"
    for name, (low, high) in kept["f1"].items():
        assert low < report.f1[name] < high


@pytest.mark.parametrize(
    ("value", "interval", "text"),
    [(0.8451, (0.832, 0.857), "0.845 (+0.012 −0.013)"), (0.5, None, "0.500"), (None, None, "–")],
)
def test_they_are_written_behind_the_number(value, interval, text):
    assert with_distances(value, interval) == text

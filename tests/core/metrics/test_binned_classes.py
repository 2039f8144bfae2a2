from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from core.metrics.binned_classes import bin_classes, metrics_for, value_of
from core.metrics.decision import MOST_PROBABLE

NAMES = ("disk", "spheroid", "edge-on")


def faint_ones_are_harder(count: int = 900) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    magnitude = random.uniform(18, 24, count)
    labels = random.integers(0, 3, count)
    logits = random.normal(0, 1, (count, 3)) + 0.5 * (24.5 - magnitude)[:, None] * np.eye(3)[labels]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, scores, magnitude


def test_each_bin_has_the_figures_of_its_galaxies() -> None:
    labels, scores, magnitude = faint_ones_are_harder()
    found = bin_classes(labels, scores, NAMES, MOST_PROBABLE, magnitude, bins=3)
    (group,) = found.groups
    assert [each.report.galaxies for each in group.bins] == [300, 300, 300]
    called = scores.argmax(axis=1)
    for number, each in enumerate(group.bins):
        is_last = number == 2
        own = (magnitude >= each.low) & ((magnitude <= each.high) if is_last else (magnitude < each.high))
        truth, answer = labels[own], called[own]
        expected = {
            "accuracy": accuracy_score(truth, answer),
            "completeness:disk": recall_score(truth, answer, labels=[0], average=None)[0],
            "purity:disk": precision_score(truth, answer, labels=[0], average=None)[0],
            "macro_f1": f1_score(truth, answer, average="macro"),
        }
        for metric, value in expected.items():
            got = value_of(each.report, metric)
            assert got is not None and got[0] == pytest.approx(value) and got[1] <= got[0] <= got[2]
            assert got[1] < got[2]
        assert each.middle == pytest.approx(np.median(magnitude[own]))
    bright, faint = (value_of(group.bins[place].report, "accuracy") for place in (0, 2))
    assert bright is not None and faint is not None and bright[1] > faint[2]


def test_every_figure_has_a_value_and_an_interval() -> None:
    labels, scores, magnitude = faint_ones_are_harder()
    (group,) = bin_classes(labels, scores, NAMES, MOST_PROBABLE, magnitude).groups
    for metric in metrics_for(NAMES):
        for each in group.bins:
            found = value_of(each.report, metric)
            assert found is not None and found[1] <= found[0] <= found[2]


def test_galaxies_are_split_and_those_without_a_value_are_counted() -> None:
    labels, scores, magnitude = faint_ones_are_harder()
    magnitude[:50] = np.nan
    where = np.where(np.arange(900) % 2, "isolated", "")
    found = bin_classes(labels, scores, NAMES, MOST_PROBABLE, magnitude, bins=2, split=where)
    assert [group.name for group in found.groups] == ["isolated", "unknown"]
    assert (found.galaxies, found.left_out) == (850, 50) and "50 more have no value" in found.sentence
    assert sum(group.whole.report.galaxies for group in found.groups) == 850


def test_a_column_without_values_has_no_bins() -> None:
    labels, scores, _ = faint_ones_are_harder(20)
    found = bin_classes(labels, scores, NAMES, MOST_PROBABLE, np.full(20, np.nan))
    assert not found.groups and found.left_out == 20
    (group,) = bin_classes(labels, scores, NAMES, MOST_PROBABLE, np.full(20, 3.0)).groups
    assert [each.report.galaxies for each in group.bins] == [20]

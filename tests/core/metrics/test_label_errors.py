from __future__ import annotations

import numpy as np
import pytest

from core.metrics import label_errors


def count_slowly(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The confident joint of Northcutt et al. 2021, equation 1, galaxy by galaxy."""
    kinds = range(scores.shape[1])
    limits = [np.mean([scores[n, j] for n in range(len(labels)) if labels[n] == j]) for j in kinds]
    found = np.zeros((len(kinds), len(kinds)), int)
    for n, label in enumerate(labels):
        confident = [j for j in kinds if scores[n, j] >= limits[j]]
        if confident:
            found[label, max(confident, key=lambda j: scores[n, j])] += 1
    return found


def noisy(share: float, count: int = 1500) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True classes, labels of which a share is wrong, and probabilities that know the true ones."""
    random = np.random.default_rng(3)
    true = random.integers(0, 3, count)
    is_wrong = random.random(count) < share
    labels = np.where(is_wrong, (true + random.integers(1, 3, count)) % 3, true)
    logits = random.normal(0, 0.7, (count, 3)) + 4 * np.eye(3)[true]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return true, labels, scores


def test_the_confident_joint_is_that_of_the_definition() -> None:
    _, labels, scores = noisy(0.1, 200)
    np.testing.assert_array_equal(label_errors.confident_joint(labels, scores), count_slowly(labels, scores))


@pytest.mark.truth("Probable label errors", "planted ones")
def test_planted_errors_are_found_and_counted() -> None:
    true, labels, scores = noisy(0.1)
    found = label_errors.find(labels, scores)
    is_wrong = labels != true
    assert is_wrong[found.places].mean() > 0.95 and is_wrong[found.places].sum() > 0.85 * is_wrong.sum()
    assert (found.suggested == true[found.places]).mean() > 0.95
    assert (np.diff(found.margin) <= 0).all()
    assert found.share is not None and found.error is not None
    assert abs(found.share - is_wrong.mean()) < 3 * found.error
    np.testing.assert_allclose(found.joint.sum(axis=1), np.bincount(labels))  # as many as are labelled so


def test_right_labels_are_let_alone() -> None:
    true, _, scores = noisy(0.0)
    found = label_errors.find(true, scores)
    assert len(found.places) < 0.02 * len(true)
    assert found.share is not None and found.share < 0.02


def test_a_class_without_labels_and_no_galaxies_do_no_harm() -> None:
    found = label_errors.find(np.array([0, 0, 1, 1]), np.array([[0.8, 0.1, 0.1]] * 2 + [[0.1, 0.8, 0.1]] * 2))
    assert not len(found.places) and found.share == pytest.approx(0)
    empty = label_errors.find(np.zeros(0, np.int64), np.zeros((0, 3)))
    assert empty.share is None and not len(empty.places)

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss

from core.errors import NotPossible
from core.metrics import temperature


def overconfident(count: int, factor: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from probabilities, and those probabilities made too sure by a factor on their logarithms."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.2, (count, 3))
    right = softmax(logits, axis=1)
    labels = (right.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    return labels, softmax(factor * logits, axis=1).astype(np.float32)


def test_the_factor_by_which_a_network_is_too_sure_is_found() -> None:
    labels, scores = overconfident(4000, 2.5)
    found = temperature.fit(labels, scores)
    assert abs(found.value - 2.5) < 3 * found.error
    assert 0 < found.error < 0.15


@pytest.mark.truth("Temperature", "another optimiser")
def test_it_is_the_minimum_that_another_optimiser_finds() -> None:
    labels, scores = overconfident(500, 1.7)
    found = minimize_scalar(
        lambda value: log_loss(labels, softmax(np.log(scores.astype(float)) / value, axis=1)), (1.0, 3.0), tol=1e-8
    )
    assert temperature.fit(labels, scores).value == pytest.approx(found.x, rel=1e-4)


@pytest.mark.truth("Error of the temperature", "the scatter over new samples")
@pytest.mark.slow
def test_the_error_is_the_scatter_of_new_samples() -> None:
    found = [temperature.fit(*overconfident(400, 2.0, seed)) for seed in range(80)]
    assert np.mean([each.error for each in found]) == pytest.approx(np.std([each.value for each in found]), rel=0.25)


def test_temperatures_leave_the_order_and_multiply() -> None:
    _, scores = overconfident(50, 1.0)
    warm = temperature.apply(scores, 2.0)
    assert (warm.argmax(axis=1) == scores.argmax(axis=1)).all() and warm.max() < scores.max()
    np.testing.assert_allclose(temperature.apply(warm, 0.5), scores, rtol=1e-5)


def test_where_no_temperature_is_best_it_is_said() -> None:
    sure = np.tile([0.9, 0.1], (30, 1))
    with pytest.raises(NotPossible, match="every validation galaxy is right"):
        temperature.fit(np.zeros(30, np.int64), sure)
    with pytest.raises(NotPossible, match="no better than chance"):
        temperature.fit(np.ones(30, np.int64), sure)
    with pytest.raises(NotPossible, match="20 labelled validation galaxies, and there are 5"):
        temperature.fit(np.zeros(5, np.int64), sure[:5])

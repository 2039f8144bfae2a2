"""Errors are written where they mean something."""

import math

import numpy as np
import pytest

from core.data.target import Classes
from core.metrics.merits import sampling_error
from core.metrics.uncertainty import plus_minus


@pytest.mark.parametrize("error", [0.0, 5.6e-17, math.nan, math.inf, None])
def test_an_error_that_is_none_is_not_written(error: float | None) -> None:
    assert plus_minus(error) == ""


def test_an_error_is_written_with_its_digits() -> None:
    assert plus_minus(0.01234) == " ± 0.012"
    assert plus_minus(0.01234, ".3f") == " ± 0.012"


def test_a_score_that_is_the_same_in_all_samples_has_no_error_by_rounding() -> None:
    target = Classes("kind", ("a", "b", "c"))
    labels = np.arange(90) % 3
    always_a = np.tile(np.array([0.6, 0.3, 0.1], np.float32), (90, 1))  # a balanced accuracy of 1/3 in every sample
    assert sampling_error(target, labels, always_a, "balanced_accuracy", 0) == 0

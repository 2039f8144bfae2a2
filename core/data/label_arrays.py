"""Arrays of labels in containers, in the shapes that libraries give them: (N,), (N, 1), and one-hot (N, K)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_CLASSES = 256


def may_be_column(shape: Sequence[int], dtype: np.dtype[Any], count: int) -> bool:
    """Whether an array may hold one value for each of ``count`` galaxies."""
    if not shape or shape[0] != count or dtype.kind == "V":
        return False
    if len(shape) == 2:
        return shape[1] == 1 or (1 < shape[1] <= _MOST_CLASSES and dtype.kind in "buif")
    return len(shape) == 1


def as_column(values: NDArray[Any]) -> NDArray[Any] | None:
    """One value (N,) for each galaxy: the number of the class, counted from 0, of one-hot rows; None if it is none."""
    if values.ndim == 1:
        return values
    if values.shape[1] == 1:
        return values[:, 0]
    is_one = values == 1
    if not (is_one | (values == 0)).all() or not (is_one.sum(axis=1) == 1).all():
        return None
    return is_one.argmax(axis=1)

"""Similarity of two maps in the ranks of their pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of two maps (H, W), from -1 to 1.

    NaN where it is undefined: one of them is constant, or not finite.
    """
    for values in (first, second):
        if not np.isfinite(values).all() or np.ptp(values) == 0:
            return float("nan")
    found: Any = spearmanr(first.ravel(), second.ravel())  # scipy's results have no types
    return float(found.statistic)

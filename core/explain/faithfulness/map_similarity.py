"""How much two maps are alike, in the order of their pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of two maps (H, W), from -1 to 1.

    NaN where it has no meaning: one of them is the same everywhere, or not finite.
    """
    for values in (first, second):
        if not np.isfinite(values).all() or np.ptp(values) == 0:
            return float("nan")
    return float(spearmanr(first, second, axis=None).statistic)

r"""R², the fraction of the labels' variance that is predicted, and its counterpart for angles.

For an angle with period :math:`P` the squared differences are replaced by :math:`1 - \cos(2\pi \Delta / P)`, and the
mean by the mean direction, so that it is 1 for perfect predictions, 0 for always predicting the mean direction, and
negative for worse, as it is for numbers. For small differences about a direction the two agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST_VARIANCE = 1e-12  # of angles around the circle: below it they are equal, up to rounding


def r_squared(labels: NDArray[Any], values: NDArray[Any], periods: Sequence[float | None] = ()) -> NDArray[np.float64]:
    """R² of each of K columns, from true and predicted values (n, K).

    ``periods`` are those of the angles among them, None for a plain number; empty: there are no angles. NaN where all
    labels are equal, or predictions are not finite.
    """
    r2 = np.full(labels.shape[1], np.nan)
    if not len(labels):
        return r2
    known = np.isfinite(values).all(axis=0) & (np.ptp(labels, axis=0) > 0)
    for place, period in enumerate(periods):
        if period is not None and known[place]:
            r2[place] = _of_angles(labels[:, place], values[:, place], period)
            known[place] = False
    if known.any():
        from sklearn.metrics import r2_score  # takes a second to import, and only quantities need it

        r2[known] = r2_score(labels[:, known], values[:, known], multioutput="raw_values")
    return r2


def _of_angles(labels: NDArray[np.float64], values: NDArray[np.float64], period: float) -> float:
    phase = 2 * np.pi / period * labels
    variance = 1 - np.hypot(np.cos(phase).mean(), np.sin(phase).mean())
    missed = 1 - np.cos(2 * np.pi / period * values - phase).mean()
    return float(1 - missed / variance) if variance > _LEAST_VARIANCE else np.nan

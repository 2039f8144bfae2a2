"""How wrong a predicted quantity must be for its galaxy to count as an outlier."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_RELATIVE_LIMIT = 0.5
_HALF_IN_MAGNITUDES = 2.5 * math.log10(1.5)  # a flux that is wrong by half
_SHARE_OF_PERIOD = 1 / 6  # 30° of a position angle, a third of the largest difference


def outlier_limits(
    true: NDArray[np.float64], unit: str = "", period: float | None = None
) -> tuple[NDArray[np.float64], str]:
    """The limit (n,) of |predicted − true| above which a galaxy is an outlier, and the rule in words.

    Half of the true value; a flux that is wrong by half, for magnitudes; a sixth of the period, for an angle; and
    three standard deviations of the true values where one of them is zero or negative.
    """
    if period:
        limit = _SHARE_OF_PERIOD * period
        return np.full(len(true), limit), f"an angle that is wrong by more than {limit:g} {unit}".rstrip()
    if unit.strip().lower() in {"mag", "abmag", "mag(ab)", "ab mag"}:
        return np.full(len(true), _HALF_IN_MAGNITUDES), f"wrong by more than {_HALF_IN_MAGNITUDES:.2f} mag, half a flux"
    known = true[np.isfinite(true)]
    if (known > 0).all():
        return _RELATIVE_LIMIT * true, "wrong by more than half of the true value"
    limit = 3 * float(known.std())
    return np.full(len(true), limit), f"wrong by more than {limit:.3g} {unit}".rstrip() + ", 3 σ of the true values"

"""Writing errors of measurement where they mean something."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

SMALLEST = 1e-12  # less is rounding


def plus_minus(error: float | None, form: str = ".2g") -> str:
    """The error behind a value, such as “ ± 0.012”; empty where it is unknown, infinite or no more than rounding.

    Examples
    --------
    >>> f"0.912{plus_minus(0.0123)}"
    '0.912 ± 0.012'
    >>> plus_minus(5.6e-17), plus_minus(float("nan")), plus_minus(None)
    ('', '', '')
    """
    return f" ± {error:{form}}" if error is not None and SMALLEST < error < math.inf else ""


def error_of_share(share: float, total: int) -> float:
    """Half of Wilson's 68 % interval of a share of ``total`` > 0.

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22, 209.

    Examples
    --------
    >>> round(error_of_share(78 / 136, 136), 4)
    0.0423
    """
    return math.sqrt(share * (1 - share) / total + 1 / (4 * total**2)) / (1 + 1 / total)


def find_error(scores: Mapping[str, Any], name: str) -> float | None:
    """Find the error of a figure of merit of one part: half of its interval, as the evaluation shows it.

    None where it was not saved, but for an accuracy on so many galaxies, which has Wilson's interval.
    """
    share, galaxies = scores.get("accuracy"), scores.get("galaxies")
    is_known = name == "accuracy" and share is not None and 0 <= share <= 1 and galaxies
    if is_known:
        return error_of_share(share, galaxies)
    if (error := scores.get(f"{name}_error")) is not None:
        return error
    interval = (scores.get("intervals") or {}).get(name)
    return None if interval is None or None in interval else (interval[1] - interval[0]) / 2

"""Columns of votes as catalogues hold them: fractions that add up to one, percent, or counts beside their total."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

VoteScale = Literal["fractions", "percent", "counts", ""]

_TOLERANCE = 0.02  # relative, of a sum: votes are rounded
_TOTAL = re.compile(
    r"(^|[_\-. ])(n|num|number|total|sum|count|votes?|answers?|classifications?)([_\-. ]|$)", re.IGNORECASE
)


def scale_of(rows: NDArray[np.float64], others: Mapping[str, Any] | None = None) -> VoteScale:
    """How votes for the answers of one question are written; empty if these are no votes.

    Parameters
    ----------
    rows
        (N, K) numbers of two columns or more.
    others
        Further columns (N,). Whole numbers are counts of votes only if one that is called like a total is their sum.
    """
    whole_rows = np.isfinite(rows).all(axis=1)
    known = rows[whole_rows]
    if not len(known) or rows.shape[1] < 2 or (known < -1e-6).any():
        return ""
    sums = known.sum(axis=1)
    for scale, total in (("fractions", 1.0), ("percent", 100.0)):
        if (known <= total * (1 + 1e-6)).all() and np.allclose(sums, total, rtol=0, atol=_TOLERANCE * total):
            return scale
    if (known == np.round(known)).all() and sums.any():
        for name, column in (others or {}).items():
            values = np.ma.asarray(column)
            if _TOTAL.search(name) and values.dtype.kind in "iuf" and len(values) == len(rows):
                totals = np.ma.filled(values.astype(np.float64), np.nan)[whole_rows]
                if np.array_equal(totals, sums):
                    return "counts"
    return ""


def describe(scale: VoteScale, names: Sequence[str]) -> str:
    """A sentence on how votes are written where they have to be divided; empty for fractions and for what is none."""
    listed = ", ".join(f"“{name}”" for name in names)
    if scale == "percent":
        return f"The columns {listed} are votes in percent (they add up to 100) and are divided by 100."
    if scale == "counts":
        return f"The columns {listed} are numbers of votes (a column holds their sum) and are divided by it."
    return ""

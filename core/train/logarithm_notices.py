"""What to know of logarithms before a training: which quantities are learned so without being told, and which not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.data import logarithms
from core.data.settings import DataSettings
from core.data.target import Quantities, Target
from core.errors import Problem


def find(target: Target, labels: NDArray[np.float32], settings: DataSettings) -> list[Problem]:
    """Which quantities were recognised as positive, and which only look so by their names.

    Parameters
    ----------
    target, labels
        As :func:`core.data.target.encode` gives them, of all galaxies of the dataset.
    settings
        Say whether logarithms are to be recognised.
    """
    if not isinstance(target, Quantities):
        return []
    found: list[Problem] = []
    if settings.logarithms != logarithms.AUTO:
        unknown = [name for name in logarithms.parse(settings.logarithms) if name not in target.columns]
        told = f"{', '.join(unknown)}: named under Logarithms, but not learned."
        return [Problem(told, f"Learned are {', '.join(target.columns)}.", "data.logarithms")] if unknown else []
    if target.logarithms:
        found.append(
            Problem(
                f"Learned as logarithms, since they are positive sizes, fluxes or the like: "
                f"{', '.join(target.logarithms)}. Answers are never negative, and small values count as large ones do.",
                "If they are to be learned as plain numbers, say so under Logarithms.",
                "data.logarithms",
            )
        )
    each = zip(target.columns, target.units, target.periods, labels.T.astype(np.float64), strict=True)
    for name, unit, period, values in each:
        bad = logarithms.count_not_positive(values)
        if bad and period is None and logarithms.is_positive_by_nature(name, unit, values):
            found.append(
                Problem(
                    f"“{name}” is learned as a plain number and not as a logarithm, because {bad:,} of its "
                    f"{int(np.isfinite(values).sum()):,} values are zero or negative.",
                    "Leave these values empty in the catalogue if they are no measurements.",
                    "data.logarithms",
                )
            )
    return found

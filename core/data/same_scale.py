"""Whether two pixel scales are one and the same, but for how files and headers round them."""

from __future__ import annotations

_TOLERANCE = 1.02  # ratio: distortions and rounded headers stay below it


def differ(scale: float, other: float) -> bool:
    """Whether two pixel scales, in the same unit, are not practically the same; False where one of them is NaN."""
    return max(scale, other) > _TOLERANCE * min(scale, other)

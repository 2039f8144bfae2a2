"""Tick values along the axis of a searched setting: a few round values of a range, or every choice."""

from __future__ import annotations

import math

from core.studies.search_space import Choices, Dimension, Range

_TARGET_COUNT = 5  # ticks along a range, approximately
_MIN_SPACING = 0.06  # of an axis: closer labels would overlap
_ROUND_STEPS = (1, 2, 2.5, 5, 10)


def axis_ticks(axis: Dimension) -> list[tuple[float, str]]:
    """Positions on an axis, 0 … 1, and their labels."""
    if isinstance(axis, Choices):
        return [(axis.place(value), str(value)) for value in axis.values]
    values = _logarithmic_values(axis) if axis.log else round_values(axis.low, axis.high, whole=axis.whole)
    return [(min(axis.place(value), 1.0), f"{value:.3g}") for value in values]


def round_values(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round values from ``low`` to ``high``, evenly apart, about five."""
    if not low < high:
        return [low]
    rough = (high - low) / _TARGET_COUNT
    decade = 10.0 ** math.floor(math.log10(rough))
    step = next(each * decade for each in _ROUND_STEPS if each * decade >= rough * (1 - 1e-9))
    if whole:
        step = max(1, round(step))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _logarithmic_values(axis: Range) -> list[float]:
    """Both ends, and between them the powers of ten, with twice and five times each where there are few."""
    decades = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    leading = (1, 2, 5) if axis.high < 100 * axis.low else (1,)
    inner = [digit * 10.0**decade for decade in decades for digit in leading]
    return [axis.low, *(value for value in inner if _MIN_SPACING < axis.place(value) < 1 - _MIN_SPACING), axis.high]

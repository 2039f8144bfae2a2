"""What is written along the axis of a knob: a few round values of a range, or every choice."""

from __future__ import annotations

from core.studies.search_space import Choices, Dimension, Range

_MOST_TICKS = 5  # along a range
_MOST_DECADES = 9  # labelled; of more, every second or third
_MIN_SPACING = 0.06  # of an axis: closer labels would overlap


def axis_ticks(axis: Dimension) -> list[tuple[float, str]]:
    """Positions on an axis, 0 … 1, and their labels."""
    if isinstance(axis, Choices):
        return [(axis.place(value), str(value)) for value in axis.values]
    values = _logarithmic_values(axis) if axis.log else round_values(axis.low, axis.high, whole=axis.whole)
    return [(min(axis.place(value), 1.0), f"{value:.3g}") for value in values]


def round_values(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Round values from ``low`` to ``high``, evenly apart, about five."""
    from matplotlib.ticker import MaxNLocator  # late: the window is painted first

    if not low < high:
        return [low]
    values = MaxNLocator(_MOST_TICKS, steps=[1, 2, 2.5, 5, 10], integer=whole).tick_values(low, high)
    margin = 1e-9 * (high - low)
    return [float(value) for value in values if low - margin <= value <= high + margin]


def _logarithmic_values(axis: Range) -> list[float]:
    """Both ends, and between them the powers of ten, with their twofold and fivefold where there are few."""
    from matplotlib.ticker import LogLocator

    leading = (1, 2, 5) if axis.high < 100 * axis.low else (1,)
    values = LogLocator(subs=leading, numticks=_MOST_DECADES).tick_values(axis.low, axis.high)
    inner = (float(value) for value in values if _MIN_SPACING < axis.place(value) < 1 - _MIN_SPACING)
    return [axis.low, *inner, axis.high]

"""What a plot of binned figures of merit shows: a line with error bars for each method and class of galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluate.comparison import FIT, Comparison
from core.metrics.binned import Bin, Figure


@dataclass(frozen=True)
class PanelText:
    """A figure of merit: its title, the value that is wished for, and what is said where there is nothing to show."""

    title: str
    wanted: float | None
    without: str


PANELS = {
    "bias": PanelText("bias", 0.0, "too few galaxies in each bin"),
    "scatter": PanelText("scatter", None, "too few galaxies in each bin"),
    "outliers": PanelText("outliers", None, "no galaxies"),
    "within": PanelText("in error bars", 0.683, "the network gives no error bars"),
}


@dataclass(frozen=True, eq=False)
class Line:
    """One line: points (k,) with their errors, its method, the class and its number, and how many galaxies it has."""

    method: str
    name: str
    group: int
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    below: NDArray[np.float64]
    above: NDArray[np.float64]
    counts: tuple[int, ...]
    galaxies: int

    @property
    def is_fit(self) -> bool:
        """Whether it is of the classical fit."""
        return self.method == FIT


def lines_of(comparison: Comparison, panel: str) -> list[Line]:
    """The lines of one of :data:`PANELS`; bins without a value are left out, and lines without any."""
    found = []
    names = [group.name for group in comparison.network.groups]
    for method, metrics in comparison.methods:
        for group in metrics.groups:
            points = [(each, value) for each in group.bins if (value := _value(each, panel)) is not None]
            if points:
                x = np.array([each.middle for each, _ in points])
                y, below, above = np.array([value for _, value in points]).T
                number = names.index(group.name) if group.name in names else 0
                counts = tuple(each.galaxies for each, _ in points)
                found.append(Line(method, group.name, number, x, y, below, above, counts, group.whole.galaxies))
    return found


def _value(each: Bin, panel: str) -> tuple[float, float, float] | None:
    """Value, and its error downwards and upwards."""
    found = getattr(each, panel)
    if found is None or found.value is None:
        return None
    if isinstance(found, Figure):
        return found.value, found.error, found.error
    low, high = found.interval
    return found.value, found.value - low, high - found.value

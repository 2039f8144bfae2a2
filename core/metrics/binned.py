r"""How well a quantity is measured, as a function of any column: magnitude, size, distance to a neighbour.

In each bin of the column, with :math:`d` = predicted − true: the *bias* is the median of :math:`d`, the *scatter* half
the distance between its 16th and 84th percentiles (the standard deviation, if :math:`d` is normal), the *outlier
fraction* the share of galaxies with :math:`|d|` above a stated limit, and :math:`R^2 = 1 - \sum d^2 / \sum (t - \bar
t)^2` the share of the true values' variance **in that bin** that is predicted: in narrow bins of the quantity itself
it is low, since little variance is left there. Errors of bias, scatter and :math:`R^2` are standard deviations over
bootstrap samples of the bin's galaxies, which in a bin of many are smaller than the bin, with the error scaled by the
root of the numbers; shares have Wilson's 68 % interval.

References
----------
Efron 1979, Annals of Statistics 7, 1 (bootstrap); Bickel, Götze & van Zwet 1997, Statistica Sinica 7, 1 (of smaller
samples); Euclid Collaboration: Bretonnière et al. 2023, A&A 671, A102 (these
figures against magnitude, as the Euclid Morphology Challenge reports them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import angles
from core.data.encodings import Encoding, residual
from core.metrics.fraction import Fraction
from core.metrics.outliers import outlier_limits
from core.wording import count_of

FEWEST = 10
"""In a bin with fewer galaxies a percentile means nothing."""
_SAMPLES = 200
_LARGEST_SAMPLE = 2000  # galaxies
_PERCENTILES = (16, 50, 84)


@dataclass(frozen=True)
class Figure:
    """A figure of merit and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Bin:
    """The galaxies of one bin.

    Attributes
    ----------
    low, high
        Limits of the column; a galaxy on a limit belongs to the bin above, and on the last one to the last bin.
    middle
        Median of the column over the bin's galaxies; NaN without galaxies.
    galaxies
        How many there are.
    bias, scatter
        In the quantity's unit; None for fewer than :data:`FEWEST` galaxies.
    outliers
        The share beyond the limit of :func:`core.metrics.outliers.outlier_limits`.
    r2
        None for few galaxies, where all true values are equal, and for a quantity with a period, which has no mean.
    within
        The share with the true value within the error bar, if there are error bars: 68.3 % where these are right.
    """

    low: float
    high: float
    middle: float
    galaxies: int
    bias: Figure | None
    scatter: Figure | None
    outliers: Fraction
    r2: Figure | None
    within: Fraction | None


@dataclass(frozen=True)
class BinnedGroup:
    """The bins of one class of galaxies, and all its galaxies as one bin."""

    name: str
    bins: tuple[Bin, ...]
    whole: Bin


@dataclass(frozen=True)
class BinnedMetrics:
    """Figures of merit of one quantity in bins of a column.

    Attributes
    ----------
    groups
        One for each class of the column that splits the galaxies, in the order of the names; a single one without.
    edges
        (B + 1,): limits of the bins, the same in all groups.
    galaxies, left_out
        How many are in a bin; how many are not, since a value is missing or the column is beyond the edges.
    outlier_rule
        What counts as an outlier, in words.
    """

    groups: tuple[BinnedGroup, ...]
    edges: tuple[float, ...]
    galaxies: int
    left_out: int
    outlier_rule: str

    @property
    def sentence(self) -> str:
        """Over which galaxies the figures are, and what an outlier is."""
        text = count_of(self.galaxies, "galaxy")
        if self.left_out:
            text += f"; {self.left_out:,} more are left out, whose value is missing or beyond the bins"
        return f"{text}. Outliers: {self.outlier_rule}. Bins of fewer than {FEWEST} galaxies have no bias or scatter."


@dataclass(frozen=True, eq=False)
class _Galaxies:
    """Values (n,) of the galaxies that are compared; ``within`` its error bar: 1 or 0, NaN without one; may be None."""

    true: NDArray[np.float64]
    off: NDArray[np.float64]
    against: NDArray[np.float64]
    limits: NDArray[np.float64]
    within: NDArray[np.float64] | None
    has_mean: bool

    def choose(self, which: NDArray[Any]) -> _Galaxies:
        """Those of them."""
        within = None if self.within is None else self.within[which]
        return _Galaxies(
            self.true[which], self.off[which], self.against[which], self.limits[which], within, self.has_mean
        )


def bin_metrics(
    true: NDArray[Any],
    predicted: NDArray[Any],
    against: NDArray[Any],
    *,
    bins: int = 8,
    edges: Sequence[float] | None = None,
    errors: NDArray[Any] | None = None,
    split: Sequence[str] | NDArray[Any] | None = None,
    unit: str = "",
    period: float | None = None,
    is_logarithm: bool = False,
    seed: int = 0,
) -> BinnedMetrics:
    """Compute the figures of merit of one quantity in bins of a column.

    Parameters
    ----------
    true, predicted
        (n,) in the quantity's unit; NaN where unknown.
    against
        (n,) column of numbers; NaN where unknown.
    bins
        How many bins of equal numbers of galaxies; fewer where many galaxies share a value.
    edges
        Limits (B + 1,) of the bins, ascending, instead.
    errors
        (n,) error bars in the quantity's unit.
    split
        (n,) class of each galaxy, such as its environment; a class without a name is called “unknown”.
    unit
        Of the quantity; decides what an outlier is.
    period
        Of an angle, in its unit, such as 180 for a position angle in degrees; None: it is no angle.
    is_logarithm
        Whether the error bars are those of a quantity that was learned as a logarithm, see :mod:`core.data.encodings`.
    seed
        Of the bootstrap.

    Raises
    ------
    ValueError
        The edges are not ascending.
    """
    values = [np.asarray(each, np.float64) for each in (true, predicted, against)]
    off = np.asarray(angles.difference(values[1], values[0], period), np.float64)
    within = None
    if errors is not None:
        missed = np.abs(residual(values[1], values[0], Encoding(period, is_logarithm)))
        within = np.where(np.isfinite(errors), missed <= np.asarray(errors, np.float64), np.nan)
    known = np.isfinite(off) & np.isfinite(values[2])
    limits, rule = outlier_limits(values[0], unit, period)
    whole = _Galaxies(values[0], off, values[2], limits, within, has_mean=not period)
    found = _equal_numbers(values[2][known], bins) if edges is None else np.asarray(edges, np.float64)
    if len(found) > 1 and not (np.diff(found) > 0).all():
        raise ValueError(f"the edges of the bins are not ascending: {found.tolist()}")
    if len(found):
        known &= (values[2] >= found[0]) & (values[2] <= found[-1])
    names = np.full(len(off), "") if split is None else np.array([str(each) or "unknown" for each in split])
    random = np.random.default_rng(seed)
    groups = [
        _group(name, whole.choose(known & (names == name)), found, random) for name in np.unique(names[known]).tolist()
    ]
    total = int(known.sum())
    return BinnedMetrics(tuple(groups), tuple(found.tolist()), total, len(off) - total, rule)


def _equal_numbers(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Edges of bins that hold equal numbers of these values; none without values."""
    if not len(values):
        return np.zeros(0)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    return edges if len(edges) > 1 else np.array([edges[0], np.nextafter(edges[0], math.inf)])


def _group(name: str, galaxies: _Galaxies, edges: NDArray[np.float64], random: np.random.Generator) -> BinnedGroup:
    place = np.minimum(np.searchsorted(edges, galaxies.against, side="right") - 1, len(edges) - 2)
    bins = [
        _summarise(galaxies.choose(place == number), low, high, random)
        for number, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    ]
    return BinnedGroup(name, tuple(bins), _summarise(galaxies, float(edges[0]), float(edges[-1]), random))


def _summarise(galaxies: _Galaxies, low: float, high: float, random: np.random.Generator) -> Bin:
    count, off = len(galaxies.off), galaxies.off
    outliers = Fraction(int((np.abs(off) > galaxies.limits).sum()), count)
    within = None
    if galaxies.within is not None:
        within = Fraction(int(np.nansum(galaxies.within)), int(np.isfinite(galaxies.within).sum()))
    middle = float(np.median(galaxies.against)) if count else math.nan
    if count < FEWEST:
        return Bin(low, high, middle, count, None, None, outliers, None, within)
    drawn = min(count, _LARGEST_SAMPLE)
    samples = _figures(galaxies, random.integers(0, count, (_SAMPLES, drawn)))
    value, error = _figures(galaxies, np.arange(count)[None])[0], _spread(samples) * math.sqrt(drawn / count)
    bias, scatter = (Figure(float(value[i]), float(error[i])) for i in (0, 1))
    r2 = Figure(float(value[2]), float(error[2])) if galaxies.has_mean and np.isfinite(value[2]) else None
    return Bin(low, high, middle, count, bias, scatter, outliers, r2, within)


def _figures(galaxies: _Galaxies, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bias, scatter and R² (s, 3) of samples of galaxies (s, n)."""
    off, true = galaxies.off[rows], galaxies.true[rows]
    low, middle, high = np.percentile(off, _PERCENTILES, axis=1)
    variance = true.var(axis=1)
    r2 = np.full(len(rows), np.nan)
    np.divide((off**2).mean(axis=1), variance, out=r2, where=variance > 0)
    return np.stack([middle, (high - low) / 2, 1 - r2], axis=1)


def _spread(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of each column over the samples in which it is defined."""
    return np.array([np.std(column[np.isfinite(column)]) if np.isfinite(column).any() else 0 for column in samples.T])

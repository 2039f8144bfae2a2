r"""Finding the galaxies of one class by their probability: ROC, purity against completeness, and the first k.

The galaxies are put in order by the probability :math:`p` of the class, the likeliest first, and the first ones are
taken for the class. With :math:`P` galaxies of the class among :math:`N`, of which :math:`h` are among the first
:math:`k`:

* completeness (true-positive rate, recall) :math:`h/P`, purity (precision) :math:`h/k`, and the share of the other
  galaxies that is taken too (false-positive rate), :math:`(k-h)/(N-P)`;
* the *ROC curve* is completeness against false-positive rate, and the area below it the probability that a galaxy of
  the class comes before another one;
* the *average precision* is the mean purity over the galaxies of the class, :math:`\sum_i \Delta c_i\,\pi_i`, the area
  below purity against completeness;
* the purity of the first :math:`k` is how searches for rare objects are judged.

Purity depends on how frequent the class is: in a survey with the share :math:`f` instead it is
:math:`f c / (f c + (1-f) r)` at completeness :math:`c` and false-positive rate :math:`r`, which do not depend on it.

Galaxies of equal probability have no order: of a group that is taken in part, its mean share is counted. Areas and
curves are scikit-learn's; their bands are of bootstrap samples of the galaxies, purities of the first k have Wilson's
interval, and all are of 68 %.

References
----------
Fawcett 2006, Pattern Recognition Letters 27, 861; Davis & Goadrich 2006, Proc. ICML 23, 233; Metcalf et al. 2019, A&A
625, A119 (the strong-lens finding challenge).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.stats import binom_conf_interval
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

_BOUNDS = (15.87, 84.13)  # percentiles: 68 %
ONE_SIGMA = 0.6827
_SAMPLES, _FEWEST_SAMPLES, _CELLS = 200, 40, 10_000_000  # bootstrap samples, and galaxies in all of them
_RATES = np.unique(np.concatenate([[0.0], np.geomspace(1e-5, 1, 101), np.linspace(0, 1, 101)]))
_COMPLETENESS = np.linspace(0.01, 1, 100)
_PER_DECADE = 16
_EACH = 1000  # ranks up to this one are all drawn, those after it with the steps above

Values = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Band:
    """A curve (m,) with the limits (m,) of its 68 % band; NaN where there is none."""

    x: Values
    y: Values
    low: Values
    high: Values


@dataclass(frozen=True)
class Area:
    """An area below a curve, with its 68 % interval; None where bootstrap samples give none."""

    value: float
    interval: Interval | None


@dataclass(frozen=True, eq=False)
class Ranking:
    """How well one class is found by its probability.

    Attributes
    ----------
    name
        Of the class.
    galaxies, members
        How many galaxies, and how many of the class among them.
    roc
        Completeness against false-positive rate.
    precision
        Purity against completeness.
    top
        Purity of the first k against k.
    auc, average_precision
        Areas below the first two.
    """

    name: str
    galaxies: int
    members: int
    roc: Band
    precision: Band
    top: Band
    auc: Area
    average_precision: Area

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "galaxies": self.galaxies,
            "members": self.members,
            "auc": self.auc.value,
            "auc_interval": self.auc.interval,
            "average_precision": self.average_precision.value,
            "average_precision_interval": self.average_precision.interval,
        }


@dataclass(frozen=True)
class Selection:
    """The galaxies that are taken for a class: those above a threshold, or the first k.

    Attributes
    ----------
    taken
        How many.
    hits
        How many of them are of the class; fractional where the last ones have no order.
    members, galaxies
        How many there are of the class, and in all.
    """

    taken: int
    hits: float
    members: int
    galaxies: int

    @property
    def purity(self) -> tuple[float, Interval] | None:
        """Share of the class among them, with Wilson's interval; None where none is taken."""
        return _share(self.hits, self.taken)

    @property
    def completeness(self) -> tuple[float, Interval] | None:
        """Share of the class that is taken, with Wilson's interval; None where there is none."""
        return _share(self.hits, self.members)

    def purity_at(self, frequency: float) -> tuple[float, Interval] | None:
        """The purity where the class has this share of all galaxies.

        Its interval reaches from the lower 68 % limit of the completeness with the upper one of the share of other
        galaxies that is taken, to the opposite: that none of few others was taken does not mean that none ever is.
        """
        found = self.completeness
        mistaken = _share(self.taken - self.hits, self.galaxies - self.members)
        if found is None or mistaken is None or not self.taken or not 0 < frequency < 1:
            return None

        def purity(right: float, wrong: float) -> float:
            return frequency * right / (frequency * right + (1 - frequency) * wrong)

        (right, (least, most)), (wrong, (fewest, worst)) = found, mistaken
        return purity(right, wrong), (purity(least, worst), purity(most, fewest))


def rank(name: str, is_member: NDArray[np.bool_], scores: NDArray[np.floating[Any]], seed: int = 0) -> Ranking | None:
    """Judge how well the galaxies of a class are found.

    Parameters
    ----------
    name
        Of the class.
    is_member
        (n,) whether a galaxy is of the class.
    scores
        (n,) probability of the class.
    seed
        Of the bootstrap.

    Returns
    -------
    Ranking
        None where all galaxies or none are of the class: there is nothing to find.
    """
    total, members = len(is_member), int(is_member.sum())
    if not 0 < members < total:
        return None
    scores = np.asarray(scores, np.float64)
    false_rates, completeness, _ = roc_curve(is_member, scores)
    purity, found, _ = precision_recall_curve(is_member, scores)
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, [True]))  # the last of each group of equal ones
    rows = _resample(is_member[order], ends, np.random.default_rng(seed))
    roc = _band(_RATES, _completeness_at(false_rates, completeness), [each.roc for each in rows])
    precision = _band(_COMPLETENESS, _purity_at(purity[::-1][1:], found[::-1][1:]), [each.precision for each in rows])
    return Ranking(
        name,
        total,
        members,
        roc,
        precision,
        _top(is_member, scores),
        Area(float(roc_auc_score(is_member, scores)), _interval([each.auc for each in rows])),
        Area(float(average_precision_score(is_member, scores)), _interval([each.average for each in rows])),
    )


def take_first(is_member: NDArray[np.bool_], scores: NDArray[np.floating[Any]], k: int) -> Selection:
    """The k galaxies of the largest scores; all of them where there are fewer."""
    k = min(k, len(scores))
    return Selection(k, float(_hits_among(is_member, scores, np.array([k]))[0]), int(is_member.sum()), len(scores))


def take_above(is_member: NDArray[np.bool_], scores: NDArray[np.floating[Any]], threshold: float) -> Selection:
    """The galaxies of scores from a threshold on."""
    taken = np.asarray(scores) >= threshold
    return Selection(int(taken.sum()), float(is_member[taken].sum()), int(is_member.sum()), len(scores))


def against_threshold(
    is_member: NDArray[np.bool_], scores: NDArray[np.floating[Any]], thresholds: Values
) -> tuple[Band, Band]:
    """Completeness and purity of the galaxies above thresholds (m,), with Wilson's intervals."""
    scores = np.asarray(scores, np.float64)
    every, own = np.sort(scores), np.sort(scores[is_member])
    taken = len(every) - np.searchsorted(every, thresholds, side="left")
    hits = len(own) - np.searchsorted(own, thresholds, side="left")
    return wilson_band(thresholds, hits, np.full(len(thresholds), len(own))), wilson_band(thresholds, hits, taken)


def wilson_band(x: Values, hits: NDArray[Any], totals: NDArray[Any]) -> Band:
    """Shares (m,) with Wilson's 68 % interval; NaN of nothing."""
    y, low, high = (np.full(len(x), np.nan) for _ in range(3))
    known = totals > 0
    if known.any():
        y[known] = hits[known] / totals[known]
        bounds = binom_conf_interval(hits[known], totals[known], ONE_SIGMA, interval="wilson")
        low[known], high[known] = np.minimum(bounds[0], y[known]), np.maximum(bounds[1], y[known])
    return Band(x, y, low, high)


def _share(hits: float, total: int) -> tuple[float, Interval] | None:
    if not total:
        return None
    band = wilson_band(np.zeros(1), np.array([hits]), np.array([total]))
    return float(band.y[0]), (float(band.low[0]), float(band.high[0]))


def _top(is_member: NDArray[np.bool_], scores: Values) -> Band:
    total = len(scores)
    each = np.arange(1, min(total, _EACH) + 1)  # so that the line goes through what is said of any of them
    steps = np.geomspace(1, total, max(2, int(_PER_DECADE * np.log10(total)) + 1))
    tens = 10 ** np.arange(0, np.log10(total) + 1)
    ranks = np.unique(np.clip(np.concatenate([each, steps, tens]), 1, total).round().astype(np.int64))
    return wilson_band(ranks.astype(np.float64), _hits_among(is_member, scores, ranks), ranks)


def _hits_among(is_member: NDArray[np.bool_], scores: NDArray[Any], ranks: NDArray[np.int64]) -> Values:
    """How many of the first k galaxies are of the class: within a group of equal scores its mean share."""
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    if not len(order):
        return np.zeros(len(ranks))
    ends = np.flatnonzero(np.append(np.diff(np.asarray(scores, np.float64)[order]) != 0, [True]))
    found = np.cumsum(is_member[order])[ends]
    return np.interp(ranks, np.append(0, ends + 1), np.append(0, found))


# -- the bootstrap -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Sample:
    """What one sample of the galaxies gives."""

    roc: Values
    precision: Values
    auc: float
    average: float


def _resample(is_member: NDArray[np.bool_], ends: NDArray[np.int64], random: np.random.Generator) -> list[_Sample]:
    """Samples of galaxies in order of their scores, whose groups of equal ones have these last places."""
    total = len(is_member)
    count = max(_FEWEST_SAMPLES, min(_SAMPLES, _CELLS // total))
    found = []
    for _ in range(count):
        weights = np.bincount(random.integers(0, total, total), minlength=total)
        hits = np.cumsum(np.where(is_member, weights, 0))[ends].astype(np.float64)
        taken = np.cumsum(weights)[ends].astype(np.float64)
        if 0 < hits[-1] < taken[-1]:
            found.append(_judge(hits, taken))
    return found


def _judge(hits: Values, taken: Values) -> _Sample:
    """The curves of a sample from the hits among the galaxies that are taken, both after each group."""
    completeness, rates = hits / hits[-1], (taken - hits) / (taken[-1] - hits[-1])
    purity = hits / np.maximum(taken, 1)
    first, second = np.append(0, rates), np.append(0, completeness)
    average = float((np.diff(second) * purity).sum())
    roc = _completeness_at(first, second)
    return _Sample(roc, _purity_at(purity, completeness), float(np.trapezoid(second, first)), average)


def _completeness_at(rates: Values, completeness: Values) -> Values:
    """The completeness at each false-positive rate of the grid."""
    is_highest = np.append(np.diff(rates) > 0, [True])  # of points above each other
    return np.interp(_RATES, rates[is_highest], completeness[is_highest])


def _purity_at(purity: Values, completeness: Values) -> Values:
    """The purity where each completeness of the grid is first reached; of both the last are of all galaxies."""
    places = np.searchsorted(completeness, _COMPLETENESS - 1e-12)
    return purity[np.minimum(places, len(purity) - 1)]


def _band(x: Values, y: Values, samples: list[Values]) -> Band:
    if len(samples) < _FEWEST_SAMPLES // 2:
        return Band(x, y, np.full(len(x), np.nan), np.full(len(x), np.nan))
    low, high = np.percentile(np.array(samples), _BOUNDS, axis=0)
    return Band(x, y, np.minimum(low, y), np.maximum(high, y))


def _interval(values: list[float]) -> Interval | None:
    if len(values) < _FEWEST_SAMPLES // 2:
        return None
    low, high = np.percentile(values, _BOUNDS)
    return (float(low), float(high)) if high > low else None

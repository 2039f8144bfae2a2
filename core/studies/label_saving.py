"""How many labels a strategy saves: with how many labels another one is as good, and how uncertain that is.

The mean scores of the reference are made monotone in the number of labels (isotonic regression) and interpolated
linearly in its logarithm; where that curve has the strategy's score, it needs so many labels for the same.

The uncertainty is a bootstrap of both curves together: over the seeds, which both curves share, and over the galaxies
on which all runs are judged. Few seeds scatter less about their own mean than about the true one; their deviations are
enlarged by √(n/(n − 1)) for that. Curves are not followed beyond the numbers of labels that were measured: there the
answer is a limit. That labels are saved, or lost, is said where 95 % of the samples agree.

References
----------
Barlow et al. 1972, Statistical Inference under Order Restrictions; Efron 1979, Annals of Statistics 7, 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_DRAWS = 2000
_QUANTILES = (0.025, 0.158655, 0.5, 0.841345, 0.975)

Kind = Literal["saves", "saves at least", "costs", "unresolved"]


@dataclass(frozen=True, eq=False)
class Curve:
    """Scores of one strategy.

    Attributes
    ----------
    labels
        Numbers of labels (k,), ascending.
    scores
        Of each run, (k, s) for s seeds; NaN where one is missing.
    samples
        The same on b samples of the galaxies, (k, s, b); the samples are the same for all curves.
    """

    labels: NDArray[np.float64]
    scores: NDArray[np.float64]
    samples: NDArray[np.float64]


@dataclass(frozen=True)
class Saving:
    """What a strategy with some labels is worth in labels of the reference.

    Attributes
    ----------
    labels
        Of the strategy.
    needed
        Labels with which the reference is as good; infinite: more than it was measured with; 0: fewer.
    low, high
        68 % interval of that.
    kind
        Whether it saves labels, or at least so many as the lower limit tells, or costs some; or that is open.
    """

    labels: float
    needed: float
    low: float
    high: float
    kind: Kind


def find_savings(reference: Curve, strategy: Curve, *, rising: bool = True, seed: int = 0) -> tuple[Saving, ...]:
    """What the strategy saves at each of its numbers of labels.

    Parameters
    ----------
    reference, strategy
        Their scores; the seeds, and the samples of the galaxies, correspond.
    rising
        Whether a larger score is the better one.
    seed
        Of the bootstrap.
    """
    random = np.random.default_rng(seed)
    seeds, samples = reference.scores.shape[1], reference.samples.shape[2]
    drawn = random.integers(0, seeds, (_DRAWS, seeds))
    sample = random.integers(0, samples, _DRAWS) if samples else None
    sign = 1.0 if rising else -1.0
    curves = sign * _draw_means(reference, drawn, sample)  # (draws, k)
    reached = sign * _draw_means(strategy, drawn, sample)  # (draws, j)
    usable = np.isfinite(curves).all(axis=1)
    curves, reached = make_monotone(curves[usable]), reached[usable]
    found: list[Saving] = []
    for place, labels in enumerate(strategy.labels):
        known = np.isfinite(reached[:, place])
        needed = _invert(reference.labels, curves[known], reached[known, place])
        found.append(_summarise(float(labels), needed))
    return tuple(found)


def make_monotone(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rising curves (n, k) that are closest to given ones, by the min-max formula for all of them at once."""
    total = np.concatenate([np.zeros((len(curves), 1)), np.cumsum(curves, axis=1)], axis=1)
    count = curves.shape[1]
    found = np.full_like(curves, -np.inf)
    for first in range(count):
        lowest = np.full(len(curves), np.inf)
        for last in range(count - 1, first - 1, -1):  # the lowest mean of what begins at ``first`` and ends at or after
            lowest = np.minimum(lowest, (total[:, last + 1] - total[:, first]) / (last + 1 - first))
            found[:, last] = np.maximum(found[:, last], lowest)
    return found


def _draw_means(curve: Curve, drawn: NDArray[np.int64], sample: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Mean scores over drawn seeds, on drawn samples of the galaxies: (draws, k)."""
    count = np.isfinite(curve.scores).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        middle = np.where(count > 0, np.nansum(curve.scores, axis=1, keepdims=True) / np.maximum(count, 1), np.nan)
        enlarged = middle + (curve.scores - middle) * np.sqrt(count / np.maximum(count - 1, 1))  # (k, s)
    chosen = enlarged[:, drawn]  # (k, draws, s)
    if sample is not None:
        offsets = curve.samples - curve.scores[..., None]
        chosen = chosen + offsets[:, drawn, sample[:, None]]
    present = np.isfinite(chosen)
    total = np.where(present, chosen, 0.0).sum(axis=2)
    with np.errstate(invalid="ignore"):
        return (total / np.where(present.any(axis=2), present.sum(axis=2), np.nan)).T


def _invert(
    labels: NDArray[np.float64], curves: NDArray[np.float64], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The first number of labels at which each rising curve (n, k) has its score (n,).

    0 below the first number that was measured, infinite beyond the last.
    """
    lower = (curves < scores[:, None]).sum(axis=1)  # how many of the numbers do not suffice
    inside = (lower > 0) & (lower < len(labels))
    found = np.where(lower == 0, np.where(scores == curves[:, 0], labels[0], 0.0), np.inf)
    rows, place = np.flatnonzero(inside), lower[inside]
    below, above = curves[rows, place - 1], curves[rows, place]
    share = (scores[rows] - below) / (above - below)
    log = np.log(labels)
    found[rows] = np.exp(log[place - 1] + share * (log[place] - log[place - 1]))
    return found


def _summarise(labels: float, needed: NDArray[np.float64]) -> Saving:
    if not len(needed):
        return Saving(labels, math.nan, 0.0, math.inf, "unresolved")
    lowest, low, middle, high, highest = map(float, np.quantile(needed, _QUANTILES, method="nearest"))
    kind: Kind = "unresolved"
    if lowest > labels:
        kind = "saves" if math.isfinite(high) else "saves at least"
    elif highest < labels:
        kind = "costs"
    return Saving(labels, middle, low, high, kind)

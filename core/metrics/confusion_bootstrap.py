"""Intervals of F1 and of the means over the classes, balanced accuracy and macro F1, by a bootstrap of the matrix.

Galaxies are drawn with replacement; since these depend on the galaxies through the confusion matrix alone, it is drawn
directly: a multinomial distribution over its cells.

References
----------
Efron 1979, Annals of Statistics 7, 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SAMPLES = 1000
_BOUNDS = (15.87, 84.13)  # percentiles: 68 %, one standard deviation of a normal distribution
_FEWEST = 2  # galaxies
_CELLS = 4_000_000  # of all samples that are drawn together

Interval = tuple[float, float]


class MeanIntervals(NamedTuple):
    """68 % intervals; None where there are too few galaxies, or all samples give the same."""

    balanced_accuracy: Interval | None
    macro_f1: Interval | None
    f1: tuple[Interval | None, ...] = ()
    """Of each class."""


def bootstrap(confusion: NDArray[np.int64]) -> MeanIntervals:
    """The intervals of a confusion matrix (K, K) with the true classes along its rows."""
    total, count = int(confusion.sum()), len(confusion)
    if total < _FEWEST:
        return MeanIntervals(None, None, (None,) * count)
    samples = max(100, min(_SAMPLES, _CELLS // count**2))
    random = np.random.default_rng(0)
    drawn = random.multinomial(total, confusion.ravel() / total, samples).reshape(samples, count, count)
    completeness, f1 = _by_class(drawn)
    by_class = tuple(_interval(each[np.isfinite(each)]) for each in f1.T)
    return MeanIntervals(_interval(np.nanmean(completeness, axis=1)), _interval(np.nanmean(f1, axis=1)), by_class)


def means(confusions: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Accuracy, balanced accuracy and macro F1 of several matrices (samples, K, K), each (samples,)."""
    completeness, f1 = _by_class(confusions)
    hits = np.trace(confusions, axis1=1, axis2=2)
    return {
        "accuracy": hits / confusions.sum(axis=(1, 2)),
        "balanced_accuracy": np.nanmean(completeness, axis=1),
        "macro_f1": np.nanmean(f1, axis=1),
    }


def _by_class(confusions: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Completeness and F1 of the classes, each (samples, K); NaN where a class does not occur."""
    hits = confusions.diagonal(axis1=1, axis2=2)
    true, called = confusions.sum(axis=2), confusions.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        completeness = np.where(true > 0, hits / true, np.nan)
        return completeness, np.where(true + called > 0, 2 * hits / (true + called), np.nan)


def _interval(values: NDArray[np.float64]) -> Interval | None:
    if not len(values):
        return None
    low, high = np.percentile(values, _BOUNDS)
    return (float(low), float(high)) if high > low else None

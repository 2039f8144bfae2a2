r"""Two networks on the same galaxies: whether one is better, or it is chance.

*McNemar's test* looks at the galaxies on which the two disagree: :math:`b` that only the first gets right and
:math:`c` that only the second does. If both were equally good, each would be as likely as the other, so that
:math:`b` is binomial with :math:`b + c` trials and one half; the two-sided probability of a split as uneven as this
one is exact.

For figures of merit, the *paired bootstrap* draws galaxies with replacement, and judges both networks on the same
sample; the spread of the difference is its error. Galaxies that are hard for both cancel out, so that it is smaller
than the errors of the two suggest.

References
----------
McNemar 1947, Psychometrika 12, 153; Dietterich 1998, Neural Computation 10, 1895; Efron & Tibshirani 1993, An
Introduction to the Bootstrap.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from core.data.target import Classes, Target
from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.metrics.decision import Decision
from core.metrics.merits import flatten
from core.metrics.report import make_report

SAMPLES = 200
_BOUNDS = (2.5, 97.5)


@dataclass(frozen=True)
class McNemar:
    """The galaxies on which two networks disagree, and McNemar's exact test.

    Attributes
    ----------
    only_first, only_second
        How many galaxies only that one gets right.
    both, neither
        How many both get right, and none of them.
    probability
        That of a split as uneven as this one if both were equally good; 1 where they agree on all.
    """

    only_first: int
    only_second: int
    both: int
    neither: int
    probability: float

    @property
    def sentence(self) -> str:
        """What was counted, and how likely chance is."""
        return (
            f"{self.only_second:,} galaxies only the second gets right, {self.only_first:,} only the first, "
            f"{self.both:,} both, {self.neither:,} neither: McNemar's exact p = {self.probability:.2g}"
        )


@dataclass(frozen=True)
class Difference:
    """A figure of merit of two networks, and the second less the first.

    Attributes
    ----------
    metric
        Its name, see :mod:`core.metrics.merits`.
    first, second
        Its values.
    difference, error
        With the standard deviation over paired bootstrap samples; NaN where there are too few.
    interval
        95 % of the samples.
    """

    metric: str
    first: float
    second: float
    difference: float
    error: float
    interval: tuple[float, float]

    @property
    def is_significant(self) -> bool:
        """Whether 95 % of the samples leave out zero."""
        low, high = self.interval
        return low > 0 or high < 0


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """Test whether two networks, right (n,) or wrong on the same galaxies, differ in accuracy."""
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    total = only_first + only_second
    probability = float(binomtest(only_first, total, 0.5).pvalue) if total else 1.0
    return McNemar(only_first, only_second, int((first & second).sum()), int((~first & ~second).sum()), probability)


def compare(
    target: Target,
    labels: NDArray[Any],
    scores: Sequence[NDArray[np.floating[Any]]],
    decisions: Sequence[Decision],
    seed: int = 0,
    stop: threading.Event = NEVER,
) -> Work[list[Difference]]:
    """Compare every figure of merit of two networks.

    Parameters
    ----------
    target
        What both predict.
    labels
        As :func:`core.metrics.report.make_report` takes them.
    scores
        (n, K) of each of the two.
    decisions
        Of each of the two.
    seed
        Of the bootstrap.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    """

    def judge(rows: NDArray[np.int64] | slice) -> list[dict[str, float]]:
        return [
            flatten(make_report(target, labels[rows], each[rows], decision))
            for each, decision in zip(scores, decisions, strict=True)
        ]

    random = np.random.default_rng(seed)
    kinds = labels if isinstance(target, Classes) else np.zeros(len(labels), np.int64)
    groups = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    first, second = judge(slice(None))
    samples: dict[str, list[float]] = {name: [] for name in first}
    for number in range(SAMPLES):
        if stop.is_set():
            raise Stopped
        yield Progress(number, SAMPLES, "samples")
        rows = np.concatenate([random.choice(group, len(group)) for group in groups])
        one, other = judge(rows)
        for name in samples:
            samples[name].append(other[name] - one[name])
    return [_difference(name, first[name], second[name], np.array(samples[name])) for name in first]


def _difference(name: str, first: float, second: float, samples: NDArray[np.float64]) -> Difference:
    known = samples[np.isfinite(samples)]
    if len(known) < SAMPLES // 2:
        return Difference(name, first, second, second - first, math.nan, (-math.inf, math.inf))
    low, high = np.percentile(known, _BOUNDS)
    return Difference(name, first, second, second - first, float(np.std(known)), (float(low), float(high)))

"""The plot data of a training-size study: points with error bars, the power law, and the tick marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics import merits
from core.studies.size_study import SizeStudy

_ONE_SIGMA = (0.158655, 0.841345)
_STEPS = 200
_TICKS = 8


@dataclass(frozen=True, eq=False)
class SizeLines:
    r"""The plot data of a study.

    Attributes
    ----------
    runs
        Size and score of every run, float64 (r, 2).
    sizes, means, errors
        Of each size (k,): the mean score and its standard error, 0 where there is one run only.
    grid, low, middle, high
        The power law and its 68 % band at the sizes ``grid`` (g,); empty while there is none.
    ticks
        Sizes to label along the axis.
    what
        The name of the score.
    rises
        Whether a larger score is better.
    exponent
        b of :math:`m_\\infty - a n^{-b}` and its error; None without a law.
    """

    runs: NDArray[np.float64]
    sizes: NDArray[np.float64]
    means: NDArray[np.float64]
    errors: NDArray[np.float64]
    grid: NDArray[np.float64]
    low: NDArray[np.float64]
    middle: NDArray[np.float64]
    high: NDArray[np.float64]
    ticks: tuple[float, ...]
    what: str
    rises: bool
    exponent: tuple[float, float] | None

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Whether the grid is within the measured sizes, (g,)."""
        return self.grid <= self.sizes[-1]


def size_lines(study: SizeStudy) -> SizeLines:
    """The plot data of a study that has at least one run."""
    law, sizes = study.curve, np.array(study.sizes, float)
    scores = [study.scores(size) for size in study.sizes]
    errors = law.errors if law is not None and len(law.errors) == len(sizes) else _plain_errors(scores)
    grid = np.geomspace(sizes[0], law.farthest, _STEPS) if law is not None else np.zeros(0)
    band = law.quantiles(grid, (_ONE_SIGMA[0], 0.5, _ONE_SIGMA[1])) if law is not None else np.zeros((3, 0))
    what = merits.display_name(study.metric)
    return SizeLines(
        runs=np.array([(point.size, point.values[study.metric]) for point in study.points], float),
        sizes=sizes,
        means=np.array([float(np.mean(values)) for values in scores]),
        errors=errors,
        grid=grid,
        low=band[0],
        middle=band[1],
        high=band[2],
        ticks=_ticks(study, law.farthest if law is not None else float(sizes[-1])),
        what=f"{what[:1].upper()}{what[1:]}",
        rises=merits.higher_is_better(study.metric),
        exponent=None if law is None else law.exponent,
    )


def _plain_errors(scores: list[list[float]]) -> NDArray[np.float64]:
    """Standard errors of the means; 0 where there is one run only."""
    return np.array(
        [float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0 for values in scores]
    )


def _ticks(study: SizeStudy, end: float) -> tuple[float, ...]:
    """The sizes, and the largest one that the law is extrapolated to; without those that would overlap."""
    candidates = sorted({*map(float, study.sizes), float(end)})
    apart = np.log(candidates[-1] / candidates[0]) / _TICKS / 1.25 if len(candidates) > 1 else 0.0
    kept = [candidates[-1]]
    for size in reversed(candidates[:-1]):
        if np.log(kept[-1] / size) >= apart:
            kept.append(size)
    return tuple(reversed(kept))

r"""The learning curve, score against number of labels: a saturating power law, with its uncertainty.

.. math:: m(n) = m_\infty - a n^{-b}

For a given exponent b the law is a straight line in :math:`x = n^{-b}`, and linear least squares give
:math:`m_\infty` and :math:`a`; what remains is a one-dimensional search, which cannot get stuck. Runs are weighted by
their inverse variance, which is modelled as a power of the size: a variance from three runs alone would be too noisy.

Values and error bars are median and quantiles of the posterior. The curvature at the best fit would not do: exponent
and limit are strongly correlated, skewed, and bounded. Nor would a bootstrap over the seeds, of which there are too
few: three give ten different resamples, and error bars too small by a fifth. For each exponent, limit and slope follow
a t distribution, since the noise is unknown, and the weight of the exponent is its marginal likelihood. The prior is
flat in the logarithm of the exponent (0.05 … 2) and in the scores at the smallest and the largest measured size; the
limit cannot exceed the best possible score, and the score cannot get worse with more labels. Runs are assumed to be
independent. In simulations of studies with six sizes and three seeds, 60 to 70 % of the 68 % error bars contain the
truth.

References
----------
Cortes et al. 1993 (learning curves as power laws); Hestness et al. 2017, arXiv:1712.00409; Golub & Pereyra 1973
(linear parameters eliminated); Gelman et al., Bayesian Data Analysis, chapter 14 (linear model, unknown noise).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from core.errors import TooFewGalaxies

MAX_EXTRAPOLATION = 4.0  # times the largest measured size
MIN_SIZES = 4
_EXPONENTS = np.geomspace(0.05, 2.0, 500)  # uniform in the logarithm: the prior
_DRAWS = 4000
_MAX_ROUNDS = 50
_STEEPEST = 2.0  # the runs' variance falls at most as n^-2
_MISFIT_P_VALUE = 0.01
_RISE_SIGNIFICANCE = 3.0  # standard errors
_TINY = 1e-12
_SIGMA = (0.158655, 0.841345)


@dataclass(frozen=True, eq=False)
class PowerLaw:
    r"""A fitted law.

    Attributes
    ----------
    sizes
        The measured sizes (k,), ascending.
    errors
        Standard error of the mean score at each, (k,).
    draws
        float64 (d, 3): :math:`m_\infty`, a and b, drawn from the posterior.
    doubt
        Why the law must not be extrapolated beyond the measured sizes, as a sentence; empty if it may be.
    """

    sizes: NDArray[np.float64]
    errors: NDArray[np.float64]
    draws: NDArray[np.float64]
    doubt: str = ""

    @property
    def farthest(self) -> float:
        """The largest size to which the law may be extrapolated."""
        return float(self.sizes[-1]) * (1.0 if self.doubt else MAX_EXTRAPOLATION)

    @property
    def limit(self) -> tuple[float, float]:
        """The asymptotic score for infinitely many labels, and its error."""
        return _median_and_error(self.draws[:, 0])

    @property
    def exponent(self) -> tuple[float, float]:
        """The exponent b, and its error."""
        return _median_and_error(self.draws[:, 2])

    def at(self, size: float) -> tuple[float, float]:
        """The score at a size, and its error: half the 68 % interval."""
        return _median_and_error(self._sample_scores(size))

    def gain(self, start: float, end: float) -> tuple[float, float]:
        """By how much the score changes from one size to another, and the error of that."""
        return _median_and_error(self._sample_scores(end) - self._sample_scores(start))

    def quantiles(self, size: NDArray[np.float64], shares: Sequence[float]) -> NDArray[np.float64]:
        """Quantiles (q, s) of the score at several sizes (s,): 0.5 is the curve, the others its band."""
        return np.quantile(self._sample_scores(size), shares, axis=0)

    def size_for(self, score: float) -> float:
        """The number of labels that a score needs; infinite beyond the limit."""
        limit, factor, exponent = self.draws.T
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (limit - score) / factor
            needed = np.where(share > 0, share ** (-1 / exponent), math.inf)
        return float(np.quantile(needed, 0.5, method="nearest"))

    def _sample_scores(self, size: float | NDArray[np.float64]) -> NDArray[np.float64]:
        limit, factor, exponent = (column.reshape(-1, *[1] * np.ndim(size)) for column in self.draws.T)
        return limit - factor * np.asarray(size, float) ** -exponent


def fit(
    sizes: Sequence[float], scores: Sequence[float], *, rising: bool = True, best: float = 1.0, seed: int = 1
) -> PowerLaw:
    """Fit the law to the scores of runs.

    Parameters
    ----------
    sizes, scores
        Of each run: number of labels (> 0) and score; the noise is estimated from several runs of one size. NaN is
        left out.
    rising
        Whether a larger score is better; if not, the factor is negative.
    best
        The best possible score.
    seed
        Of the draws.

    Raises
    ------
    TooFewGalaxies
        There are fewer than four different sizes, or hardly more runs than the law has parameters.
    """
    known = np.isfinite(scores)
    size, score = np.asarray(sizes, float)[known], np.asarray(scores, float)[known]
    different = len(np.unique(size))
    if different < MIN_SIZES or len(size) < MIN_SIZES + 1:
        raise TooFewGalaxies(
            f"A curve needs {MIN_SIZES} sizes and {MIN_SIZES + 1} runs; there are {different} sizes and "
            f"{len(size)} runs.",
            "Add sizes or seeds.",
        )
    sign = 1 if rising else -1
    runs = _Runs(size, score * sign)
    draws = _sample_posterior(runs, best * sign, np.random.default_rng(seed)) * (sign, sign, 1)
    noise = runs.cost.min() / (len(runs.size) - 3)
    found = PowerLaw(runs.sizes, np.sqrt(noise / (runs.weights * runs.counts)), draws)
    return PowerLaw(found.sizes, found.errors, draws, _find_doubt(found, runs))


class _Runs:
    """The runs with their weights, and the least squares for each exponent; the larger the score, the better."""

    def __init__(self, size: NDArray[np.float64], score: NDArray[np.float64]) -> None:
        self.size, self.score = size, score
        self.sizes, which, self.counts = np.unique(size, return_inverse=True, return_counts=True)
        means = np.bincount(which, score) / self.counts
        self.squares = np.bincount(which, (score - means[which]) ** 2)  # (k,) about the mean of equal runs
        self.weights = self._weights()
        self.weight = w = self.weights[which]  # (r,)

        self.x = size ** -_EXPONENTS[:, None]  # (e, r)
        self.mean_x, self.mean_y = (self.x * w).sum(axis=1) / w.sum(), (score * w).sum() / w.sum()
        dx, dy = self.x - self.mean_x[:, None], score - self.mean_y
        self.spread = (dx**2 * w).sum(axis=1)
        self.factor = -(dx * w * dy).sum(axis=1) / self.spread
        self.cost = np.maximum(((dy + self.factor[:, None] * dx) ** 2 * w).sum(axis=1), _TINY)

    def _weights(self) -> NDArray[np.float64]:
        """One over the relative variance of a run at each size: a power law through the sample variances."""
        repeated = self.counts > 1
        if repeated.sum() < MIN_SIZES:
            return np.ones(len(self.sizes))
        freedom = self.counts[repeated] - 1
        variance = self.squares[repeated] / freedom
        variance = np.maximum(variance, 0.02 * variance.mean() + _TINY)
        place = np.log(self.sizes[repeated])
        place -= np.average(place, weights=freedom)
        slope = (freedom * place * np.log(variance)).sum() / (2 + (freedom * place**2).sum())  # drawn towards none
        return (self.sizes / self.sizes[-1]) ** -np.clip(slope, -_STEEPEST, 0)


def _sample_posterior(runs: _Runs, ceiling: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Draw limit, factor and exponent (d, 3) from the posterior, rejecting draws beyond the bounds."""
    total, freedom = runs.weight.sum(), len(runs.score) - 2
    ends = runs.sizes[0] ** -_EXPONENTS - runs.sizes[-1] ** -_EXPONENTS  # the prior is flat in the scores at the ends
    chance = -0.5 * freedom * np.log(runs.cost) - 0.5 * np.log(runs.spread) + np.log(ends)
    chance = np.exp(chance - chance.max())
    found: list[NDArray[np.float64]] = []
    for _ in range(_MAX_ROUNDS):
        at = random.choice(len(_EXPONENTS), _DRAWS, p=chance / chance.sum())
        noise = np.sqrt(runs.cost[at] / random.chisquare(freedom, _DRAWS))
        factor = runs.factor[at] + noise * random.normal(size=_DRAWS) / np.sqrt(runs.spread[at])
        level = runs.mean_y + noise * random.normal(size=_DRAWS) / np.sqrt(total)
        limit = level + factor * runs.mean_x[at]
        possible = (factor >= 0) & (limit <= ceiling)
        found.append(np.stack([limit, factor, _EXPONENTS[at]], axis=1)[possible])
        if sum(map(len, found)) >= _DRAWS:
            break
    draws = np.concatenate(found)[:_DRAWS]
    return draws if len(draws) else np.array([[runs.mean_y, 0.0, 1.0]])  # the scores get worse: a constant


def _find_doubt(curve: PowerLaw, runs: _Runs) -> str:
    """Say why the law must not be extrapolated beyond the measured sizes, if so."""
    low, high = runs.sizes[0], runs.sizes[-1]
    if high < MAX_EXTRAPOLATION * low:
        return f"The sizes span a factor of {high / low:.2g} only, too little to tell the curve's shape."
    if _is_misfit(runs):
        return "The measured scores do not follow a saturating power law."
    rise, error = curve.gain(low, high)
    if len(curve.draws) == 1 or abs(rise) < _RISE_SIGNIFICANCE * error:
        return "The scores do not change clearly with the number of labels."
    if curve.gain(high, 2 * high)[1] > abs(rise) / 4:
        return "The curve is not constrained well enough to be followed beyond the measured sizes."
    return ""


def _is_misfit(runs: _Runs) -> bool:
    """Whether the means lie farther from the law than the scatter of equal runs allows (an F test)."""
    spare, shape = len(runs.size) - len(runs.sizes), len(runs.sizes) - 3
    if spare < 3:
        return False
    pure = max(float(runs.squares @ runs.weights), _TINY)
    ratio = (runs.cost.min() - pure) / shape / (pure / spare)
    return bool(stats.f.sf(ratio, shape, spare) < _MISFIT_P_VALUE)


def _median_and_error(values: NDArray[np.float64]) -> tuple[float, float]:
    low, middle, high = np.quantile(values, (_SIGMA[0], 0.5, _SIGMA[1]))
    return float(middle), float(high - low) / 2

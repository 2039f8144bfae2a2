r"""Whether probabilities are what they say: reliability and expected calibration error.

The galaxies are sorted into bins by the probability of their most probable class. In a bin of :math:`n_b` galaxies with
mean probability :math:`\bar p_b`, a share :math:`a_b` of them is of that class. For calibrated probabilities the two
agree within the error of :math:`a_b`; the expected calibration error is their mean difference,

.. math:: \mathrm{ECE} = \sum_b \frac{n_b}{n}\,|a_b - \bar p_b| .

It is never quite zero: the finite number of galaxies alone makes it about as large as the bins' errors, and
``expected`` says how large it would be for calibrated probabilities.

References
----------
Naeini, Cooper & Hauskrecht 2015 (ECE); Guo et al. 2017, arXiv:1706.04599; Efron 1979, Annals of Statistics 7, 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
_SAMPLES = 400


@dataclass(frozen=True)
class Bin:
    """The galaxies whose most probable class has a probability in one range.

    Attributes
    ----------
    probability
        Mean probability of that class.
    right
        How many of them are of that class.
    galaxies
        How many there are; at least one.
    """

    probability: float
    right: int
    galaxies: int

    @property
    def share(self) -> float:
        """The share that is of that class."""
        return self.right / self.galaxies

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 68 % interval of that share."""
        n, p = self.galaxies, self.share
        middle, half = (p + 1 / (2 * n)) / (1 + 1 / n), math.sqrt(p * (1 - p) / n + 1 / (4 * n * n)) / (1 + 1 / n)
        return min(middle - half, p), max(middle + half, p)


@dataclass(frozen=True)
class Calibration:
    """Reliability of the probabilities of a classification.

    Attributes
    ----------
    bins
        In order of the probability; empty ones are left out.
    error
        Expected calibration error; None without galaxies.
    expected
        Mean of this error for as many galaxies with calibrated probabilities.
    uncertainty
        Standard deviation of ``error`` over samples of the galaxies; None without galaxies.
    """

    bins: tuple[Bin, ...] = ()
    error: float | None = None
    expected: float | None = None
    uncertainty: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        bins = [{"probability": each.probability, "right": each.right, "galaxies": each.galaxies} for each in self.bins]
        return {
            "error": self.error,
            "uncertainty": self.uncertainty,
            "expected_if_calibrated": self.expected,
            "bins": bins,
        }


def calibrate(labels: NDArray[np.int64], scores: NDArray[np.floating[Any]]) -> Calibration:
    """Measure the calibration.

    Parameters
    ----------
    labels
        (n,) index of the true class.
    scores
        (n, K) probabilities.
    """
    if not len(labels):
        return Calibration()
    likeliest = scores.argmax(axis=1)
    probability = np.clip(scores.max(axis=1).astype(np.float64), 0, 1)
    place = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    galaxies = np.bincount(place, minlength=BINS)
    right = np.bincount(place[likeliest == labels], minlength=BINS)
    total = np.bincount(place, probability, BINS)
    spread = np.bincount(place, probability * (1 - probability), BINS)  # variance of the number that is right
    bins = tuple(
        Bin(float(total[i] / galaxies[i]), int(right[i]), int(galaxies[i])) for i in np.flatnonzero(galaxies).tolist()
    )
    error = float(np.abs(right - total).sum() / len(labels))
    expected = float(math.sqrt(2 / math.pi) * np.sqrt(spread).sum() / len(labels))
    off = (likeliest == labels) - probability  # its sum over the galaxies of a bin is |right − total|
    return Calibration(
        bins, error, expected, _uncertainty(right - total, np.bincount(place, off**2, BINS), len(labels))
    )


def _uncertainty(sums: NDArray[Any], squares: NDArray[Any], count: int) -> float:
    """Standard deviation of the calibration error over bootstrap samples of the galaxies.

    A sum over a bin's galaxies is normal to good approximation, with the variance Σ x² − (Σ x)² / n that it has when n
    galaxies are drawn with replacement: the sums are drawn, which takes the same time for any number of galaxies.
    """
    variance = np.maximum(squares - sums**2 / count, 0)
    drawn = np.random.default_rng(0).normal(sums, np.sqrt(variance), (_SAMPLES, len(sums)))
    return float(np.std(np.abs(drawn).sum(axis=1)) / count)

r"""Trying the estimate of class frequencies on labelled galaxies before it is believed for others.

The estimate of :func:`core.metrics.decision.estimate_frequencies` is right for calibrated probabilities. Whether those
of a network are good enough is found out on its validation part: galaxies are drawn from it, with replacement, so that
the classes have the frequencies that were estimated for the survey, and the estimate for each such sample is compared
with its true frequencies. Their mean difference is the bias of the estimate, and their scatter tells how well that is
known from so few galaxies. The error of an estimate is the sum in quadrature of all three: its statistical error, the
bias, and the scatter.

References
----------
Saerens, Latinne & Decaestecker 2002, Neural Computation 14, 21; Forman 2008, Data Mining and Knowledge Discovery 17,
164 (estimates of frequencies have to be tried at other frequencies than those of the training).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.metrics.decision import estimate_frequencies

_FEWEST = 8  # validation galaxies of a class that matters
_MATTERS = 0.005  # frequency above which a class does
_SAMPLES = 24
_MOST = 2000  # galaxies of a sample
_TOO_FAR = 0.1  # bias of a frequency that is refused
_TELLING = 3.0  # standard errors of the mean by which a bias has to differ from zero


@dataclass(frozen=True, eq=False)
class FrequencyTrial:
    """How the estimate of frequencies did on labelled galaxies.

    Attributes
    ----------
    galaxies
        How many there were.
    bias
        (K,) estimated − true.
    scatter
        (K,) standard deviation of estimated − true.
    """

    galaxies: int
    bias: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @property
    def worst(self) -> int:
        """The class whose frequency is farthest off."""
        return int(np.abs(self.bias).argmax())

    @property
    def has_failed(self) -> bool:
        """Whether a frequency is so far off, and not by chance, that the estimate means nothing."""
        off, chance = abs(self.bias[self.worst]), self.scatter[self.worst] / _SAMPLES**0.5
        return bool(off > _TOO_FAR and off > _TELLING * chance)

    def errors(self, statistical: NDArray[np.float64]) -> NDArray[np.float64]:
        """The errors (K,) of an estimate, from its statistical ones."""
        return np.sqrt(statistical**2 + self.bias**2 + self.scatter**2)


def try_estimate(
    labels: NDArray[np.int64],
    scores: NDArray[np.floating[Any]],
    assumed: NDArray[np.float64],
    frequencies: NDArray[np.float64],
) -> FrequencyTrial | None:
    """Try the estimate on labelled galaxies.

    Parameters
    ----------
    labels
        (n,) index of the true class.
    scores
        (n, K) probabilities.
    assumed
        (K,) class frequencies that they assume.
    frequencies
        (K,) at which it is tried.

    Returns
    -------
    FrequencyTrial
        None if a class that matters has too few of these galaxies.
    """
    there = np.bincount(labels, minlength=len(frequencies))
    if (there[frequencies > _MATTERS] < _FEWEST).any():
        return None
    chosen = np.where(there > 0, frequencies, 0)
    chosen = chosen / chosen.sum()
    random = np.random.default_rng(0)
    places = [np.flatnonzero(labels == kind) for kind in range(len(frequencies))]
    off: list[NDArray[np.float64]] = []
    for _ in range(_SAMPLES):
        counts = random.multinomial(min(len(labels), _MOST), chosen)
        drawn = np.concatenate([random.choice(places[kind], count) for kind, count in enumerate(counts) if count])
        found, _errors = estimate_frequencies(scores[drawn], assumed)
        off.append(found - counts / counts.sum())
    return FrequencyTrial(len(labels), np.mean(off, axis=0), np.std(off, axis=0, ddof=1))

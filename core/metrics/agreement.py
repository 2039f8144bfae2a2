r"""How far several people agree on labels, beyond what chance gives.

Of two people Cohen's, of more Fleiss' kappa:

.. math:: \kappa = \frac{P - P_e}{1 - P_e},

where :math:`P` is how often two people who labelled the same galaxy agree, and :math:`P_e` how often they would by
chance, given how often each class is used: by each of the two (Cohen), or by all together (Fleiss, where galaxies may
have different numbers of votes). 1 is complete agreement, 0 no more than chance. The error is a bootstrap over the
galaxies.

References
----------
Cohen 1960, Educ. Psychol. Meas. 20, 37; Fleiss 1971, Psychol. Bull. 76, 378; Efron 1979, Annals of Statistics 7, 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics.uncertainty import plus_minus
from core.wording import count_of, percent

_SAMPLES = 500
_FEWEST = 10  # galaxies, for an error


@dataclass(frozen=True)
class Agreement:
    """How far people agree.

    Attributes
    ----------
    kappa, error
        NaN where chance explains everything, as when all use one class only; or for the error with few galaxies.
    share
        How often two people who labelled the same galaxy agree.
    galaxies, people
        Galaxies with at least two votes, and who gave them.
    conflicts
        Galaxies on which not all agree.
    """

    kappa: float
    error: float
    share: float
    galaxies: int
    people: tuple[str, ...]
    conflicts: int

    @property
    def sentence(self) -> str:
        """The agreement in words."""
        name = "Cohen’s" if len(self.people) == 2 else "Fleiss’"
        people = count_of(len(self.people), "person", "people")
        if not math.isfinite(self.kappa):
            beyond = "κ is undefined, since all votes are for one class"
        elif not math.isfinite(self.error):
            beyond = f"{name} κ {self.kappa:.2f} (an error needs {_FEWEST} galaxies)"
        else:
            beyond = f"{name} κ {self.kappa:.2f}{plus_minus(self.error, '.2f')}"
        return (
            f"{count_of(self.galaxies, 'galaxy')} labelled by several of {people}: {percent(self.share)} of the pairs "
            f"of votes agree, {beyond}; {count_of(self.conflicts, 'conflict')}."
        )


def measure_agreement(votes: Sequence[Mapping[str, str]]) -> Agreement | None:
    """Measure the agreement; None: no galaxy has two votes.

    Parameters
    ----------
    votes
        Of each galaxy, the label that each person gave.
    """
    shared = [each for each in votes if len(each) > 1]
    if not shared:
        return None
    people = tuple(sorted({person for each in shared for person in each}))
    classes = sorted({label for each in shared for label in each.values()})
    place = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(shared), len(classes)))
    for row, each in enumerate(shared):
        for label in each.values():
            counts[row, place[label]] += 1
    pairs = counts.sum(axis=1)
    share = float(((counts * (counts - 1)).sum(axis=1) / (pairs * (pairs - 1))).mean())
    if len(people) == 2:
        first, second = (np.array([place[each[person]] for each in shared]) for person in people)

        def kappa(weights: NDArray[np.float64]) -> NDArray[np.float64]:
            return cohen(first, second, len(classes), weights)
    else:

        def kappa(weights: NDArray[np.float64]) -> NDArray[np.float64]:
            return fleiss(counts, weights)

    value = float(kappa(np.ones((1, len(shared))))[0])
    error = math.nan
    if len(shared) >= _FEWEST:
        even = np.full(len(shared), 1 / len(shared))
        samples = kappa(np.random.default_rng(0).multinomial(len(shared), even, _SAMPLES).astype(np.float64))
        error = float(np.nanstd(samples)) if np.isfinite(samples).sum() > 1 else math.nan
    conflicts = int(((counts > 0).sum(axis=1) > 1).sum())
    return Agreement(value, error, share, len(shared), people, conflicts)


def cohen(
    first: NDArray[np.int64], second: NDArray[np.int64], classes: int, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cohen's kappa of the labels (n,) of two people, for each row of weights (b, n) of the galaxies: (b,)."""
    total = weights.sum(axis=1)
    agree = (weights * (first == second)).sum(axis=1) / total
    one, other = (weights @ np.eye(classes)[labels] / total[:, None] for labels in (first, second))
    return _beyond_chance(agree, (one * other).sum(axis=1))


def fleiss(counts: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fleiss' kappa of votes (n, K), at least two for each galaxy, for each row of weights (b, n): (b,)."""
    votes = counts.sum(axis=1)
    each = (counts * (counts - 1)).sum(axis=1) / (votes * (votes - 1))
    agree = weights @ each / weights.sum(axis=1)
    used = weights @ counts
    used = used / used.sum(axis=1, keepdims=True)
    return _beyond_chance(agree, (used**2).sum(axis=1))


def _beyond_chance(agree: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    room = 1 - chance
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(room > 1e-12, (agree - chance) / room, np.nan)

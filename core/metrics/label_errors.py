r"""Labels that are probably wrong, by confident learning.

The network is *confident* that galaxy :math:`n` is of class :math:`j` where its probability is at least the mean one
of the galaxies that are labelled so, :math:`p_{nj} \ge t_j = \langle p_j \rangle_{y=j}`; of several such classes the
likeliest counts. The *confident joint* :math:`C_{ij}` counts the galaxies that are labelled :math:`i` and confidently
:math:`j`; those off its diagonal have probably a wrong label. Scaled in each row to the number of galaxies that are
labelled :math:`i`, it estimates how many galaxies of class :math:`j` are labelled :math:`i`.

The probabilities have to be those of galaxies that the network was not trained on: from its training galaxies it has
learned their labels, wrong ones too. That a network disagrees proves nothing; look at the galaxies.

References
----------
Northcutt, Jiang & Chuang 2021, Journal of Artificial Intelligence Research 70, 1373 (arXiv:1911.00068).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAMPLES = 200


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """Galaxies whose labels are probably wrong.

    Attributes
    ----------
    places
        int64 (m,): which galaxies, the surest first.
    suggested
        int64 (m,): the class that each of them confidently is.
    margin
        (m,): the probability of that class less the one of the label.
    joint
        (K, K) estimated numbers of galaxies: rows are the labels, columns the classes.
    share, error
        The estimated share of wrong labels, with its bootstrap error; None without galaxies.
    """

    places: NDArray[np.int64]
    suggested: NDArray[np.int64]
    margin: NDArray[np.float64]
    joint: NDArray[np.float64]
    share: float | None
    error: float | None


def find(labels: NDArray[np.int64], scores: NDArray[np.floating[Any]], seed: int = 0) -> LabelErrors:
    """Find labels that are probably wrong.

    Parameters
    ----------
    labels
        (n,) class index of each label, all known.
    scores
        (n, K) probabilities by a network that was not trained on these galaxies.
    seed
        Of the bootstrap.
    """
    scores = np.asarray(scores, np.float64)
    count = scores.shape[1]
    confident = _find_confident(labels, scores)
    places = np.flatnonzero((confident >= 0) & (confident != labels))
    margin = scores[places, confident[places]] - scores[places, labels[places]]
    order = np.argsort(-margin, kind="stable")
    joint = _estimate_joint(labels, confident, count)
    if not len(labels):
        return LabelErrors(places, confident[places], margin, joint, None, None)
    random = np.random.default_rng(seed)
    shares = []
    for _ in range(_SAMPLES):
        rows = random.integers(0, len(labels), len(labels))
        drawn = _find_confident(labels[rows], scores[rows])
        shares.append(_share_off_diagonal(_estimate_joint(labels[rows], drawn, count)))
    return LabelErrors(
        places[order],
        confident[places][order],
        margin[order],
        joint,
        _share_off_diagonal(joint),
        float(np.std(shares)),
    )


def confident_joint(labels: NDArray[np.int64], scores: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """The counts (K, K) of galaxies that are labelled i and confidently j."""
    confident, count = _find_confident(labels, np.asarray(scores, np.float64)), scores.shape[1]
    known = confident >= 0
    return np.bincount(labels[known] * count + confident[known], minlength=count**2).reshape(count, count)


def _find_confident(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class (n,) that each galaxy confidently is; −1: none."""
    count = scores.shape[1]
    labelled = np.bincount(labels, minlength=count)
    total = np.bincount(labels, scores[np.arange(len(labels)), labels], count)
    limits = np.where(labelled > 0, total / np.maximum(labelled, 1), np.inf)
    above = np.where(scores >= limits - 1e-12, scores, -1.0)  # the mean of equal values may differ by rounding
    return np.where((above >= 0).any(axis=1), above.argmax(axis=1), -1)


def _estimate_joint(labels: NDArray[np.int64], confident: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    known = confident >= 0
    counts = np.bincount(labels[known] * count + confident[known], minlength=count**2).reshape(count, count)
    labelled, sums = np.bincount(labels, minlength=count), counts.sum(axis=1)
    joint = counts * (labelled / np.maximum(sums, 1))[:, None]
    unknown = (sums == 0) & (labelled > 0)  # of a class without a confident galaxy all labels stand
    joint[unknown, unknown] = labelled[unknown]
    return joint


def _share_off_diagonal(joint: NDArray[np.float64]) -> float:
    total = joint.sum()
    return float(1 - np.trace(joint) / total) if total else 0.0

r"""Which galaxies to label next, as functions of the network's features and probabilities.

*Typical*: the galaxies are divided into as many groups as there will be labels, and of each group that has no label
yet, the largest first, the galaxy is proposed whose nearest neighbours are nearest. *Uncertain*: those between whose
two likeliest classes the network hardly decides; of several networks, those on which each is sure of something else.
*Diverse*: galaxies that would change the last layer much, each in another way. *Core-set*: each the farthest from all
that are labelled or proposed. Typical galaxies are worth most while there are few labels, uncertain ones later.

All of them are deterministic given a seed, and cost no more than O(n · F) for each proposal.

References
----------
Hacohen, Dekel & Weinshall 2022, arXiv:2202.02794 (TypiClust; which is best when); Scheffer, Decomain & Wrobel 2001
(margin); Houlsby et al. 2011, arXiv:1112.5745, Gal, Islam & Ghahramani 2017, arXiv:1703.02910, Walmsley et al. 2020,
arXiv:1905.07424 (BALD, the last on galaxies); Ash et al. 2020, arXiv:1906.03671 (BADGE); Arthur & Vassilvitskii 2007
(k-means++); Sener & Savarese 2018, arXiv:1708.00489 (core-set).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.neighbors import NearestNeighbors

_COMPONENTS = 50
_MOST_GROUPS = 500  # as the authors of TypiClust have it
_FEWEST_IN_GROUP = 5  # smaller groups are outliers
_NEIGHBOURS = 20
_MINI_BATCH = 20_000  # galaxies from which on k-means sees a part of them at a time
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class TypicalChoice:
    """Typical galaxies, in the order of their worth.

    Attributes
    ----------
    chosen
        int64 (b,), indices of galaxies.
    sizes, labelled
        int64 (b,): how many galaxies the group of each has, and how many of those had a label.
    groups
        The number of groups.
    """

    chosen: NDArray[np.int64]
    sizes: NDArray[np.int64]
    labelled: NDArray[np.int64]
    groups: int


def standardise(features: NDArray[np.floating[Any]], seed: int = 0) -> NDArray[np.float32]:
    """Features (n, F) in which distances mean something: (n, ≤ 50), float32.

    Each feature is brought to mean 0 and deviation 1, the whole to its first 50 principal components where it has more
    (found on at most 20,000 galaxies), and each galaxy to length 1, as the authors of TypiClust do.
    """
    wide = np.asarray(features, np.float32)
    spread = wide.std(axis=0)
    wide = (wide - wide.mean(axis=0)) / np.where(spread > 0, spread, 1)
    if wide.shape[1] > _COMPONENTS and len(wide) > _COMPONENTS:
        sample = wide
        if len(wide) > _MINI_BATCH:
            sample = wide[np.random.default_rng(seed).choice(len(wide), _MINI_BATCH, replace=False)]
        wide = PCA(_COMPONENTS, random_state=seed).fit(sample).transform(wide)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return (wide / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def choose_typical(
    features: NDArray[np.float32], is_labelled: NDArray[np.bool_], budget: int, seed: int = 0
) -> TypicalChoice:
    """The most typical galaxy of each group without a label (TypiClust).

    Parameters
    ----------
    features
        (n, F) of labelled and unlabelled galaxies, as :func:`standardise` gives them.
    is_labelled
        (n,).
    budget
        How many to choose, at most the number of unlabelled ones.
    seed
        Of the grouping.
    """
    known = int(is_labelled.sum())
    wanted = max(1, min(known + budget, _MOST_GROUPS))
    group = find_groups(features, wanted, seed)
    count = int(group.max()) + 1
    size, labelled = np.bincount(group, minlength=count), np.bincount(group[is_labelled], minlength=count)
    members = [np.flatnonzero((group == number) & ~is_labelled) for number in range(count)]
    ranked = [rank_typical(features[rows]) for rows in members]
    taken, before = np.zeros(count, np.int64), labelled.copy()
    is_outlier = size < _FEWEST_IN_GROUP
    chosen: list[int] = []
    of_group: list[int] = []
    for _ in range(min(budget, len(features) - known)):
        is_open = taken < [len(rows) for rows in members]
        order = np.lexsort((-size, labelled + taken, is_outlier, ~is_open))
        number = int(order[0])
        chosen.append(int(members[number][ranked[number][taken[number]]]))
        of_group.append(number)
        taken[number] += 1
    return TypicalChoice(np.array(chosen, np.int64), size[of_group], before[of_group], count)


def find_groups(features: NDArray[np.float32], wanted: int, seed: int = 0) -> NDArray[np.int64]:
    """The group (n,) of each galaxy by k-means, numbered from 0 without gaps; fewer groups where galaxies are equal."""
    wanted = min(wanted, len(np.unique(features, axis=0)))
    kind = KMeans if len(features) <= _MINI_BATCH else MiniBatchKMeans
    found = kind(wanted, n_init=1, random_state=seed).fit_predict(features)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def rank_typical(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """Indices (n,) of the galaxies of one group, the most typical first.

    Typicality is the inverse of the mean distance to the 20 nearest neighbours, or to half of the group.
    """
    count = len(features)
    neighbours = min(_NEIGHBOURS, count // 2)
    if neighbours < 1:
        return np.arange(count)
    distances, _ = NearestNeighbors(n_neighbors=neighbours + 1).fit(features).kneighbors(features)
    return np.argsort(distances[:, 1:].mean(axis=1), kind="stable")


def margin(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The difference (n,) between the two largest probabilities of (n, K)."""
    first_two = np.partition(np.asarray(probabilities, np.float64), -2, axis=1)[:, -2:]
    return first_two[:, 1] - first_two[:, 0]


def disagreement(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    r"""The information (n,) in bit that a label would give on which of the networks is right (BALD).

    The entropy of the mean of the members' probabilities (M, n, K) minus the mean of their entropies: 0 where all
    agree, also where all doubt.
    """
    members = np.asarray(probabilities, np.float64)
    return np.maximum(entropy(members.mean(axis=0)) - entropy(members).mean(axis=0), 0)


def entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The entropy in bit over the last axis."""
    return -(probabilities * np.log2(np.maximum(probabilities, _TINY))).sum(axis=-1)


def choose_largest(scores: NDArray[np.floating[Any]], budget: int) -> NDArray[np.int64]:
    """Indices of the ``budget`` largest scores (n,), the largest first; of equal ones the first."""
    return np.argsort(-np.asarray(scores, np.float64), kind="stable")[:budget]


def choose_diverse(
    features: NDArray[np.floating[Any]], probabilities: NDArray[np.floating[Any]], budget: int, seed: int = 0
) -> NDArray[np.int64]:
    r"""Galaxies whose labels would change the last layer much, and each in another way (BADGE).

    The gradient of the loss in the weights of the last layer, if the likeliest class ŷ were the label, is the outer
    product of p − e(ŷ) and the features h. In these n vectors the seeds of k-means++ are drawn: the longest first, each
    further one with a probability proportional to its squared distance from the nearest one drawn. The K · F numbers of
    a gradient are never written down, since the product of two of them is the product of two small ones.

    Parameters
    ----------
    features
        h, (n, F).
    probabilities
        p, (n, K).
    budget
        How many, at most n.
    seed
        Of the draws.
    """
    errors = np.array(probabilities, np.float64)
    errors[np.arange(len(errors)), errors.argmax(axis=1)] -= 1
    wide = np.asarray(features, np.float64)
    squares = (errors**2).sum(axis=1) * (wide**2).sum(axis=1)
    random = np.random.default_rng(seed)
    chosen: list[int] = []
    nearest = squares.copy()
    for _ in range(min(budget, len(wide))):
        if not chosen:
            new = int(squares.argmax())
        elif (total := nearest.sum()) > 0:
            new = int(np.searchsorted(np.cumsum(nearest), random.random() * total, side="right"))
            new = min(new, int(np.flatnonzero(nearest)[-1]))  # rounding at the very end
        else:  # the rest have the gradients of those that were chosen
            rest = np.setdiff1d(np.arange(len(wide)), chosen)
            new = int(random.choice(rest))
        chosen.append(new)
        product = (errors @ errors[new]) * (wide @ wide[new])
        distance = np.maximum(squares + squares[new] - 2 * product, 0)
        nearest = distance if len(chosen) == 1 else np.minimum(nearest, distance)
        nearest[chosen] = 0
    return np.array(chosen, np.int64)


def choose_farthest(
    features: NDArray[np.float32], is_labelled: NDArray[np.bool_], budget: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Galaxies each of which is the farthest from all that are labelled or chosen (greedy core-set).

    Returns
    -------
    ndarray, ndarray
        Indices (b,), and the distance (b,) of each when it was chosen; infinite for a first one without labels, which
        is the one nearest to the mean.
    """
    wide = np.asarray(features, np.float32)
    nearest = np.full(len(wide), np.inf)
    if is_labelled.any():
        nearest = pairwise_distances_argmin_min(wide, wide[is_labelled])[1].astype(np.float64)
    nearest[is_labelled] = -1
    chosen, distances = [], []
    for _ in range(min(budget, int((~is_labelled).sum()))):
        if np.isinf(nearest).any():
            new = int(np.linalg.norm(wide - wide.mean(axis=0), axis=1).argmin())
        else:
            new = int(nearest.argmax())
        chosen.append(new)
        distances.append(nearest[new])
        nearest = np.minimum(nearest, np.linalg.norm(wide - wide[new], axis=1))
        nearest[[*chosen]] = -1
    return np.array(chosen, np.int64), np.array(distances, np.float64)

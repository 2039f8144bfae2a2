"""The choice among galaxies of which features and probabilities are known, and in words why each was chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.adapt.suggest import methods
from core.adapt.suggest.settings import Method
from core.wording import count_of, percent


@dataclass(frozen=True, eq=False)
class Known:
    """What the networks say of n galaxies.

    Attributes
    ----------
    rows
        int64 (n,), their rows.
    is_labelled
        bool (n,): whether a galaxy is labelled and in the training part.
    features
        float32 (n, F), the input of the first network's head; None where the method needs none.
    probabilities
        float32 (M, n, K) of M networks; None where the method needs none, or there are none.
    names
        The K classes or answers.
    """

    rows: NDArray[np.int64]
    is_labelled: NDArray[np.bool_]
    features: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None
    names: tuple[str, ...] = ()


def propose(known: Known, method: Method, count: int, seed: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Choose ``count`` of the unlabelled galaxies by a method.

    Returns
    -------
    ndarray, tuple of str
        Indices (b,) into ``known.rows``, the most useful first, and why each was chosen.
    """
    return _PROPOSING[method](known, count, seed)


def _propose_random(known: Known, count: int, seed: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    free = np.flatnonzero(~known.is_labelled)
    chosen = np.random.default_rng(seed).permutation(free)[:count]
    return chosen, ("Drawn at random.",) * len(chosen)


def _propose_typical(known: Known, count: int, seed: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    assert known.features is not None
    found = methods.choose_typical(methods.standardise(known.features, seed), known.is_labelled, count, seed)
    total = len(known.rows)
    reasons = [
        f"Typical of a group of {count_of(int(size), 'similar galaxy', 'similar galaxies')} "
        f"({percent(size / total, 1)} of those looked at), of which "
        f"{f'{labelled} had' if labelled else 'none had'} a label."
        for size, labelled in zip(found.sizes, found.labelled, strict=True)
    ]
    return found.chosen, tuple(reasons)


def _propose_uncertain(known: Known, count: int, seed: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:  # noqa: ARG001
    assert known.probabilities is not None
    free = np.flatnonzero(~known.is_labelled)
    if len(known.probabilities) > 1:
        bits = methods.disagreement(known.probabilities[:, free])
        best = methods.choose_largest(bits, count)
        chosen = free[best]
        reasons = [f"The networks disagree: {_each_says(known, int(place))}." for place in chosen]
        return chosen, tuple(reasons)
    chosen = free[methods.choose_largest(-methods.margin(known.probabilities[0, free]), count)]
    return chosen, tuple(f"The network hardly decides: {_doubt(known, int(place))}." for place in chosen)


def _propose_diverse(known: Known, count: int, seed: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    assert known.features is not None
    assert known.probabilities is not None
    free = np.flatnonzero(~known.is_labelled)
    mean = known.probabilities.mean(axis=0)
    chosen = free[methods.choose_diverse(known.features[free], mean[free], count, seed)]
    reasons = [
        f"Its label would change the network, and in another way than those of the others: {_doubt(known, int(place))}."
        for place in chosen
    ]
    return chosen, tuple(reasons)


def _propose_farthest(known: Known, count: int, seed: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    assert known.features is not None
    chosen, distances = methods.choose_farthest(methods.standardise(known.features, seed), known.is_labelled, count)
    reasons = [
        f"Unlike all that are labelled or proposed: the nearest is {distance:.2f} away (0 is alike, 2 opposite)."
        if np.isfinite(distance)
        else "In the middle of all: none is labelled yet."
        for distance in distances
    ]
    return chosen, tuple(reasons)


_PROPOSING: dict[Method, Callable[[Known, int, int], tuple[NDArray[np.int64], tuple[str, ...]]]] = {
    "random": _propose_random,
    "typical": _propose_typical,
    "uncertain": _propose_uncertain,
    "diverse": _propose_diverse,
    "core-set": _propose_farthest,
}


def _doubt(known: Known, place: int) -> str:
    """The two likeliest classes of a galaxy: ``spiral 48 %, elliptical 45 %``."""
    assert known.probabilities is not None
    mean = known.probabilities[:, place].mean(axis=0)
    order = np.argsort(-mean, kind="stable")[:2]
    return ", ".join(f"{known.names[number]} {percent(mean[number])}" for number in order)


def _each_says(known: Known, place: int) -> str:
    """What the networks say of a galaxy: ``2 say spiral, 1 elliptical``; how sure they are where all say the same."""
    assert known.probabilities is not None
    own = known.probabilities[:, place]
    votes = np.bincount(own.argmax(axis=1), minlength=len(known.names))
    said = [number for number in np.argsort(-votes, kind="stable") if votes[number]]
    if len(said) == 1:
        low, high = own[:, said[0]].min(), own[:, said[0]].max()
        return f"all say {known.names[said[0]]}, with {percent(low)} to {percent(high)}"
    return ", ".join(f"{votes[number]} say {known.names[number]}" for number in said)

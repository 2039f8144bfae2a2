"""Galaxies that are most alike to one galaxy, or to several, in the eyes of a network.

The distance of two galaxies is the cosine distance 1 − cos θ of their last features (:mod:`core.nets.features`): 0 for
features of the same direction, whatever their length. Of Euclidean, standardised and whitened features, those had the
fewest neighbours of another class on Galaxy Zoo galaxies that the network had not seen. The number alone means little,
so that each comes with the share of random pairs of galaxies that are farther apart.

The search is exact. Each galaxy is first compared by its 63 leading components and the length of what is left, which
bounds the cosine from above (the inequality of Cauchy and Schwarz); only those whose bound reaches the n-th best are
compared by all features.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from core.errors import Stopped, TooFewGalaxies
from core.events import NEVER, Progress, Skipped, Work
from core.nets import kept_features
from core.nets.opening import open_network_on_data

Togetherness = Literal["mean", "nearest"]
"""Of several galaxies: the mean of the distances to all of them, or the distance to the nearest one."""

Real = TypeVar("Real", np.float32, np.float64)

_COMPONENTS = 63  # with the length of what is left, 64 numbers a galaxy
_SAMPLE = 20_000  # galaxies whose components are found
_PAIRS = 20_000  # random pairs
_BLOCK = 65_536  # galaxies at once
_MARGIN = 4  # times as many candidates as are wanted
_ROUNDING = 2e-6  # of a sum of products in float32


@dataclass(frozen=True, eq=False)
class SimilarGalaxies:
    """The nearest galaxies, the nearest first.

    Attributes
    ----------
    rows
        int64 (n,), in their dataset.
    distances
        Cosine distances, float64 (n,), from 0 to 2.
    closer_than
        Share of random pairs that are farther apart, float64 (n,).
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float64]
    closer_than: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class SimilarityIndex:
    """The features of all galaxies of a dataset, ready to be searched; may be asked by any thread.

    Attributes
    ----------
    features
        float32 (N, F), possibly a file in memory.
    leading
        float32 (N, K): leading components of the features of length 1, and the length of what is left.
    axes
        float32 (F, K − 1), orthonormal; what the components are.
    pair_distances
        Sorted cosine distances of random pairs.
    """

    features: NDArray[np.float32]
    leading: NDArray[np.float32]
    axes: NDArray[np.float32]
    pair_distances: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.features)

    def find(self, rows: Sequence[int], number: int, to_several: Togetherness = "mean") -> SimilarGalaxies:
        """Find the galaxies nearest to one, or to several, which are themselves left out.

        Parameters
        ----------
        rows
            Of the galaxies, at least one.
        number
            How many to find at most.
        to_several
            What the distance to several galaxies is.
        """
        wanted = np.unique(np.asarray(rows, dtype=np.int64))
        number = min(number, len(self) - len(wanted))
        if number <= 0:
            return SimilarGalaxies(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
        targets = to_unit(self.features[wanted].astype(np.float64))
        if to_several == "mean":
            targets = targets.mean(axis=0, keepdims=True)
        bounds = self._bounds(targets)
        bounds[wanted] = -np.inf
        near = _find_largest(bounds, number)
        cosines = self._cosines(near, targets)
        least = np.partition(cosines, len(near) - number)[len(near) - number] - _ROUNDING
        bounds[near] = -np.inf
        more = np.flatnonzero(bounds > least)
        near, cosines = np.concatenate([near, more]), np.concatenate([cosines, self._cosines(more, targets)])
        best = np.lexsort((near, -cosines))[:number]
        distances = np.maximum(1 - cosines[best], 0)
        return SimilarGalaxies(near[best], distances, self.share_farther(distances))

    def share_farther(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of random pairs that are farther apart than each of these distances (n,)."""
        return 1 - np.searchsorted(self.pair_distances, distances, side="right") / len(self.pair_distances)

    def _bounds(self, targets: NDArray[np.float64]) -> NDArray[np.float32]:
        """Upper bounds (N,) of each galaxy's largest cosine with the targets (m, F)."""
        lead = _lead(targets, self.axes)
        if len(lead) == 1:
            return self.leading @ lead[0]
        found = np.empty(len(self), np.float32)
        for first in range(0, len(self), _BLOCK):
            some = slice(first, first + _BLOCK)
            found[some] = (self.leading[some] @ lead.T).max(axis=1)
        return found

    def _cosines(self, rows: NDArray[np.int64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
        """The largest cosine of each of these galaxies with the targets, by all features."""
        found = np.empty(len(rows))
        for first in range(0, len(rows), _BLOCK):
            some = rows[first : first + _BLOCK]
            found[first : first + len(some)] = (to_unit(self.features[some].astype(np.float64)) @ targets.T).max(axis=1)
        return found


def load(network: Path | str, data: Path | str, stop: threading.Event = NEVER) -> Work[SimilarityIndex]:
    """Make the index of a dataset by a network; yields progress, and a :class:`~core.events.Skipped` for each doubt.

    Parameters
    ----------
    network
        A weights file, or the folder of a run.
    data
        The dataset.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    NotPossible
        The stamps do not fit the network.
    NotANumber
        The features of a galaxy are not finite.
    TooFewGalaxies
        There are fewer than two galaxies.

    Examples
    --------
    >>> from core.events import result_of
    >>> index = result_of(load("runs/first", "survey.h5"))
    >>> found = index.find([0], number=3)
    >>> len(found), bool((found.distances < 1).all())
    (3, True)
    """
    with open_network_on_data(network, data, needs_answers=False) as opened:
        for doubt in opened.doubts:
            yield Skipped(doubt)
        found = yield from kept_features.of_dataset(opened, stop)
    return (yield from build(found, stop))


def build(features: NDArray[np.float32], stop: threading.Event = NEVER) -> Work[SimilarityIndex]:
    """Make an index of features (N, F).

    Raises
    ------
    TooFewGalaxies
        There are fewer than two galaxies.
    """
    count = len(features)
    if count < 2:
        raise TooFewGalaxies("One galaxy alone is like no other.", "Choose a dataset with more galaxies.")
    axes = _find_axes(features)
    leading = np.empty((count, axes.shape[1] + 1), np.float32)
    for first in range(0, count, _BLOCK):
        yield Progress(first, count, "galaxies")
        if stop.is_set():
            raise Stopped
        some = slice(first, first + _BLOCK)
        leading[some] = _lead(to_unit(features[some].astype(np.float32)), axes)
    yield Progress(count, count, "galaxies")
    return SimilarityIndex(features, leading, axes, _draw_pairs(features))


def _find_axes(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Orthonormal axes (F, K) that hold most of the features of length 1; all of them where there are few."""
    width = features.shape[1]
    if width <= _COMPONENTS:
        return np.eye(width, dtype=np.float32)
    rows = np.unique(np.linspace(0, len(features) - 1, min(len(features), _SAMPLE)).astype(np.int64))
    sample = to_unit(features[rows].astype(np.float64))
    _, axes = eigh(sample.T @ sample, subset_by_index=(width - _COMPONENTS, width - 1))
    return np.ascontiguousarray(axes, dtype=np.float32)


def _draw_pairs(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sorted distances of random pairs of different galaxies."""
    random = np.random.default_rng(0)
    left = random.integers(len(features), size=_PAIRS)
    right = (left + random.integers(1, len(features), size=_PAIRS)) % len(features)
    rows, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    unit = to_unit(features[rows].astype(np.float32))
    cosines = np.einsum("nf,nf->n", unit[places[:_PAIRS]], unit[places[_PAIRS:]], dtype=np.float64)
    return np.sort(np.maximum(1 - cosines, 0))


def _find_largest(values: NDArray[np.float32], number: int) -> NDArray[np.int64]:
    """Where the ``number`` largest of many values (N,) are, and some more: a sample tells from where on to look."""
    step = len(values) // _SAMPLE
    if step > 1:
        sample = values[::step]
        place = len(sample) - min(len(sample), _MARGIN + _MARGIN * number // step)
        found = np.flatnonzero(values >= np.partition(sample, place)[place])
        if number <= len(found) <= _SAMPLE + _MARGIN * _MARGIN * number:
            return found
    return np.argpartition(values, len(values) - number)[len(values) - number :]


def _lead(vectors: NDArray[np.floating], axes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Components (n, K) of vectors (n, F) along the axes (F, K − 1), and the length of what is left."""
    along = vectors @ axes.astype(vectors.dtype)
    left = np.einsum("nf,nf->n", vectors, vectors) - np.einsum("nk,nk->n", along, along)
    return np.column_stack([along, np.sqrt(np.maximum(left, 0))]).astype(np.float32)


def to_unit(vectors: NDArray[Real]) -> NDArray[Real]:
    """Vectors (n, F) of length 1; one of length 0 stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(vectors.dtype)

"""The strangest galaxies: those most unlike the galaxies that a network was trained on.

Unlikeness is the Mahalanobis distance √((x − μ)ᵀ Σ⁻¹ (x − μ)) of a galaxy's last features from those of the training
galaxies (Lee et al. 2018), standardised, with one mean μ and the covariance Σ shrunk as Ledoit and Wolf say; it needs
no labels. With a network of Galaxy Zoo galaxies, it told nine kinds of strange images (junk, mergers, satellite trails,
blends, swapped bands, missing halves, noise, another survey, star fields) from new ordinary galaxies with a mean area
under the curve of 0.93, at least 0.77 for each kind; the distance to the tenth neighbour (Sun et al. 2022) with 0.91
and 0.73.

The distance of a training galaxy is from the other training galaxies: a fifth of them at a time is left out of μ and Σ.
So are the distances with which a galaxy is compared: “more unlike than 99 % of the training galaxies”.

References
----------
Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples and adversarial attacks",
NeurIPS 31; Sun et al. 2022, "Out-of-distribution detection with deep nearest neighbors", ICML, PMLR 162, 20827;
Ledoit & Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", J. Multivariate Anal. 88,
365.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from core.data import split as splits
from core.errors import NotPossible, Stopped, TooFewGalaxies
from core.evaluate import similar
from core.evaluate.own_data import find_own_data
from core.events import NEVER, Progress, Skipped, Work
from core.nets import kept_features
from core.nets.opening import open_network_on_data
from core.project.runs import RunFolder

_FEWEST = 20  # training galaxies
_MOST = 20_000  # training galaxies that are used; so many tell the covariance well
_FOLDS = 5
_BLOCK = 16_384  # galaxies at once


@dataclass(frozen=True, eq=False)
class TrainingGalaxies:
    """The galaxies that a network was trained on, by their features.

    Attributes
    ----------
    data
        Their dataset.
    rows
        int64 (n,), in it.
    ids
        n ids.
    features
        float32 (n, F).
    checksum
        The fingerprint of the dataset.
    total
        Number of training galaxies, of which these may be a sample.
    """

    data: Path
    rows: NDArray[np.int64]
    ids: tuple[str, ...]
    features: NDArray[np.float32]
    checksum: str
    total: int


@dataclass(frozen=True, eq=False)
class Unlikeness:
    """How unlike the training galaxies the galaxies of a dataset are.

    Attributes
    ----------
    distances
        Mahalanobis distances, float64 (N,), in the order of the dataset.
    more_than
        Share of the training galaxies that are less unlike the others, float64 (N,).
    order
        int64 (N,): rows, the strangest first.
    training
        The galaxies with which they are compared.
    features
        float32 (N, F), of the galaxies.
    is_own
        Whether they are the galaxies of the dataset of the training.
    """

    distances: NDArray[np.float64]
    more_than: NDArray[np.float64]
    order: NDArray[np.int64]
    training: TrainingGalaxies
    features: NDArray[np.float32]
    is_own: bool = False

    def nearest_training_galaxies(self, rows: NDArray[np.int64]) -> list[tuple[str, float]]:
        """Id and cosine distance of the training galaxy that is most alike to each of these galaxies.

        A galaxy that is itself a training galaxy is not compared with itself.
        """
        theirs = similar.to_unit(self.training.features.astype(np.float64))
        cosines = similar.to_unit(self.features[rows].astype(np.float64)) @ theirs.T
        own = {int(row): place for place, row in enumerate(self.training.rows)} if self.is_own else {}
        for line, row in zip(cosines, rows.tolist(), strict=True):
            if row in own:
                line[own[row]] = -np.inf
        best = cosines.argmax(axis=1)
        found = cosines[np.arange(len(best)), best]
        return [
            (self.training.ids[place], max(1 - float(cosine), 0.0)) for place, cosine in zip(best, found, strict=True)
        ]


def run(run: Path | str, data: Path | str, stop: threading.Event = NEVER) -> Work[Unlikeness]:
    """Rank the galaxies of a dataset by how unlike a run's training galaxies they are.

    Yields progress, and a :class:`~core.events.Skipped` for each doubt whether the network fits the galaxies.

    Parameters
    ----------
    run
        The folder of a run, whose own dataset is still there, or its weights in that folder.
    data
        The dataset.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    NotPossible
        The stamps do not fit the network, or the file is not one of a run.
    UnreadableFile
        The run's own dataset, or the list of its parts, is not there.
    TooFewGalaxies
        There are fewer than twenty training galaxies.

    Examples
    --------
    >>> from core.events import result_of
    >>> found = result_of(run("runs/first", "survey.h5"))
    >>> len(found.order), bool(found.distances[found.order[0]] >= found.distances[found.order[-1]])
    (90, True)
    """
    training = yield from read_training_galaxies(Path(run), stop)
    with open_network_on_data(run, data, needs_answers=False) as opened:
        for doubt in opened.doubts:
            yield Skipped(doubt)
        found = yield from kept_features.of_dataset(opened, stop)
        is_own = opened.whole.is_known_as(training.checksum)
    return (yield from rank(found, training, is_own=is_own, stop=stop))


def read_training_galaxies(
    weights: Path, stop: threading.Event = NEVER, sample: int | None = None
) -> Work[TrainingGalaxies]:
    """The training galaxies of a run, or a random sample of them, with their features.

    Parameters
    ----------
    weights
        The folder of a run, or its weights in that folder.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    sample
        How many at most; no other galaxy is then shown to the network. None: those of all galaxies are kept.

    Raises
    ------
    NotPossible
        The weights are not in the folder of a run.
    UnreadableFile
        The run's own dataset, or the list of its parts, is not there.
    TooFewGalaxies
        There are fewer than twenty.
    """
    folder = RunFolder.of(weights)
    if not folder.split_file.is_file():
        raise NotPossible(
            "What a network was trained on is known for the folder of a run only.", "Choose a run.", str(weights)
        )
    data = folder.find_data() or find_own_data(folder)
    with open_network_on_data(weights, data, needs_answers=False) as opened:
        whole = opened.whole
        parts = splits.load(folder.split_file, whole.ids)
        total = len(parts.train)
        if total < _FEWEST:
            raise TooFewGalaxies(
                f"{total} of the run's training galaxies are in its dataset: too few to say what is unlike them.",
                f"At least {_FEWEST} are needed.",
                data.name,
            )
        rows, most = parts.train, sample or _MOST
        if total > most:
            rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
        if sample is None:
            everyone = yield from kept_features.of_dataset(opened, stop)
            found = np.array(everyone[rows])
        else:
            found = yield from kept_features.of_rows(opened, rows, stop)
        ids = tuple(whole.ids[row] for row in rows.tolist())
        return TrainingGalaxies(data, rows, ids, found, whole.checksum, total)


@dataclass(frozen=True, eq=False)
class Yardstick:
    """By which it is told how unlike a run's training galaxies other galaxies are, a few at a time.

    Attributes
    ----------
    training
        The galaxies with which they are compared.
    among
        The distance of each of these from the others, float64 (n,).
    """

    training: TrainingGalaxies
    among: NDArray[np.float64]
    _gaussian: _Gaussian

    def measure(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mahalanobis distances (n,) of galaxies of these features (n, F)."""
        return self._gaussian.distances(features)

    def replace_own(self, distances: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Distances of rows of the dataset of the training, where a training galaxy is not compared with itself."""
        order = np.argsort(self.training.rows)
        own = self.training.rows[order]
        places = np.minimum(np.searchsorted(own, rows), len(own) - 1)
        return np.where(own[places] == rows, self.among[order[places]], distances)

    def share_below(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of the training galaxies that are less unlike the others than these distances."""
        return np.searchsorted(np.sort(self.among), distances, side="left") / len(self.among)


def make_yardstick(training: TrainingGalaxies, stop: threading.Event = NEVER) -> Work[Yardstick]:
    """Measure how unlike one another the training galaxies are."""
    among = yield from _distances_among(training.features, stop)
    return Yardstick(training, among, _Gaussian(training.features))


def rank(
    features: NDArray[np.float32],
    training: TrainingGalaxies,
    *,
    is_own: bool = False,
    stop: threading.Event = NEVER,
) -> Work[Unlikeness]:
    """Rank galaxies of these features (N, F); ``is_own``: those of the dataset of the training."""
    yardstick = yield from make_yardstick(training, stop)
    distances = np.empty(len(features))
    for first in range(0, len(features), _BLOCK):
        yield Progress(first, len(features), "galaxies")
        if stop.is_set():
            raise Stopped
        distances[first : first + _BLOCK] = yardstick.measure(features[first : first + _BLOCK])
    yield Progress(len(features), len(features), "galaxies")
    if is_own:
        distances = yardstick.replace_own(distances, np.arange(len(features)))
    order = np.argsort(-distances, kind="stable")
    return Unlikeness(distances, yardstick.share_below(distances), order, training, features, is_own)


def _distances_among(features: NDArray[np.float32], stop: threading.Event) -> Work[NDArray[np.float64]]:
    """The distance of each training galaxy from the others: a fifth of them is judged by the rest at a time."""
    found = np.empty(len(features))
    fold = np.random.default_rng(0).permutation(len(features)) % _FOLDS
    for number in range(_FOLDS):
        yield Progress(number, _FOLDS, "fifths of the training galaxies")
        if stop.is_set():
            raise Stopped
        found[fold == number] = _Gaussian(features[fold != number]).distances(features[fold == number])
    return found


class _Gaussian:
    """The distribution of features (n, F): mean and shrunk covariance of the standardised ones."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        values = features.astype(np.float64)
        self._mean, spread = values.mean(axis=0), values.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1)
        standard = (values - self._mean) / self._spread
        covariance = LedoitWolf(assume_centered=True).fit(standard).covariance_
        strengths, axes = np.linalg.eigh(covariance)
        self._whiten = axes / np.sqrt(np.maximum(strengths, 1e-6 * strengths[-1]))

    def distances(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mahalanobis distances (n,) of features (n, F)."""
        standard = (features.astype(np.float64) - self._mean) / self._spread
        return np.linalg.norm(standard @ self._whiten, axis=1)

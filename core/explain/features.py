"""A map of the galaxies of a dataset: the network's last features, embedded in a plane.

The features are those of :mod:`core.nets.features`. The map's two coordinates are their principal components, or a
t-SNE embedding, which preserves neighbourhoods but not distances.

References
----------
van der Maaten & Hinton 2008, "Visualizing data using t-SNE", JMLR 9, 2579.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from core.errors import Stopped, TooFewGalaxies
from core.events import NEVER, Progress, Skipped, Work
from core.explain.settings import FeatureMapSettings
from core.nets import kept_features
from core.nets.opening import open_network_on_data

_COMPONENTS = 50  # principal components given to t-SNE
_FEWEST_GALAXIES = 4


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Galaxies as points.

    Attributes
    ----------
    coordinates
        float32 (n, 2).
    rows
        int64 (n,), rows of the galaxies in their dataset.
    ids
        The n ids of the galaxies.
    settings
        Settings of the map.
    explained_variance
        Fraction of the features' variance along each principal component, float64 (2,); None for t-SNE.
    """

    coordinates: NDArray[np.float32]
    rows: NDArray[np.int64]
    ids: tuple[str, ...]
    settings: FeatureMapSettings
    explained_variance: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.rows)


def run(predictor: Path, data: Path, settings: FeatureMapSettings, stop: threading.Event = NEVER) -> Work[FeatureMap]:
    """Compute the map of a dataset.

    Yields progress in galaxies, and a :class:`~core.events.Skipped` for each doubt whether the network fits them. A
    t-SNE, once begun, cannot be stopped; of more galaxies than ``most_galaxies`` it takes a random sample.

    Parameters
    ----------
    predictor
        A weights file, or the folder of a run.
    data
        The dataset.
    settings
        Kind of map.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    NotPossible
        The stamps do not fit the network.
    NotANumber
        The features of a galaxy are not finite.
    TooFewGalaxies
        There are fewer than four galaxies.
    """
    with open_network_on_data(predictor, data, needs_answers=False) as opened:
        cutouts = opened.cutouts
        for doubt in opened.doubts:
            yield Skipped(doubt)
        rows = np.arange(len(cutouts))
        if settings.method == "t-SNE" and len(rows) > settings.most_galaxies:
            random = np.random.default_rng(settings.seed)
            rows = np.sort(random.choice(rows, settings.most_galaxies, replace=False))
        if len(rows) < len(cutouts):
            found = yield from kept_features.of_rows(opened, rows, stop)
        else:
            found = yield from kept_features.of_dataset(opened, stop)
        names = cutouts.ids
        ids = tuple(names[row] for row in rows)
    yield Progress(0, None, "map")
    if stop.is_set():
        raise Stopped
    coordinates, variance = embed(found, settings)
    return FeatureMap(coordinates, rows, ids, settings, variance)


def embed(
    features: NDArray[np.float32], settings: FeatureMapSettings
) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
    """Embed features (n, F) in a plane: float32 (n, 2), and for principal components their fractions of variance (2,).

    Raises
    ------
    TooFewGalaxies
        There are fewer than four galaxies.
    """
    if len(features) < _FEWEST_GALAXIES:
        raise TooFewGalaxies(
            f"A map of {len(features)} galaxies tells nothing.", "Choose a dataset with more galaxies."
        )
    wide = np.asarray(features, np.float32)
    if settings.standardise:
        spread = wide.std(axis=0)
        wide = (wide - wide.mean(axis=0)) / np.where(spread > 0, spread, 1)
    if wide.shape[1] == 1:
        wide = np.pad(wide, ((0, 0), (0, 1)))  # a second axis on which nothing varies
    if settings.method == "PCA":
        analysis = PCA(2, random_state=settings.seed)
        with np.errstate(invalid="ignore"):  # where nothing varies, it divides zero by zero
            coordinates = analysis.fit_transform(wide)
        total = float(wide.var(axis=0, ddof=1, dtype=np.float64).sum())
        return coordinates.astype(np.float32), analysis.explained_variance_.astype(np.float64) / (total or 1.0)
    if min(wide.shape) > _COMPONENTS:
        wide = PCA(_COMPONENTS, random_state=settings.seed).fit_transform(wide)
    perplexity = min(settings.perplexity, (len(wide) - 1) / 3)
    start = PCA(2, random_state=settings.seed).fit_transform(wide)
    start *= 1e-4 / (start[:, 0].std() or 1.0)
    neighbours = TSNE(perplexity=perplexity, init=start, random_state=settings.seed, n_jobs=1)
    return neighbours.fit_transform(wide).astype(np.float32), None

"""What a network makes of all galaxies of a dataset, and a map on which like ones lie together.

The last features are the numbers that the head decides upon. They are computed in one pass over the dataset. The
map's two coordinates are their principal components, or those of t-SNE, which keeps neighbours together and gives
up distances.

References
----------
van der Maaten & Hinton 2008, "Visualizing data using t-SNE", JMLR 9, 2579.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from core.data.cutouts import Cutouts
from core.errors import NotANumber, Stopped, TooFewGalaxies
from core.events import NEVER, Progress, Skipped, Work
from core.explain import activations
from core.explain.settings import FeatureMapSettings
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor

_BATCH_BYTES = 4e6  # of stamps; the responses of the first layers are many times that
_MOST = 256
_COMPONENTS = 50  # that t-SNE looks at
_FEWEST = 4


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Galaxies as points.

    Attributes
    ----------
    coordinates
        float32 (n, 2).
    rows
        int64 (n,): where the galaxies are in their dataset.
    ids
        Their n ids.
    settings
        How the map was made.
    explained_variance
        Of principal components: the share of the features' variance along each axis, float64 (2,); else None.
    """

    coordinates: NDArray[np.float32]
    rows: NDArray[np.int64]
    ids: tuple[str, ...]
    settings: FeatureMapSettings
    explained_variance: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.rows)


def run(predictor: Path, data: Path, settings: FeatureMapSettings, stop: threading.Event = NEVER) -> Work[FeatureMap]:
    """Draw the map of a dataset.

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
    with open_network_on_data(predictor, data) as opened:
        cutouts = opened.cutouts
        for doubt in opened.doubts:
            yield Skipped(doubt)
        rows = np.arange(len(cutouts))
        if settings.method == "t-SNE" and len(rows) > settings.most_galaxies:
            random = np.random.default_rng(settings.seed)
            rows = np.sort(random.choice(rows, settings.most_galaxies, replace=False))
        found = yield from last_features(opened.predictor, cutouts, rows, stop)
        names = cutouts.ids
        ids = tuple(names[row] for row in rows)
    bad = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if len(bad):
        raise NotANumber(
            f"The network's features are not finite for {len(bad)} of {len(rows)} galaxies.",
            "Import their images again, or train the network again with a lower rate.",
            ids[int(bad[0])],
        )
    if stop.is_set():
        raise Stopped
    yield Progress(0, None, "map")
    coordinates, variance = flattened(found, settings)
    return FeatureMap(coordinates, rows, ids, settings, variance)


def last_features(
    predictor: Predictor, cutouts: Cutouts, rows: NDArray[np.int64], stop: threading.Event = NEVER
) -> Work[NDArray[np.float32]]:
    """What the head is given for each of these galaxies, float32 (n, F), in one pass over the dataset."""
    batch = int(min(_MOST, max(1, _BATCH_BYTES / (4 * np.prod(cutouts.shape[1:])))))
    found: list[NDArray[np.float32]] = []
    yield Progress(0, len(rows), "galaxies")
    for first in range(0, len(rows), batch):
        if stop.is_set():
            raise Stopped
        found.append(_features(predictor, cutouts.images[rows[first : first + batch]]))
        yield Progress(min(first + batch, len(rows)), len(rows), "galaxies")
    return np.concatenate(found) if found else np.zeros((0, 0), np.float32)


@torch.no_grad()
def _features(predictor: Predictor, images: NDArray[np.float32]) -> NDArray[np.float32]:
    network = predictor.network
    responses = network.features(activations.scaled(predictor, torch.from_numpy(images)))
    return network.neck(responses).cpu().numpy()  # (n, F)


def flattened(
    features: NDArray[np.float32], settings: FeatureMapSettings
) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
    """Coordinates float32 (n, 2) of features (n, F), and for principal components their shares of the variance (2,).

    Raises
    ------
    TooFewGalaxies
        There are fewer than four galaxies.
    """
    if len(features) < _FEWEST:
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

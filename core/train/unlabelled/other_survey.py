"""The dataset whose galaxies are shown without labels, open as the network takes it."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.errors import NotPossible, Problem, SettingsProblem
from core.nets import band_mapping, zero_points
from core.nets.band_mapping import BandMapping
from core.nets.mapped_cutouts import MappedCutouts
from core.nets.normalisation import Normalisation
from core.nets.opening import describe_mapping
from core.nets.predictor import Predictor
from core.train.unlabelled.images import ResampledCutouts

_UNLIKE = 3.0  # ratio of the spreads of scaled pixels, or their distance in spreads, that is told
_SQUARE = 1.01  # ratio of the sides that is kept


@contextlib.contextmanager
def open_for_network(path: Path, predictor: Predictor, bands: str = "") -> Iterator[tuple[Cutouts, list[Problem]]]:
    """Open a dataset with the bands, zero points and stamp size of a network, and say what was changed.

    Parameters
    ----------
    path
        The dataset.
    predictor
        The network.
    bands
        Which bands feed it, as text, see :mod:`core.nets.band_mapping`; empty: by their names, or a single one for all.

    Raises
    ------
    SettingsProblem
        The bands are not those of the dataset, or not as many as the network takes.
    NotPossible
        The stamps have other proportions, or their bands tell nothing.
    UnreadableFile, WrongVersion
        The file cannot be read.
    """
    with Cutouts.open(path) as whole:
        names = [band.name for band in whole.bands]
        found: list[Problem] = []
        cutouts: Cutouts = whole
        mapping = _find_mapping(predictor, names, bands, path)
        if mapping is not None:
            cutouts = MappedCutouts(cutouts, mapping, predictor.bands)
            found.append(describe_mapping(mapping, predictor.bands, names))
        _, height, width = predictor.stamp_shape
        size = cutouts.shape[2:]
        if size != (height, width):
            cutouts = ResampledCutouts(cutouts, height, width)
            _require_proportions(size, (height, width), path)
            found.append(
                Problem(
                    f"Stamps of {size[1]} × {size[0]} pixels are resampled to the {width} × {height} of the labelled "
                    "ones.",
                    "If galaxies then span another number of pixels, import them at the size of the training.",
                )
            )
        own = [band.name for band in cutouts.bands]
        found += predictor.check(own, cutouts.shape[1:], cutouts.median_pixel_scale)
        cutouts, scaled = zero_points.bring_to_training(cutouts, predictor)
        yield cutouts, [Problem(f"{path.name}: {each.sentence}", each.remedy, each.where) for each in found + scaled]


def _find_mapping(predictor: Predictor, names: Sequence[str], wish: str, path: Path) -> BandMapping | None:
    """What feeds each of the network's bands; None: the dataset's own, as they are."""
    if wish:
        return BandMapping.parse(wish, names, predictor.bands, "unlabelled.bands")
    trained = BandMapping(predictor.bands_from)
    if trained.sources and trained.fits(names):
        return trained
    found = band_mapping.put_in_order(predictor.bands, names)
    if found is None and len(names) != len(predictor.bands):
        found = band_mapping.propose(predictor.bands, names)
        if found is None:
            raise SettingsProblem(
                f"The network takes {', '.join(predictor.bands)}; {path.name} has {', '.join(names)}.",
                f"Choose what feeds each of its bands, as in {band_mapping.example(predictor.bands, names)}.",
                "unlabelled.bands",
            )
    return found


def _require_proportions(size: Sequence[int], wanted: Sequence[int], path: Path) -> None:
    ratio = size[0] / size[1] * wanted[1] / wanted[0]
    if not 1 / _SQUARE < ratio < _SQUARE:
        raise NotPossible(
            f"Stamps of {size[1]} × {size[0]} pixels cannot be resampled to {wanted[1]} × {wanted[0]}.",
            "Import these galaxies at the size of the labelled ones.",
            str(path),
        )


def compare_pixels(own: NDArray[np.float32], other: NDArray[np.float32], scaling: Normalisation) -> Problem | None:
    """The warning that the galaxies of two surveys look unlike each other to a network; None: they do not.

    Parameters
    ----------
    own, other
        Stamps (n, C, H, W) and (m, C, H, W) of both surveys, as they are read.
    scaling
        The input scaling of the network.
    """
    scaling = copy.deepcopy(scaling).to("cpu")
    first, second = (scaling.scale_fast(torch.from_numpy(each)) for each in (own, other))
    spread, others = float(first.std()), float(second.std())
    away = abs(float(second.mean() - first.mean()))
    if 1 / _UNLIKE < others / max(spread, 1e-12) < _UNLIKE and away < _UNLIKE * max(spread, 1e-12):
        return None
    return Problem(
        "To the network the galaxies without labels hardly look like galaxies. After the input scaling, the mean and "
        f"spread of their pixels are {float(second.mean()):.3g} and {others:.3g}, those of the labelled ones "
        f"{float(first.mean()):.3g} and {spread:.3g}.",
        "Scale each galaxy by itself (network.samplewise = standard), or give the zero points of both surveys.",
        "network.samplewise",
    )

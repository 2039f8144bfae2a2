"""What is doubtful about each galaxy that a network of quantities has measured, in words."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.seen import seen_ids
from core.errors import Problem
from core.evaluate import pixel_scales
from core.evaluate.predict import Predictions
from core.nets.opening import NetworkOnData
from core.nets.training_range import measure_images

_TOLERANCE = 1e-3


def read_seen(network: Path) -> frozenset[str]:
    """The ids of the galaxies that a network has seen; none where there is no record of its parts."""
    with contextlib.suppress(Problem):
        return frozenset(seen_ids(network))
    return frozenset()


class Flags:
    """Looks at the images as the network is asked about them, and then at its answers.

    Parameters
    ----------
    opened
        The network, or an ensemble, and the dataset.
    seen
        Ids of the galaxies that it has seen, see :func:`read_seen`.
    """

    def __init__(self, opened: NetworkOnData, seen: frozenset[str]) -> None:
        self._opened, self._seen = opened, seen
        self._statistics: list[NDArray[np.float64]] = []

    def observe(self, images: NDArray[np.float32]) -> None:
        """Take note of the images of a batch."""
        self._statistics.append(measure_images(images))

    def find(self, predictions: Predictions) -> list[str]:
        """What is doubtful about each galaxy; empty: nothing."""
        predictor, cutouts = self._opened.predictor, self._opened.cutouts
        flags: list[list[str]] = [[] for _ in predictions.ids]
        ranges = [member.training_range for member in predictor.members if member.training_range is not None]
        if ranges and self._statistics:
            statistics = np.concatenate(self._statistics)
            outside = [known.describe_outside(statistics, predictions.scores, predictions.names) for known in ranges]
            for row, texts in enumerate(zip(*outside, strict=True)):
                flags[row] += [f"outside the training range: {text}" for text in dict.fromkeys(texts) if text]
        if pixel_scales.has_sizes(predictor.target):
            ratios = pixel_scales.scale_ratios(predictor, cutouts.pixel_scale[predictions.rows])
            for row in np.flatnonzero(np.isnan(ratios)):
                flags[row].append("pixel scale unknown")
            for row in np.flatnonzero(np.abs(ratios - 1) > _TOLERANCE):
                flags[row].append(f"pixel scale {ratios[row]:.3g} times that of the training")
        if (size := cutouts.shape[2:]) != (own := predictor.stamp_shape[1:]):
            for texts in flags:
                texts.append(f"stamp of {size[1]} × {size[0]} pixels, {own[1]} × {own[0]} in the training")
        for row, name in enumerate(predictions.ids):
            flags[row] += ["used in the training"] if name in self._seen else []
        return ["; ".join(each) for each in flags]


def join(each: Sequence[Sequence[str]]) -> list[str]:
    """The flags of each galaxy by all networks, every one once."""
    joined: list[str] = []
    for texts in zip(*each, strict=True):
        parts = dict.fromkeys(part for text in texts for part in text.split("; ") if part)
        joined.append("; ".join(parts))
    return joined

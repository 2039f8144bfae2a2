r"""Occlusion sensitivity: cover a piece of the image and measure how far the score drops.

A square of side :math:`p`, filled with background, is put at every position of a grid. Where covering lowers the
score, there was evidence. A pixel's value is the mean drop over the positions that cover it,

.. math:: M(x, y) = \langle f(I) - f(I \text{ with } P_i \text{ covered}) \rangle_{i:\,(x, y) \in P_i} ,

so positive is evidence for the class, negative against it. The grid starts at the corner and steps by the stride
until the far border is occluder, the last squares being cut off there; this and the mean over overlapping squares
are the conventions of Captum's ``Occlusion``, with whose values these agree.

References
----------
Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", ECCV.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.errors import Stopped
from core.events import NEVER, Preview, Progress, Work
from core.explain.explanation import Explanation
from core.explain.occluder import Occluder
from core.explain.settings import OcclusionSettings
from core.nets.predictor import Predictor

_COARSE_STEP = 8  # positions between those of the preview, about


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: OcclusionSettings = OcclusionSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Map how far the score of one output, or the response of a layer, falls where the image is covered.

    Yields progress, and early on a preview: the map from about every eighth position along both axes, with linear
    interpolation in between, and without the score of the baseline.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        Patch, stride, fill, and whether to measure the score or a layer's response.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Id of the galaxy.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, it has no such layer or filter, or the image is not
        finite.
    SettingsProblem
        The patch is larger than the image.

    Examples
    --------
    >>> from core.data.cutouts import Cutouts
    >>> from core.events import result_of
    >>> predictor = Predictor.load("runs/first")
    >>> with Cutouts.open("survey.h5") as cutouts:
    ...     image = cutouts.images[0]
    >>> made = result_of(explain(predictor, image, "disk", OcclusionSettings(patch=6, stride=3)))
    >>> made.target_name, made.map.shape
    ('disk', (24, 24))
    >>> made.save_fits("map.fits")
    """
    occluder = Occluder(predictor, image, output, settings)
    shape = (len(occluder.rows), len(occluder.columns))
    drops = np.full(shape, np.nan)
    down, across = coarse_positions(shape[0]), coarse_positions(shape[1])
    preview_positions = np.ravel_multi_index(np.ix_(down, across), shape).ravel()
    done = 0
    for part in (preview_positions, np.setdiff1d(np.arange(len(occluder)), preview_positions)):
        for which, scores in _measure(occluder, part, stop):
            drops.flat[which] = occluder.score - scores
            done += len(which)
            yield Progress(done, len(occluder), "positions")
        if done < len(occluder):
            first = interpolate(drops[np.ix_(down, across)], down, across)
            yield Preview(_explanation(occluder, first, settings, galaxy_id, is_final=False))
    return _explanation(occluder, drops, settings, galaxy_id)


@dataclass(frozen=True, eq=False)
class Frame:
    """The image with the square at one position.

    Attributes
    ----------
    image
        float32 (C, H, W) in physical units, with the square on it.
    score
        The score, or the response of a layer.
    row, column
        First pixel of the square.
    """

    image: NDArray[np.float32]
    score: float
    row: int
    column: int


def explain_frame_by_frame(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: OcclusionSettings = OcclusionSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Do as :func:`explain` does, but row by row, with a preview at each position that holds a :class:`Frame`.

    Parameters, result and errors are those of :func:`explain`.
    """
    occluder = Occluder(predictor, image, output, settings)
    drops = np.full((len(occluder.rows), len(occluder.columns)), np.nan)
    for which, scores in _measure(occluder, np.arange(len(occluder)), stop):
        drops.flat[which] = occluder.score - scores
        for stamp, score, number in zip(occluder.covered_images(which).cpu().numpy(), scores, which, strict=True):
            row, column = divmod(int(number), len(occluder.columns))
            yield Preview(Frame(stamp, float(score), occluder.rows[row], occluder.columns[column]))
            if stop.is_set():
                raise Stopped
    return _explanation(occluder, drops, settings, galaxy_id)


def _explanation(
    occluder: Occluder,
    drops: NDArray[np.float64],
    settings: OcclusionSettings,
    galaxy_id: str,
    *,
    is_final: bool = True,
) -> Explanation:
    """The map made of the score drops (rows, columns) at all positions; a first look has no score of the baseline."""
    return Explanation(
        galaxy_id=galaxy_id,
        method="occlusion",
        target_name=occluder.objective.name,
        map=average_over_patches(drops, occluder.rows, occluder.columns, settings.patch, occluder.shape),
        score=occluder.score,
        baseline_score=occluder.baseline_score if is_final else math.nan,
        error=None,
        settings=settings,
        probability=occluder.objective.probability,
        unit=occluder.objective.unit,
    )


def _measure(
    occluder: Occluder, positions: NDArray[np.int64], stop: threading.Event
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Numbers of positions, a batch at a time, and the scores there."""
    for first in range(0, len(positions), occluder.chunk):
        if stop.is_set():
            raise Stopped
        which = positions[first : first + occluder.chunk]
        yield which, occluder.scores(which)


def unsupported_reason(_predictor: Predictor) -> str:
    """Empty: every network supports this method."""
    return ""


def coarse_positions(count: int) -> NDArray[np.int64]:
    """Numbers of the positions along an axis for the preview: the first, the last, and a few in between."""
    return np.unique(np.linspace(0, count - 1, math.ceil((count - 1) / _COARSE_STEP) + 1).round().astype(np.int64))


def interpolate(drops: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score drops at all positions, by linear interpolation from those (n, m) at the given positions."""
    down, across = (_interpolation_weights(numbers) for numbers in (rows, columns))
    return down @ drops @ across.T


def _interpolation_weights(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weight of each known position at each position, (count, n)."""
    every = np.arange(numbers[-1] + 1)
    return np.stack([np.interp(every, numbers, known) for known in np.eye(len(numbers))], axis=1)


def average_over_patches(
    drops: NDArray[np.float64], rows: Sequence[int], columns: Sequence[int], patch: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Spread the score drops (rows, columns) over the pixels, a mean where squares overlap."""
    down = _membership(rows, patch, shape[0])  # (rows, H)
    across = _membership(columns, patch, shape[1])  # (columns, W)
    return (down.T @ drops @ across / np.outer(down.sum(axis=0), across.sum(axis=0))).astype(np.float32)


def _membership(starts: Sequence[int], patch: int, pixels: int) -> NDArray[np.float64]:
    pixel, start = np.arange(pixels), np.asarray(starts)[:, None]
    return ((pixel >= start) & (pixel < start + patch)).astype(np.float64)

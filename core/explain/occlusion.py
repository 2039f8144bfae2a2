r"""Occlusion sensitivity: cover a piece of the galaxy and see how far the score falls.

A square of side :math:`p` is filled with something that holds no galaxy and put on every position of a grid. Where
covering lowers the score, there was evidence. A pixel's value is the mean fall over the positions that cover it,

.. math:: M(x, y) = \langle f(I) - f(I \text{ with } P_i \text{ covered}) \rangle_{i:\,(x, y) \in P_i} ,

so positive is evidence for the class, negative against it. The grid starts at the corner and steps by the stride
until the far border is covered, the last squares being cut off there; this and the mean over overlapping squares
are the conventions of Captum's ``Occlusion``, whose values these are.

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
from core.explain.question import ask
from core.explain.settings import OcclusionSettings
from core.nets.predictor import Predictor

_COARSE = 8  # about so many positions further for the first look


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: OcclusionSettings = OcclusionSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Map how far the score of one output, or the response of a layer, falls where the image is covered.

    Yields progress, and first a preview: the explanation from every eighth position or so along both axes, and what
    lies between them on straight lines.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        Patch, stride, what to cover with, and what to watch.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Whose explanation it is.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, which has no such layer or filter, or the image is not
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
    covered = Occluder(ask(predictor, image, output), settings)
    shape = (len(covered.rows), len(covered.columns))
    falls = np.full(shape, np.nan)
    down, across = coarse(shape[0]), coarse(shape[1])
    first_look = np.ravel_multi_index(np.ix_(down, across), shape).ravel()
    done = 0
    for part in (first_look, np.setdiff1d(np.arange(len(covered)), first_look)):
        for which, scores in _read(covered, part, stop):
            falls.flat[which] = covered.score - scores
            done += len(which)
            yield Progress(done, len(covered), "positions")
        if done < len(covered):
            first = between(falls[np.ix_(down, across)], down, across)
            yield Preview(_explanation(covered, first, settings, galaxy_id))
    return _explanation(covered, falls, settings, galaxy_id)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of the film of the moving square.

    Attributes
    ----------
    image
        float32 (C, H, W) in physical units, with the square on it.
    score
        What is read off the network: the score, or the response of a layer.
    row, column
        First pixel of the square.
    """

    image: NDArray[np.float32]
    score: float
    row: int
    column: int


def frames(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: OcclusionSettings = OcclusionSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Let the square move over the image, row by row: a film, of which each preview holds a :class:`Frame`.

    Parameters, errors and what is returned are those of :func:`explain`.
    """
    covered = Occluder(ask(predictor, image, output), settings)
    falls = np.full((len(covered.rows), len(covered.columns)), np.nan)
    for which, scores in _read(covered, np.arange(len(covered)), stop):
        falls.flat[which] = covered.score - scores
        for stamp, score, number in zip(covered.images(which).cpu().numpy(), scores, which, strict=True):
            row, column = divmod(int(number), len(covered.columns))
            yield Preview(Frame(stamp, float(score), covered.rows[row], covered.columns[column]))
            if stop.is_set():
                raise Stopped
    return _explanation(covered, falls, settings, galaxy_id)


def _explanation(
    covered: Occluder, falls: NDArray[np.float64], settings: OcclusionSettings, galaxy_id: str
) -> Explanation:
    """What falls (rows, columns) of the score at all positions say."""
    return Explanation(
        galaxy_id=galaxy_id,
        method="occlusion",
        target_name=covered.reading.name,
        map=averaged(falls, covered.rows, covered.columns, settings.patch, covered.shape),
        score=covered.score,
        baseline_score=covered.baseline_score,
        error=None,
        settings=settings,
        probability=covered.reading.probability,
        unit=covered.reading.unit,
    )


def _read(
    covered: Occluder, positions: NDArray[np.int64], stop: threading.Event
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Positions, some at a time, and what is read there."""
    for first in range(0, len(positions), covered.chunk):
        if stop.is_set():
            raise Stopped
        which = positions[first : first + covered.chunk]
        yield which, covered.scores(which)


def why_not(_predictor: Predictor) -> str:
    """Every network can be asked in this way."""
    return ""


def coarse(count: int) -> NDArray[np.int64]:
    """Numbers of the positions along an axis for a first look: the first, the last, and a few in between."""
    return np.unique(np.linspace(0, count - 1, math.ceil((count - 1) / _COARSE) + 1).round().astype(np.int64))


def between(falls: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Falls at all positions, linearly from those (n, m) at the positions of these numbers."""
    down, across = (_shares(numbers) for numbers in (rows, columns))
    return down @ falls @ across.T


def _shares(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each known position counts for each position, (count, n)."""
    every = np.arange(numbers[-1] + 1)
    return np.stack([np.interp(every, numbers, known) for known in np.eye(len(numbers))], axis=1)


def averaged(
    falls: NDArray[np.float64], rows: Sequence[int], columns: Sequence[int], patch: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Spread the falls (rows, columns) over the pixels, a mean where squares overlap."""
    down = _membership(rows, patch, shape[0])  # (rows, H)
    across = _membership(columns, patch, shape[1])  # (columns, W)
    return (down.T @ falls @ across / np.outer(down.sum(axis=0), across.sum(axis=0))).astype(np.float32)


def _membership(starts: Sequence[int], patch: int, pixels: int) -> NDArray[np.float64]:
    pixel, start = np.arange(pixels), np.asarray(starts)[:, None]
    return ((pixel >= start) & (pixel < start + patch)).astype(np.float64)

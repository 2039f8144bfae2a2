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
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import SettingsProblem, Stopped
from core.events import Preview, Progress, Work
from core.explain import folded, windowed
from core.explain.explanation import Explanation
from core.explain.question import Question, ask, full_precision
from core.explain.settings import OcclusionSettings
from core.nets.predictor import Predictor

_COARSE = 4
_CHUNK_BYTES = {"cpu": 12e6}  # near what fits the processor's caches; a graphics card wants more at a time
_LARGE_CHUNK_BYTES = 512e6

Outputs = Callable[[NDArray[np.int64]], Tensor]


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None,
    settings: OcclusionSettings,
    stop: threading.Event,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Map how far the score of one output falls where the image is covered.

    Yields progress, and first a preview: the explanation from every fourth position or so.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        Patch, stride and what to cover with.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Whose explanation it is.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, or the image is not finite.
    SettingsProblem
        The patch is larger than the image.
    """
    question = ask(predictor, image, output)
    height, width = question.image.shape[1:]
    if settings.patch > min(height, width):
        raise SettingsProblem(
            f"The patch of {settings.patch} pixels is larger than the image of {width} × {height}.",
            "Choose a smaller patch.",
            "patch",
        )
    rows = positions(height, settings.patch, settings.stride)
    columns = positions(width, settings.patch, settings.stride)
    fill = question.empty(settings.fill)  # (C,)
    outputs, chunk = _prepared(question, fill, settings.patch, rows, columns)

    with torch.no_grad(), full_precision(question.image.device):
        covered = predictor.logits(fill[None, :, None, None].expand(-1, -1, height, width))
    falls = np.full((len(rows), len(columns)), np.nan)

    def explanation() -> Explanation:
        return Explanation(
            galaxy_id=galaxy_id,
            method="occlusion",
            target_name=question.name,
            map=averaged(falls, rows, columns, settings.patch, (height, width)),
            score=question.score,
            baseline_score=float(question.scores(covered)),
            error=None,
            settings=settings,
            probability=question.probability,
            unit=question.unit,
        )

    coarse, rest = coarse_first(len(rows), len(columns), settings.patch // settings.stride)
    done = 0
    for part in (coarse, rest):
        for first in range(0, len(part), chunk):
            if stop.is_set():
                raise Stopped
            which = part[first : first + chunk]
            falls.flat[which] = question.score - question.scores(_computed(question, outputs, which)).cpu().numpy()
            done += len(which)
            yield Progress(done, falls.size, "positions")
        if done < falls.size:
            yield Preview(explanation())
    return explanation()


def why_not(_predictor: Predictor) -> str:
    """Every network can be asked in this way."""
    return ""


def positions(pixels: int, patch: int, stride: int) -> list[int]:
    """First pixel of each square along an axis; the last square reaches or passes the border."""
    return [stride * number for number in range(math.ceil((pixels - patch) / stride) + 1)]


def coarse_first(rows: int, columns: int, overlap: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the positions for a first look, which cover the image too, and of all the others.

    ``overlap`` is the number of strides that go into a patch.
    """
    step = max(1, min(_COARSE, overlap))
    numbers = np.arange(rows * columns).reshape(rows, columns)
    down = np.unique(np.append(np.arange(0, rows, step), rows - 1))
    across = np.unique(np.append(np.arange(0, columns, step), columns - 1))
    coarse = numbers[np.ix_(down, across)].ravel()
    return coarse, np.setdiff1d(numbers, coarse)


def averaged(
    falls: NDArray[np.float64], rows: Sequence[int], columns: Sequence[int], patch: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Spread the falls (rows, columns) over the pixels, a mean where squares overlap; NaN falls are left out."""
    down = _membership(rows, patch, shape[0])  # (rows, H)
    across = _membership(columns, patch, shape[1])  # (columns, W)
    known = np.isfinite(falls)
    total = down.T @ np.where(known, falls, 0) @ across
    count = down.T @ known.astype(np.float64) @ across
    return (total / count).astype(np.float32)


def _membership(starts: Sequence[int], patch: int, pixels: int) -> NDArray[np.float64]:
    pixel, start = np.arange(pixels), np.asarray(starts)[:, None]
    return ((pixel >= start) & (pixel < start + patch)).astype(np.float64)


def _prepared(
    question: Question, fill: Tensor, patch: int, rows: Sequence[int], columns: Sequence[int]
) -> tuple[Outputs, int]:
    """How to compute the outputs with the patch at given positions, and for how many positions at a time."""
    predictor, image = question.predictor, question.image
    budget = _CHUNK_BYTES.get(image.device.type, _LARGE_CHUNK_BYTES)
    parts = windowed.stages(folded.layers(predictor.network.features))
    if parts is not None:
        with torch.no_grad(), full_precision(image.device):
            scaled = predictor.normalisation(image[None])[0]
            scaled_fill = predictor.normalisation(fill[None, :, None, None])[0, :, 0, 0]
            windows = windowed.Windowed(predictor.network, parts, scaled, scaled_fill, patch, rows, columns)
        return windows.outputs, max(1, int(budget / windows.bytes_per_position))

    def outputs(which: NDArray[np.int64]) -> Tensor:
        covered = image.repeat(len(which), 1, 1, 1)  # (n, C, H, W)
        for stamp, number in zip(covered, which.tolist(), strict=True):
            top, left = rows[number // len(columns)], columns[number % len(columns)]
            stamp[:, top : top + patch, left : left + patch] = fill[:, None, None]
        return predictor.logits(covered)

    return outputs, max(1, int(budget / (4 * 64 * image[0].numel())))


def _computed(question: Question, outputs: Outputs, which: NDArray[np.int64]) -> Tensor:
    with torch.no_grad(), full_precision(question.image.device):
        return outputs(which)

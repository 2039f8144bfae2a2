"""One image with a square covered, at each position of a grid, and what a network reads there.

Only what the square can reach is computed where the network's layers are of a known kind and its input scaling takes
each pixel by itself (:mod:`~core.explain.windowed`); any other network looks at whole images, many at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import SettingsProblem
from core.explain import objective, reach
from core.explain.question import Question, full_precision
from core.explain.settings import OcclusionSettings
from core.explain.windowed import Windowed

_CHUNK_BYTES = {"cpu": 12e6}  # near what fits the processor's caches; a graphics card wants more at a time
_LARGE_CHUNK_BYTES = 512e6


class Occluder:
    """An image under a square that moves.

    Positions are numbered row by row: ``row * len(columns) + column``.

    Parameters
    ----------
    question
        The network and the image.
    settings
        The square, its stride, what it shows, and what is read off the network.

    Attributes
    ----------
    reading
        What is read off the network.
    shape
        Height and width of the image.
    rows, columns
        First pixel of the square at each position.
    score, baseline_score
        The number read for the image, and for the image covered all over.
    chunk
        Positions to ask for at a time.

    Raises
    ------
    NotPossible
        The network has no such layer or filter.
    SettingsProblem
        The square is larger than the image.
    """

    def __init__(self, question: Question, settings: OcclusionSettings) -> None:
        height, width = self.shape = (question.image.shape[1], question.image.shape[2])
        if settings.patch > min(height, width):
            raise SettingsProblem(
                f"The patch of {settings.patch} pixels is larger than the image of {width} × {height}.",
                "Choose a smaller patch.",
                "patch",
            )
        if settings.layer:
            self.reading = objective.response(question, settings.layer, settings.filter, settings.response)
        else:
            self.reading = objective.score(question)
        self.rows = positions(height, settings.patch, settings.stride)
        self.columns = positions(width, settings.patch, settings.stride)
        self._question, self._patch = question, settings.patch
        self._cover = question.cover(settings.fill, settings.seed)  # (C, H, W)
        self._scores, ends, bytes_per_position = self._prepared()
        self.score, self.baseline_score = ends.tolist()
        budget = _CHUNK_BYTES.get(question.image.device.type, _LARGE_CHUNK_BYTES)
        self.chunk = max(1, int(budget / bytes_per_position))

    def __len__(self) -> int:
        """Number of positions."""
        return len(self.rows) * len(self.columns)

    @torch.no_grad()
    def scores(self, which: NDArray[np.int64]) -> NDArray[np.float64]:
        """The numbers read with the square at the positions numbered ``which`` (n,)."""
        with full_precision(self._question.image.device):
            return self._scores(which).cpu().numpy().astype(np.float64)

    def images(self, which: NDArray[np.int64]) -> Tensor:
        """The image with the square at the positions numbered ``which`` (n,): (n, C, H, W) in physical units."""
        covered = self._question.image.repeat(len(which), 1, 1, 1)
        for stamp, number in zip(covered, which.tolist(), strict=True):
            row, column = divmod(number, len(self.columns))
            top, left = self.rows[row], self.columns[column]
            square = (slice(None), slice(top, top + self._patch), slice(left, left + self._patch))
            stamp[square] = self._cover[square]
        return covered

    def _prepared(self) -> tuple[Callable[[NDArray[np.int64]], Tensor], Tensor, float]:
        """How to read at given positions, what is read uncovered and covered all over, and bytes per position."""
        question, read = self._question, self.reading
        both = torch.stack([question.image, self._cover])
        parts = reach.stages(read.layers)
        if parts is None or not question.predictor.normalisation.is_pixelwise:
            size = 4 * 64 * question.image[0].numel()
            return lambda which: read.of(question, self.images(which)), read.of(question, both), size
        with torch.no_grad(), full_precision(question.image.device):
            image, cover = question.predictor.normalisation(both)
            windows = Windowed(parts, read.neck, read.head, image, cover, self._patch, self.rows, self.columns)
        return windows.answers, windows.ends, windows.bytes_per_position


def positions(pixels: int, patch: int, stride: int) -> list[int]:
    """First pixel of each square along an axis; the last square reaches or passes the border."""
    return [stride * number for number in range(math.ceil((pixels - patch) / stride) + 1)]

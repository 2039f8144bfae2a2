"""The score of one image with a square covered, at each position of a grid.

Where the network's layers are of a known kind and its input scaling is pixel by pixel, only the responses within reach
of the square are computed (:mod:`~core.explain.windowed`); any other network is run on whole images, in batches.
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
from core.explain.explained_output import ExplainedOutput
from core.explain.settings import OcclusionSettings
from core.explain.windowed import WindowedNetwork
from core.nets.device import full_precision

_CHUNK_BYTES = {"cpu": 12e6}  # near the size of a processor's caches; a graphics card is faster with more
_LARGE_CHUNK_BYTES = 512e6


class Occluder:
    """An image under a square that moves.

    Positions are numbered row by row: ``row * len(columns) + column``.

    Parameters
    ----------
    explained
        The network, the image and the output.
    settings
        The square, its stride, its fill, and what is measured.

    Attributes
    ----------
    objective
        What is measured: the score of the output, or a layer's response.
    shape
        Height and width of the image.
    rows, columns
        First pixel of the square at each position.
    score, baseline_score
        The objective's value for the image, and for the image covered all over.
    chunk
        Number of positions that suits one call of :meth:`scores`.

    Raises
    ------
    NotPossible
        The network has no such layer or filter.
    SettingsProblem
        The square is larger than the image.
    """

    def __init__(self, explained: ExplainedOutput, settings: OcclusionSettings) -> None:
        height, width = self.shape = (explained.image.shape[1], explained.image.shape[2])
        if settings.patch > min(height, width):
            raise SettingsProblem(
                f"The patch of {settings.patch} pixels is larger than the image of {width} × {height}.",
                "Choose a smaller patch.",
                "patch",
            )
        if settings.layer:
            self.objective = objective.layer_response(explained, settings.layer, settings.filter, settings.response)
        else:
            self.objective = objective.output_score(explained)
        self.rows = positions(height, settings.patch, settings.stride)
        self.columns = positions(width, settings.patch, settings.stride)
        self._explained, self._patch = explained, settings.patch
        self._baseline = explained.baseline_image(settings.fill, settings.seed)  # (C, H, W)
        self._scores, end_values, bytes_per_position = self._prepare()
        self.score, self.baseline_score = end_values.tolist()
        budget = _CHUNK_BYTES.get(explained.image.device.type, _LARGE_CHUNK_BYTES)
        self.chunk = max(1, int(budget / bytes_per_position))

    def __len__(self) -> int:
        """Number of positions."""
        return len(self.rows) * len(self.columns)

    @torch.no_grad()
    def scores(self, which: NDArray[np.int64]) -> NDArray[np.float64]:
        """The objective's values with the square at the positions numbered ``which`` (n,)."""
        with full_precision(self._explained.image.device):
            return self._scores(which).cpu().numpy().astype(np.float64)

    def covered_images(self, which: NDArray[np.int64]) -> Tensor:
        """The image with the square at the positions numbered ``which`` (n,): (n, C, H, W) in physical units."""
        covered = self._explained.image.repeat(len(which), 1, 1, 1)
        for stamp, number in zip(covered, which.tolist(), strict=True):
            row, column = divmod(number, len(self.columns))
            top, left = self.rows[row], self.columns[column]
            square = (slice(None), slice(top, top + self._patch), slice(left, left + self._patch))
            stamp[square] = self._baseline[square]
        return covered

    def _prepare(self) -> tuple[Callable[[NDArray[np.int64]], Tensor], Tensor, float]:
        """A function from positions to values, the values uncovered and covered all over, and bytes per position."""
        explained, measured = self._explained, self.objective
        both = torch.stack([explained.image, self._baseline])
        parts = reach.split_stages(measured.layers)
        if parts is None or not explained.predictor.normalisation.is_pixelwise:
            size = 4 * 64 * explained.image[0].numel()
            return (
                lambda which: measured.evaluate(explained, self.covered_images(which)),
                measured.evaluate(explained, both),
                size,
            )
        with torch.no_grad(), full_precision(explained.image.device):
            image, cover = explained.predictor.normalisation.scale_fast(both)
            windows = WindowedNetwork(
                parts, measured.neck, measured.head, image, cover, self._patch, self.rows, self.columns
            )
        return windows.evaluate, windows.end_values, windows.bytes_per_position


def positions(pixels: int, patch: int, stride: int) -> list[int]:
    """First pixel of each square along an axis; the last square reaches or passes the border."""
    return [stride * number for number in range(math.ceil((pixels - patch) / stride) + 1)]

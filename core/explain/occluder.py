"""The score of one image with a square covered, at each position of a grid.

Where the network's layers are of a known kind and its input scaling is pixel by pixel, only the responses within reach
of the square are computed (:mod:`~core.explain.windowed`); any other network is run on whole images, in batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import SettingsProblem
from core.explain import fused, objective, reach
from core.explain.explained_output import (
    ExplainedOutput,
    baseline_image,
    check_image,
    select_from_outputs,
    select_output,
)
from core.explain.settings import OcclusionSettings
from core.explain.windowed import WindowedNetwork
from core.nets.device import full_precision
from core.nets.predictor import Predictor

_CHUNK_BYTES = {"cpu": 12e6}  # near the size of a processor's caches; a graphics card is faster with more
_LARGE_CHUNK_BYTES = 512e6
_Watched = tuple[objective.Objective, Callable[[NDArray[np.int64]], Tensor], Tensor, Callable[[], Tensor], float]
"""What is measured, the values at positions, uncovered, and covered all over, and bytes per position."""


class Occluder:
    """An image under a square that moves.

    Positions are numbered row by row: ``row * len(columns) + column``.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output; None: the one with the highest score.
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
    score
        The objective's value for the image.
    chunk
        Number of positions that suits one call of :meth:`scores`.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, it has no such layer or filter, or the image is not finite.
    SettingsProblem
        The square is larger than the image.
    """

    def __init__(
        self,
        predictor: Predictor,
        image: Tensor | NDArray[np.float32],
        output: int | str | None,
        settings: OcclusionSettings,
    ) -> None:
        self._image = check_image(predictor, image)
        height, width = self.shape = (self._image.shape[1], self._image.shape[2])
        if settings.patch > min(height, width):
            raise SettingsProblem(
                f"The patch of {settings.patch} pixels is larger than the image of {width} × {height}.",
                "Choose a smaller patch.",
                "patch",
            )
        self.rows = positions(height, settings.patch, settings.stride)
        self.columns = positions(width, settings.patch, settings.stride)
        self._patch = settings.patch
        self._baseline = baseline_image(self._image, settings.fill, settings.seed)  # (C, H, W)
        self.objective, self._scores, value, self._evaluate_covered, bytes_per_position = (
            self._watch_layer(predictor, output, settings) if settings.layer else self._watch_output(predictor, output)
        )
        self.score = float(value)
        budget = _CHUNK_BYTES.get(self._image.device.type, _LARGE_CHUNK_BYTES)
        self.chunk = max(1, int(budget / bytes_per_position))

    def __len__(self) -> int:
        """Number of positions."""
        return len(self.rows) * len(self.columns)

    @cached_property
    def baseline_score(self) -> float:
        """The objective's value for the image covered all over."""
        with torch.no_grad(), full_precision(self._image.device):
            return float(self._evaluate_covered())

    @torch.no_grad()
    def scores(self, which: NDArray[np.int64]) -> NDArray[np.float64]:
        """The objective's values with the square at the positions numbered ``which`` (n,)."""
        with full_precision(self._image.device):
            return self._scores(which).cpu().numpy().astype(np.float64)

    def covered_images(self, which: NDArray[np.int64]) -> Tensor:
        """The image with the square at the positions numbered ``which`` (n,): (n, C, H, W) in physical units."""
        covered = self._image.repeat(len(which), 1, 1, 1)
        for stamp, number in zip(covered, which.tolist(), strict=True):
            row, column = divmod(number, len(self.columns))
            top, left = self.rows[row], self.columns[column]
            square = (slice(None), slice(top, top + self._patch), slice(left, left + self._patch))
            stamp[square] = self._baseline[square]
        return covered

    def _watch_output(self, predictor: Predictor, output: int | str | None) -> _Watched:
        """Measure the score of an output; the pass that keeps the responses also tells which output that is."""
        network, layers = predictor.network, fused.fuse_layers(predictor.network.features)
        windows = self._open_windows(predictor, layers, network.neck, network.head)
        if windows is None:
            explained = select_output(predictor, self._image, output)
            return self._watch_whole_images(explained, objective.output_score(explained, layers))
        explained = select_from_outputs(predictor, self._image, output, windows.value)
        return (
            objective.output_score(explained, layers),
            lambda which: explained.scores(windows.evaluate(which)),
            explained.scores(windows.value),
            lambda: explained.scores(windows.evaluate_covered()),
            windows.bytes_per_position,
        )

    def _watch_layer(self, predictor: Predictor, output: int | str | None, settings: OcclusionSettings) -> _Watched:
        """Measure the response of a layer."""
        explained = select_output(predictor, self._image, output)
        measured = objective.layer_response(explained, settings.layer, settings.filter, settings.response)
        windows = self._open_windows(predictor, measured.layers, measured.neck, measured.head)
        if windows is None:
            return self._watch_whole_images(explained, measured)
        return measured, windows.evaluate, windows.value, windows.evaluate_covered, windows.bytes_per_position

    def _watch_whole_images(self, explained: ExplainedOutput, measured: objective.Objective) -> _Watched:
        return (
            measured,
            lambda which: measured.evaluate(explained, self.covered_images(which)),
            measured.evaluate(explained, self._image[None]),
            lambda: measured.evaluate(explained, self._baseline[None]),
            4 * 64 * self._image[0].numel(),
        )

    @torch.no_grad()
    def _open_windows(
        self,
        predictor: Predictor,
        layers: list[nn.Module],
        neck: Callable[[Tensor], Tensor],
        head: Callable[[Tensor], Tensor],
    ) -> WindowedNetwork | None:
        """The layers on the image under the square; None where a change of the square would reach everywhere."""
        parts = reach.split_stages(layers)
        if parts is None or not predictor.normalisation.is_pixelwise:
            return None
        with full_precision(self._image.device):
            image, cover = predictor.normalisation.scale_fast(torch.stack([self._image, self._baseline]))
            return WindowedNetwork(parts, neck, head, image, cover, self._patch, self.rows, self.columns)


def positions(pixels: int, patch: int, stride: int) -> list[int]:
    """First pixel of each square along an axis; the last square reaches or passes the border."""
    return [stride * number for number in range(math.ceil((pixels - patch) / stride) + 1)]

"""A network's answers for many galaxies of a dataset, batch by batch in constant memory.

They are the same to the last digit whoever asks: the evaluation, the predictions, the numbers at the end of a training.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.errors import NotANumber, OutOfMemory, Stopped
from core.events import NEVER, Progress, Work
from core.nets import device as devices
from core.nets.combination import Doubt
from core.nets.predictor import Predictor

_BATCH_BYTES = 4e6  # of stamps; the activations of the first layers are many times that
_MAX_BATCH = 256

Observer: TypeAlias = Callable[[NDArray[np.float32]], None]


class Answers(NamedTuple):
    """Scores float32 (n, K), their standard deviations (n, K) if there are any, and an ensemble's doubt."""

    scores: NDArray[np.float32]
    errors: NDArray[np.float32] | None
    doubt: Doubt | None = None


def compute(
    predictor: Predictor,
    cutouts: Cutouts,
    rows: NDArray[np.int64],
    stop: threading.Event = NEVER,
    observe: Observer | None = None,
    *,
    keeps_not_finite: bool = False,
) -> Work[Answers]:
    """Compute the answers, averaged over the network's views, for these rows of a dataset with its bands.

    Where the network takes catalogue columns beside the image, they are those of the dataset.

    ``observe`` is shown the images (n, C, H, W) of each batch, in the order of the rows. With ``keeps_not_finite``
    answers that are not finite are given as they are.

    Raises
    ------
    NotANumber
        An answer is not finite.
    NotPossible
        The network takes a catalogue column that the dataset lacks.
    OutOfMemory
        The device has too little memory.
    Stopped
        ``stop`` was set.
    """
    batch = int(min(_MAX_BATCH, max(1, _BATCH_BYTES / (4 * np.prod(cutouts.shape[1:])))))
    scores = np.empty((len(rows), len(predictor.output_names)), np.float32)
    errors = np.empty_like(scores) if predictor.has_error_bars else None
    doubts: list[Doubt] = []
    beside = None if predictor.side is None else predictor.side.read(cutouts.columns, rows)
    yield Progress(0, len(rows), "galaxies")
    for first in range(0, len(rows), batch):
        if stop.is_set():
            raise Stopped
        part = slice(first, first + batch)
        images = cutouts.images[rows[part]]
        scores[part], sigma, doubt = _compute_batch(predictor, images, None if beside is None else beside[part])
        if observe is not None:
            observe(images)
        if errors is not None:
            errors[part] = sigma
        doubts += [] if doubt is None else [doubt]
        yield Progress(min(first + batch, len(rows)), len(rows), "galaxies")
    if not keeps_not_finite:
        ids = cutouts.ids
        _require_finite(scores, [ids[row] for row in rows])
    return Answers(scores, errors, Doubt.join(doubts))


@torch.no_grad()
def _compute_batch(
    predictor: Predictor, images: NDArray[np.float32], beside: NDArray[np.float64] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, Doubt | None]:
    try:
        values = None if beside is None else torch.from_numpy(beside)
        scores, errors, doubt = predictor.answer(torch.from_numpy(images), values)
        return scores.cpu().numpy(), None if errors is None else errors.cpu().numpy(), doubt
    except torch.OutOfMemoryError as error:
        if len(images) < 2:
            raise OutOfMemory(
                "The device has too little memory to predict with this network.",
                "Close other programs that use it.",
                str(predictor.device),
            ) from error
    devices.release_memory(predictor.device)
    half = len(images) // 2
    halves = [
        _compute_batch(predictor, images[part], None if beside is None else beside[part])
        for part in (slice(half), slice(half, None))
    ]
    sigmas = [errors for _, errors, _ in halves if errors is not None]
    doubts = [doubt for _, _, doubt in halves if doubt is not None]
    scores = np.concatenate([scores for scores, _, _ in halves])
    return scores, np.concatenate(sigmas) if sigmas else None, Doubt.join(doubts)


def _require_finite(scores: NDArray[np.float32], ids: Sequence[str]) -> None:
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(bad):
        raise NotANumber(
            f"The network's output is not finite for {len(bad)} of {len(ids)} galaxies.",
            "Its training may have gone wrong: train again with a lower learning rate.",
            ids[int(bad[0])],
        )

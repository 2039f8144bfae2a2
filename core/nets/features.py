"""A network's last features of galaxies: the input of its head, averaged over the views of its answers.

They are what the network knows of a galaxy before it names it: galaxies that are alike to the network lie together.
Averaged over the views, a galaxy has the same features when it is turned by a quarter or mirrored, wherever the answers
are averaged over all of these.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.cutouts import Cutouts
from core.errors import NotANumber, OutOfMemory, Stopped
from core.events import NEVER, Progress, Work
from core.nets.device import arrange, full_precision
from core.nets.predictor import Predictor

_BATCH_BYTES = 4e6  # of stamps; the responses of the first layers take many times as much
_MOST_PER_BATCH = 256

Taker: TypeAlias = Callable[[NDArray[np.float32]], object]
"""Is given the features (n, F) of one batch after the other."""


@torch.no_grad()
def last_features(predictor: Predictor, images: Tensor) -> Tensor:
    """The input of the head (n, F) for physical images (n, C, H, W), averaged over the network's views.

    Those of an ensemble are those of its networks, one after the other.
    """
    return torch.cat([_of_network(member, images) for member in predictor.members], dim=1)


def _of_network(predictor: Predictor, images: Tensor) -> Tensor:
    network = predictor.network
    scaled = predictor.normalisation(images.to(predictor.device, torch.float32))
    found: list[Tensor] = []
    with full_precision(predictor.device):
        for is_mirrored, turns in predictor.views:
            view = torch.rot90(scaled.flip(3) if is_mirrored else scaled, turns, (2, 3))
            found.append(network.neck(network.features(arrange(view))))
    return torch.stack(found).mean(0)


@contextlib.contextmanager
def watching(predictor: Predictor) -> Generator[Callable[[], NDArray[np.float32]]]:
    """Keep the last features of the images that the network answers within the block, without a second look at them.

    The function that the block gets returns those (n, F) of the images that were answered since it was called last, all
    of them in one batch. They are those of :func:`last_features`, but where an input scaling that mixes pixels comes
    before the views there and after them here.
    """
    with contextlib.ExitStack() as stack:
        each = [stack.enter_context(_watching_network(member)) for member in predictor.members]

        def take() -> NDArray[np.float32]:
            return np.concatenate([taken() for taken in each], axis=1)

        yield take


@contextlib.contextmanager
def _watching_network(predictor: Predictor) -> Generator[Callable[[], NDArray[np.float32]]]:
    seen: list[Tensor] = []

    def keep(_head: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0].detach())

    def take() -> NDArray[np.float32]:
        found = torch.stack(seen).mean(0).cpu().numpy()
        seen.clear()
        return found

    handle = predictor.network.head.register_forward_pre_hook(keep)
    try:
        yield take
    finally:
        handle.remove()


def feature_count(predictor: Predictor) -> int:
    """Number F of the last features."""
    heads = [member.network.head for member in predictor.members]
    return sum(next(layer.in_features for layer in head if isinstance(layer, nn.Linear)) for head in heads)


def compute(
    predictor: Predictor, cutouts: Cutouts, rows: NDArray[np.int64], stop: threading.Event = NEVER
) -> Work[NDArray[np.float32]]:
    """Compute the last features (n, F) of these rows of a dataset with the network's bands, in one pass over it.

    Raises
    ------
    NotANumber, OutOfMemory, Stopped
        As :func:`compute_batches`.
    """
    found: list[NDArray[np.float32]] = []
    yield from compute_batches(predictor, cutouts, rows, found.append, stop)
    return np.concatenate(found) if found else np.zeros((0, feature_count(predictor)), np.float32)


def compute_batches(
    predictor: Predictor, cutouts: Cutouts, rows: NDArray[np.int64], take: Taker, stop: threading.Event = NEVER
) -> Work[None]:
    """Compute the last features of these rows as :func:`compute`, and hand them over batch by batch.

    Raises
    ------
    NotANumber
        The features of a galaxy are not finite; told at the end, for all of them.
    OutOfMemory
        The device has too little memory.
    Stopped
        ``stop`` was set.
    """
    batch = int(min(_MOST_PER_BATCH, max(1, _BATCH_BYTES / (4 * np.prod(cutouts.shape[1:])))))
    bad: list[int] = []
    yield Progress(0, len(rows), "galaxies")
    for first in range(0, len(rows), batch):
        if stop.is_set():
            raise Stopped
        some = rows[first : first + batch]
        values = _of_batch(predictor, cutouts.images[some])
        take(values)
        bad += some[~np.isfinite(values).all(axis=1)].tolist()
        yield Progress(first + len(some), len(rows), "galaxies")
    if bad:
        raise NotANumber(
            f"The network's features are not finite for {len(bad)} of {len(rows)} galaxies.",
            "Import their images again, or train the network again with a lower learning rate.",
            cutouts.ids[bad[0]],
        )


def _of_batch(predictor: Predictor, images: NDArray[np.float32]) -> NDArray[np.float32]:
    try:
        return last_features(predictor, torch.from_numpy(images)).cpu().numpy()
    except torch.OutOfMemoryError as error:
        raise OutOfMemory(
            "The device has too little memory for the features of this network.",
            "Close other programs that use it.",
            str(predictor.device),
        ) from error

"""What frozen blocks answer, computed once, so that the head is trained within seconds.

Where all blocks are frozen, the input of the head is the same function of a galaxy's stamp in every epoch. It is
computed for some variations (views) of each training galaxy, drawn like those of the first epochs, and for the
validation galaxies as they are. Each batch then shows one of the views of each galaxy, drawn anew. Labels that turn or
are mirrored with the galaxy are kept with its views. The features do not depend on whether the images are in memory or
streamed, and those of a resumed run are the same.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import SettingsProblem, Stopped
from core.events import NEVER, Progress, Work
from core.nets.cnn import CNN
from core.nets.device import arrange, free_memory
from core.nets.predictor import Predictor
from core.train import distributed
from core.train.batches import ImageSource, Pool, Rows, batches_in_order
from core.train.forward import batch_labels, vary
from core.train.plan import TrainingPlan
from core.train.settings import RunSettings

_BATCH = 256
_MEMORY_FRACTION = 0.4


class FeatureCache:
    """Features and labels of the views of the training galaxies, and the features of the validation galaxies.

    Takes the place of the images: its batches are features (n, V, F) of all views of a galaxy, V being 1 in the
    validation part.

    Parameters
    ----------
    rows, features, labels
        Of the training part: rows of the dataset, ascending; (n, V, F); (n, V) or (n, V, K).
    validation_rows, validation
        Of the validation part, likewise, (m, 1, F).
    """

    def __init__(self, rows: Rows, features: Tensor, labels: Tensor, validation_rows: Rows, validation: Tensor) -> None:
        self._rows, self._features, self._labels = rows, features, labels
        self._validation_rows, self._validation = validation_rows, validation

    @property
    def views(self) -> int:
        """Number of views of each training galaxy."""
        return self._features.shape[1]

    def batches(self, pools: Sequence[Pool]) -> Iterator[tuple[Rows, Tensor]]:
        """Each batch's rows, and the features (n, V, F) of all views; a batch is of one part of the data."""
        for rows in (rows for pool in pools for rows in pool):
            is_validation = bool(np.isin(rows[:1], self._validation_rows).all())
            known, kept = (self._validation_rows, self._validation) if is_validation else (self._rows, self._features)
            yield rows, kept[torch.from_numpy(np.searchsorted(known, rows)).to(kept.device)]

    def labels_of(self, rows: Rows, views: Tensor) -> Tensor:
        """The labels of training galaxies in one view each (n,), as the loss takes them."""
        places = torch.from_numpy(np.searchsorted(self._rows, rows)).to(self._labels.device)
        return self._labels[places, views.to(self._labels.device)]

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_wanted(settings: RunSettings, network: CNN) -> bool:
    """Whether features are kept: it is wished, every block is frozen, and no other galaxies are shown."""
    chosen = settings.transfer
    if settings.unlabelled.method != "none":
        return False
    return bool(chosen.cached_views and chosen.start_from) and chosen.freeze_blocks == len(network.blocks)


def trained_part(predictor: Predictor, settings: RunSettings) -> nn.Module:
    """What the training passes its batches through: what follows the features where these are kept."""
    network = predictor.network
    return network.after_encoding if is_wanted(settings, network) else network


def without(settings: RunSettings) -> RunSettings:
    """The settings without kept features, for a measurement that needs few batches, at rates of its own."""
    return settings.model_copy(update={"transfer": settings.transfer.model_copy(update={"cached_views": 0})})


def compute(plan: TrainingPlan, images: ImageSource, stop: threading.Event = NEVER) -> Work[FeatureCache | None]:
    """Compute the features of the training and validation galaxies of a plan; None: none are kept.

    Raises
    ------
    SettingsProblem
        They do not fit into the memory.
    Stopped
        ``stop`` was set.
    """
    network, views = plan.predictor.network, plan.settings.transfer.cached_views
    if not is_wanted(plan.settings, network):
        return None
    network.eval()
    train, validation = np.sort(plan.split.train), np.sort(plan.split.validation)
    width = next(layer.in_features for layer in network.head if isinstance(layer, nn.Linear))
    _require_memory(4 * width * (views * len(train) + len(validation)), plan)
    features = torch.empty(len(train), views, width, device=plan.device)
    labels = torch.empty(len(train), views, *plan.labels.shape[1:], dtype=plan.labels.dtype, device=plan.device)
    answered = torch.empty(len(validation), 1, width, device=plan.device)
    done, total = 0, views * len(train) + len(validation)
    for view in range(views):
        for batch, (rows, stamps) in enumerate(images.batches(batches_in_order(train, _BATCH)), 1):
            if stop.is_set():
                raise Stopped
            first = (batch - 1) * _BATCH
            places = slice(first, first + len(rows))
            with torch.no_grad(), torch.autocast(plan.device.type, plan.precision, enabled=_is_reduced(plan)):
                features[places, view] = network.encode(vary(plan, stamps, view + 1, batch)).float()
            labels[places, view] = batch_labels(plan, rows, view + 1, batch)
            done += len(rows)
            yield Progress(done, total, "views of galaxies")
    for batch, (rows, stamps) in enumerate(images.batches(batches_in_order(validation, _BATCH))):
        if stop.is_set():
            raise Stopped
        with torch.no_grad():
            scaled = arrange(plan.scale(stamps))
            answered[batch * _BATCH : batch * _BATCH + len(rows), 0] = network.encode(scaled)
        done += len(rows)
        yield Progress(done, total, "views of galaxies")
    return FeatureCache(train, features, labels, validation, answered)


def _is_reduced(plan: TrainingPlan) -> bool:
    return plan.precision != torch.float32


def _require_memory(needed: int, plan: TrainingPlan) -> None:
    """Require that so many bytes of features fit where the training computes."""
    free = free_memory() / distributed.local_processes()
    if plan.device.type == "cuda":
        free = min(free, torch.cuda.mem_get_info(plan.device)[0])
    if needed > _MEMORY_FRACTION * free:
        raise SettingsProblem(
            f"The features of all views need {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free.",
            "Keep fewer views of each galaxy, or none.",
            "transfer.cached_views",
        )

"""What a run works on, settled before the first batch by :mod:`core.train.preparation`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.split import Split
from core.data.target import Target
from core.errors import Problem
from core.nets import normalisation
from core.nets.cnn import OwnDropout
from core.nets.normalisation import Normalisation
from core.nets.predictor import Predictor
from core.train.augmentation.noise import NoisePool
from core.train.settings import RunSettings


@dataclass
class TrainingPlan:
    """What a run works on.

    Attributes
    ----------
    settings
        As they are carried out and saved: with the base's network, and without augmentation that falsifies labels.
    predictor
        The network being trained with its input scaling; its weights change.
    base
        The network that was started from, unchanged, or None.
    labels
        As the loss takes them, for all rows of the dataset, on the device: int64 (N,), or float32 (N, K), with the
        number of votes as a further column where the loss needs it.
    split
        Which rows are for what.
    device, precision
        Where and in which number format the training is computed.
    noise
        Normal random numbers for the augmentation, on the device.
    lost_noise
        Standard deviation of the noise that the augmentation's interpolation takes away, per band, in the unit of the
        images that it varies.
    scales_late
        Whether images are scaled for the network batch by batch, after they were varied in physical units, and not once
        when they are read.
    mirror
        For each class or answer the one of the mirror image, (K,) on the device; None if flips change no label.
    distributed_network
        The network as the training calls it, see :func:`core.train.distributed.wrapped`.
    dropouts
        The network's dropout layers, with one generator; the loop sets its seed batch by batch.
    facts
        The data in plain values: name, fingerprint, number of galaxies per part and class.
    notices
        What the user should know, without it being impossible.
    """

    settings: RunSettings
    predictor: Predictor
    base: Predictor | None
    labels: Tensor
    split: Split
    device: torch.device
    precision: torch.dtype
    noise: NoisePool
    lost_noise: Tensor
    scales_late: bool
    mirror: Tensor | None
    distributed_network: nn.Module
    dropouts: list[OwnDropout]
    facts: dict[str, Any]
    notices: list[Problem]

    @property
    def target(self) -> Target:
        """What is learned."""
        return self.predictor.target

    @property
    def training_labels(self) -> NDArray[Any]:
        """Labels of the training part, as the loss takes them."""
        return self.labels.cpu().numpy()[self.split.train]

    @property
    def stamp_bytes(self) -> int:
        """Bytes of one stamp as float32."""
        return 4 * math.prod(self.predictor.stamp_shape)

    @property
    def early(self) -> Normalisation:
        """What is done to images when they are read."""
        scaling = self.predictor.normalisation
        return normalisation.identity(len(scaling.centre)).to(self.device) if self.scales_late else scaling

    @property
    def late(self) -> Normalisation | None:
        """How images that were read are scaled for the network; None: they are scaled already."""
        return self.predictor.normalisation if self.scales_late else None

    def scaled(self, images: Tensor) -> Tensor:
        """Images (n, C, H, W) that were read, as the network wants them."""
        return images if self.late is None else self.late.scale_fast(images)

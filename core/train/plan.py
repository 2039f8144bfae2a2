"""Everything a run needs, prepared before the first batch by :mod:`core.train.preparation`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.cutouts import Cutouts
from core.data.split import Split
from core.data.target import Target
from core.errors import Problem
from core.nets import normalisation
from core.nets.cnn import OwnDropout
from core.nets.normalisation import Normalisation
from core.nets.predictor import Predictor
from core.train.augmentation.noise import NoisePool
from core.train.averaging import WeightAverage
from core.train.cores import SharedCores
from core.train.settings import RunSettings

if TYPE_CHECKING:
    from core.train.feature_cache import FeatureCache
    from core.train.unlabelled.term import UnlabelledTerm


@dataclass
class TrainingPlan:
    """Everything a run needs.

    Attributes
    ----------
    settings
        As they are applied and saved: with the base's network settings, and without augmentation that falsifies labels.
    predictor
        The network being trained, with its input scaling.
    base
        The network that fine-tuning starts from, unchanged, or None.
    cutouts
        The dataset, with the bands that the network takes.
    labels
        As the loss takes them, for all rows of the dataset, on the device: int64 (N,), or float32 (N, K), with the
        number of votes as a further column where the loss needs it.
    encoded
        The same as :func:`core.data.target.encode` gives them: class indices (N,), or (N, K) in their units.
    split
        The rows of the training, validation and test parts.
    device, precision
        The device and number format of the training.
    noise
        Normal random numbers for the augmentation, on the device.
    lost_noise
        Standard deviation of the noise that the augmentation's interpolation removes, per band, in the unit of the
        images that are augmented.
    scales_per_batch
        Whether the input scaling is applied batch by batch, after augmentation in physical units, and not once when
        images are read.
    shift
        What the training loss adds to the outputs, (K,), see :func:`core.train.class_frequencies.survey_shift`; None:
        nothing.
    average
        The average of the weights, see :mod:`core.train.averaging`; None: the weights themselves are used.
    mirror
        For each class or answer the index of its mirror image, (K,) on the device; None if flips change no label.
    distributed_network
        The network as the training calls it, see :func:`core.train.distributed.wrap`.
    dropouts
        The network's dropout layers, which share one generator; it is seeded batch by batch.
    facts
        The data in plain values: name, fingerprint, number of galaxies per part and class.
    notices
        Warnings for the user.
    features
        What the frozen blocks answer, see :mod:`core.train.feature_cache`: the images are then replaced by it, and the
        head alone is called; None: it is computed anew for every batch.
    unlabelled
        What is learned from galaxies without labels; None: nothing.
    side
        What the network takes beside the image, scaled, (N, S) for all rows of the dataset, on the device; None:
        nothing.
    pieces
        In how many pieces a batch is passed through the network, see :mod:`core.train.accumulation`.
    cores
        How many threads compute.
    """

    settings: RunSettings
    predictor: Predictor
    base: Predictor | None
    cutouts: Cutouts
    labels: Tensor
    encoded: NDArray[Any]
    split: Split
    device: torch.device
    precision: torch.dtype
    noise: NoisePool
    lost_noise: Tensor
    scales_per_batch: bool
    shift: Tensor | None
    average: WeightAverage | None
    mirror: Tensor | None
    distributed_network: nn.Module
    dropouts: list[OwnDropout]
    facts: dict[str, Any]
    notices: list[Problem]
    features: FeatureCache | None = None
    unlabelled: UnlabelledTerm | None = None
    side: Tensor | None = None
    pieces: int = 1
    cores: SharedCores = field(init=False)

    def __post_init__(self) -> None:
        self.cores = SharedCores.of(self.device)

    @property
    def called_part(self) -> nn.Module:
        """The part of the network that batches are passed through: all of it, or the head with kept features."""
        network = self.predictor.network
        return network if self.features is None else network.after_encoding

    def beside(self, rows: NDArray[np.int64]) -> tuple[Tensor, ...]:
        """What the network takes beside the images of these galaxies: nothing, or their side inputs (n, S)."""
        return () if self.side is None else (self.side[torch.from_numpy(rows).to(self.side.device)],)

    @property
    def target(self) -> Target:
        """What is learned."""
        return self.predictor.target

    @property
    def answering(self) -> Predictor:
        """The predictor that is validated and saved: with the average of the weights, if there is one."""
        return self.predictor if self.average is None else replace(self.predictor, network=self.average.network)

    @property
    def training_labels(self) -> NDArray[Any]:
        """Labels of the training part, as the loss takes them."""
        return self.labels.cpu().numpy()[self.split.train]

    @property
    def stamp_bytes(self) -> int:
        """Bytes of one stamp as float32."""
        return 4 * math.prod(self.predictor.stamp_shape)

    @property
    def scaling_on_read(self) -> Normalisation:
        """The scaling applied when images are read."""
        scaling = self.predictor.normalisation
        return normalisation.identity(len(scaling.centre)).to(self.device) if self.scales_per_batch else scaling

    @property
    def scaling_on_batch(self) -> Normalisation | None:
        """The scaling applied to each batch; None: images were scaled when they were read."""
        return self.predictor.normalisation if self.scales_per_batch else None

    def scale(self, images: Tensor) -> Tensor:
        """Scale images (n, C, H, W) that were read for the network, unless they are scaled already."""
        return images if self.scaling_on_batch is None else self.scaling_on_batch.scale_fast(images)

"""Two variations of each galaxy of a batch, and what the network makes of them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.nets.cnn import CNN
from core.nets.device import arrange
from core.train.augmentation.pipeline import augment
from core.train.batches import ImageSource, Rows, batches_in_order
from core.train.plan import TrainingPlan
from core.train.randomness import torch_generator

_BATCH = 256


def vary(plan: TrainingPlan, stamps: Tensor, epoch: int, batch: int) -> Tensor:
    """Two variations of each galaxy (n, C, H, W), as the network takes them: (2n, C, H, W).

    Rows i and n + i are of the same galaxy. They are a function of the seed, the epoch and the batch; epoch 0 is the
    validation.
    """
    random = torch_generator(plan.settings.seed, "augmentation", epoch, batch)
    pairs = torch.cat([stamps, stamps])
    varied = augment(pairs, plan.settings.augmentation, random, plan.noise, plan.lost_noise, plan.scaling_on_batch)
    return arrange(varied)


def forward(plan: TrainingPlan, network: nn.Module, varied: Tensor) -> Tensor:
    """The outputs (2n, d) for a varied batch, in the precision of the training."""
    with torch.autocast(plan.device.type, plan.precision, enabled=plan.precision != torch.float32):
        return network(varied.to(plan.precision))


@torch.inference_mode()
def features(plan: TrainingPlan, images: ImageSource, network: CNN, rows: Rows) -> NDArray[np.float32]:
    """The network's features (n, F) of galaxies as they stand, in the ascending order of their rows, in float32."""
    network.eval()
    found: list[Tensor] = []
    for _, stamps in images.batches(batches_in_order(rows, _BATCH)):
        scaled = arrange(plan.scale(stamps))
        found.append(network.neck(network.features(scaled)).float().cpu())
    return torch.cat(found).numpy()

"""The training forward pass: the order of an epoch, the augmented batch with its labels, the network's outputs.

All of it is a function of the seed, the epoch and the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.data.target import Classes, Quantities
from core.nets import angles
from core.nets.cnn import CNN
from core.nets.device import arrange
from core.train import batch_size, distributed
from core.train.augmentation import geometry
from core.train.augmentation.handedness import swap_mirrored
from core.train.augmentation.pipeline import augment
from core.train.batches import Pool, Rows, draw_balanced, shuffle_batches
from core.train.plan import TrainingPlan
from core.train.randomness import numpy_generator, torch_generator, torch_seed


def forward_batch(plan: TrainingPlan, rows: Rows, stamps: Tensor, epoch: int, batch: int) -> tuple[Tensor, Tensor]:
    """Augment a batch (n, C, H, W) and pass it through the network; returns the augmented batch and outputs (n, K).

    ``rows`` are those of its galaxies in the dataset, from which comes what stands beside the images.

    With kept features (n, V, F), one of the views of each galaxy is passed through the head, and returned. Where
    several processes train together, each passes its own galaxies of the batch.
    """
    varied = vary_batch(plan, stamps, epoch, batch)
    return varied, pass_through(plan, (varied, *plan.beside(rows)), epoch, batch)


def vary_batch(plan: TrainingPlan, stamps: Tensor, epoch: int, batch: int) -> Tensor:
    """Augment a batch (n, C, H, W); with kept features (n, V, F), choose one of the views of each galaxy."""
    if plan.features is None:
        return vary(plan, stamps, epoch, batch)
    return stamps[torch.arange(len(stamps)), _choose_views(plan, len(stamps), epoch, batch)]


def pass_through(
    plan: TrainingPlan, inputs: tuple[Tensor, ...], epoch: int, batch: int, piece: slice | None = None
) -> Tensor:
    """Pass what is ready for it through the network, in training mode; returns outputs (n, K).

    ``inputs`` are the images (n, C, H, W) or features, and what stands beside them, if anything. With a ``piece`` of
    the batch, only that is passed, under the dropout that it has in the whole batch.
    """
    count = len(inputs[0])
    own = piece or distributed.own_slice(count)
    for dropout in plan.dropouts:
        dropout.rows = (count, own)
        if dropout.generator is not None:
            dropout.generator.manual_seed(torch_seed(plan.settings.seed, "dropout", epoch, batch))
    with torch.autocast(plan.device.type, plan.precision, enabled=plan.precision != torch.float32):
        outputs = plan.distributed_network(*(each[own] for each in inputs))
    return outputs if piece is not None else distributed.gather(outputs, count)


def vary(plan: TrainingPlan, stamps: Tensor, epoch: int, batch: int) -> Tensor:
    """Augment a batch (n, C, H, W), in the number format of the training."""
    random = torch_generator(plan.settings.seed, "augmentation", epoch, batch)
    varied = augment(stamps, plan.settings.augmentation, random, plan.noise, plan.lost_noise, plan.scaling_on_batch)
    return as_input(plan, varied)


def as_input(plan: TrainingPlan, images: Tensor) -> Tensor:
    """Images (n, C, H, W) in the memory format and number format of the training."""
    return arrange(images).to(plan.precision)  # in this order: faster


def answer_batch(plan: TrainingPlan, network: CNN, stamps: Tensor, *beside: Tensor) -> Tensor:
    """Outputs (n, K) for a batch of the validation part as it was read, or for its kept features (n, 1, F)."""
    if plan.features is not None:
        return network.after_encoding(stamps[:, 0], *beside)
    return network(arrange(plan.scale(stamps)), *beside)


def _choose_views(plan: TrainingPlan, count: int, epoch: int, batch: int) -> Tensor:
    """Which of the kept views a batch shows of each of its galaxies, (n,)."""
    random = torch_generator(plan.settings.seed, "view", epoch, batch)
    return torch.randint(plan.settings.transfer.cached_views, (count,), generator=random)


def batch_labels(plan: TrainingPlan, rows: Rows, epoch: int, batch: int) -> Tensor:
    """The labels of an augmented batch: angles turn with their galaxy, and mirrored ones have the mirror's label."""
    if plan.features is not None:
        return plan.features.labels_of(rows, _choose_views(plan, len(rows), epoch, batch))
    labels = plan.labels[torch.from_numpy(rows).to(plan.device)]
    turning = plan.target if isinstance(plan.target, Quantities) and plan.target.angles else None
    if plan.mirror is None and turning is None:
        return labels
    random = torch_generator(plan.settings.seed, "augmentation", epoch, batch)
    maps = geometry.draw_linear_maps(len(rows), plan.settings.augmentation, random)
    if turning is not None:
        labels = angles.turn(turning, labels, maps)
    if plan.mirror is None:
        return labels
    return swap_mirrored(labels, plan.mirror, geometry.are_mirrored(maps).to(plan.device))


def epoch_batches(plan: TrainingPlan, epoch: int) -> list[Pool]:
    """The batches of an epoch, a function of the seed and the epoch's number."""
    options, rows = plan.settings.optimiser, plan.split.train
    random = numpy_generator(plan.settings.seed, "order", epoch)
    size = batch_size.choose(options.batch_size, len(rows))
    pools: list[Pool] = []
    for _ in range(batch_size.choose_repeats(plan.settings, len(rows))):
        if options.balanced_batches and isinstance(plan.target, Classes):
            rows = draw_balanced(plan.split.train, plan.training_labels, random)
        pools += shuffle_batches(rows, size, plan.stamp_bytes, random)
    return pools

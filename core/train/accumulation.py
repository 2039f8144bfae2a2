"""The gradient of a batch, in pieces where the device has too little memory for all of it at once.

The losses are means over galaxies, so that the gradient of a batch is the mean of those of its pieces, weighted by
their numbers of galaxies. Augmentation and dropout are drawn for the whole batch, as they are without pieces. Only
batch normalisation differs: it takes its statistics from the galaxies that are passed together.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.errors import Problem
from core.events import Skipped, Work
from core.nets import device as devices
from core.nets.losses import Loss
from core.train import distributed, nan_diagnosis
from core.train.batches import Rows
from core.train.forward import pass_through, vary_batch
from core.train.optimiser import OptimiserStep
from core.train.plan import TrainingPlan
from core.train.unlabelled.term import forward

_FEWEST = 2  # galaxies in a piece: batch normalisation over one is undefined


def add_gradient(
    plan: TrainingPlan,
    optimiser_step: OptimiserStep,
    criterion: Loss,
    batch: tuple[Rows, Tensor, Tensor],
    number: tuple[int, int],
) -> Work[tuple[Tensor, float]]:
    """Compute the gradient of a batch; where memory runs out, in twice as many pieces from now on.

    Parameters
    ----------
    plan
        Of the training; it keeps the number of pieces.
    optimiser_step
        Takes the gradient.
    criterion
        The loss, a mean over galaxies.
    batch
        The rows of its galaxies, their images (n, C, H, W) and labels.
    number
        Of the epoch and of the batch in it; both count from 1.

    Returns
    -------
        The outputs (n, K) and the loss of the whole batch.

    Raises
    ------
    NotANumber
        The loss is not finite.
    RuntimeError, MemoryError
        There is too little memory even for the smallest piece, or the training cannot be done in pieces.
    """
    while True:
        optimiser_step.begin()
        try:
            return _add(plan, optimiser_step, criterion, batch, number)
        except (RuntimeError, MemoryError) as error:
            if not devices.is_out_of_memory(error) or not _can_be_halved(plan, len(batch[0])):
                raise
        optimiser_step.begin()  # and so forget the part of the gradient that is there
        devices.release_memory(plan.device)
        plan.pieces *= 2
        notice = _describe(plan, len(batch[0]))
        plan.notices.append(notice)
        yield Skipped(notice)


def _can_be_halved(plan: TrainingPlan, galaxies: int) -> bool:
    """Whether the pieces may be smaller; not with several processes, or with galaxies without labels in each batch."""
    is_alone = distributed.world_size() == 1 and plan.unlabelled is None
    return is_alone and galaxies // (2 * plan.pieces) >= _FEWEST


def _describe(plan: TrainingPlan, galaxies: int) -> Problem:
    size = math.ceil(galaxies / plan.pieces)
    has_batch_norm = any(isinstance(part, nn.BatchNorm2d | nn.BatchNorm1d) for part in plan.predictor.network.modules())
    statistics = f" Batch normalisation takes its statistics from {size} at a time." if has_batch_norm else ""
    return Problem(
        f"There is too little memory for {galaxies} galaxies at once: from now on they are passed {size} at a time, "
        f"and their gradients added up, so that a batch has {galaxies} as before.{statistics}",
        "Fewer channels, smaller stamps or a smaller batch need less memory.",
        "optimiser.batch_size",
    )


def _add(
    plan: TrainingPlan,
    optimiser_step: OptimiserStep,
    criterion: Loss,
    batch: tuple[Rows, Tensor, Tensor],
    number: tuple[int, int],
) -> tuple[Tensor, float]:
    rows, stamps, labels = batch
    if plan.pieces == 1:
        varied, outputs, added = forward(plan, rows, stamps, *number)
        loss = criterion(outputs.float(), labels)
        value = _require_finite(plan, loss, varied, rows, number)
        optimiser_step.add(loss + added)
        return outputs, value
    varied = vary_batch(plan, stamps, *number)
    inputs = (varied, *plan.beside(rows))
    found, value = [], 0.0
    for piece in cut(len(rows), plan.pieces):
        outputs = pass_through(plan, inputs, *number, piece=piece)
        share = len(outputs) / len(rows)
        loss = criterion(outputs.float(), labels[piece])
        value += share * _require_finite(plan, loss, varied[piece], rows[piece], number)
        optimiser_step.add(share * loss)
        found.append(outputs.detach())
    return torch.cat(found), value


def _require_finite(plan: TrainingPlan, loss: Tensor, varied: Tensor, rows: Rows, number: tuple[int, int]) -> float:
    value = loss.item()
    if not math.isfinite(value):
        raise nan_diagnosis.diagnose(plan, f"epoch {number[0]}, batch {number[1]}", varied, rows)
    return value


def cut(count: int, pieces: int) -> list[slice]:
    """Cut ``count`` galaxies into pieces that differ by one at most.

    Examples
    --------
    >>> [(piece.start, piece.stop) for piece in cut(10, 4)]
    [(0, 2), (2, 5), (5, 7), (7, 10)]
    """
    return [slice(count * number // pieces, count * (number + 1) // pieces) for number in range(pieces)]

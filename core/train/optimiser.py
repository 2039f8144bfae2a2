"""The optimiser, its steps, and the losses of training and validation with their class weights.

Adam adds the weight decay to the gradient, where its division by the gradient's size undoes a part of it; AdamW
shrinks the weights directly. SGD takes plain steps with Nesterov or classical momentum.

References
----------
Kingma & Ba 2015 (Adam); Loshchilov & Hutter 2019 (AdamW); Sutskever et al. 2013 (Nesterov's momentum); Micikevicius
et al. 2018 (float16 with a scaled loss).
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.target import Target
from core.nets import losses, transfer
from core.nets.losses import Loss
from core.train import distributed, schedule
from core.train.settings import RunSettings


class OptimiserStep:
    """The optimiser step, with the loss scaled up where small gradients would underflow.

    Parameters
    ----------
    network
        Its weights are updated, as far as they are not frozen.
    settings
        Method, momentum, weight decay.
    precision
        Of the forward pass; float16 needs the scaling, since gradients below 6e-8 would become zero.

    Attributes
    ----------
    optimiser, scaler
        Their states belong into a checkpoint.
    """

    def __init__(self, network: nn.Module, settings: RunSettings, precision: torch.dtype = torch.float32) -> None:
        self.optimiser = build_optimiser(network, settings)
        device = next(network.parameters()).device.type
        self.scaler = torch.amp.GradScaler(device, enabled=precision == torch.float16)

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return self.optimiser.param_groups[0]["lr"]

    def step(self, loss: Tensor, rate: float) -> None:
        """Take one step at this learning rate against the gradient of a scalar loss of the whole batch."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss * distributed.world_size()).backward()  # gradients are averaged over the processes
        self.scaler.step(self.optimiser)
        self.scaler.update()


def build_optimiser(network: nn.Module, settings: RunSettings) -> torch.optim.Optimizer:
    """Build AdamW, Adam or SGD for what is not frozen; weights decay, but one-dimensional biases and scales do not."""
    options = settings.optimiser
    parameters = transfer.trainable_parameters(network)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": options.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    fused = all(p.device.type in {"cpu", "cuda"} for p in parameters)  # one kernel for all weights
    rate, momentum = schedule.largest_rate(settings), options.momentum
    match options.method:
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, fused=fused)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, fused=fused)
        case "sgd":
            nesterov = options.nesterov and momentum > 0
            return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov, fused=fused)


def build_losses(
    settings: RunSettings, target: Target, labels: NDArray[Any], shift: Tensor | None = None
) -> tuple[Loss, Loss]:
    """Build the losses of training and validation from the training labels as the loss takes them.

    They differ with balanced batches: in training the classes are then equally frequent and need no weights; in the
    validation, where every galaxy comes once, they are weighted if weights are wanted. A ``shift`` (K,) is added to the
    outputs in training, see :mod:`core.train.class_frequencies`.
    """
    options = settings.optimiser
    weights = losses.balanced_weights(target, labels) if options.class_weights else None
    votes = float(labels[:, -1].mean()) if losses.needs_votes(target, settings.loss) else 1.0
    validation = losses.build_loss(target, settings.loss, weights, votes)
    training = losses.build_loss(target, settings.loss, None, votes) if options.balanced_batches else validation
    if shift is None:
        return training, validation
    return (lambda outputs, labels: training(outputs + shift.to(outputs), labels)), validation

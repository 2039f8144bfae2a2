"""How the weights move: the optimiser, the length of its steps, and what each class counts.

Adam adds the weight decay to the gradient, where its division by the gradient's size undoes a part of it; AdamW
shortens the weights directly. SGD takes plain steps with momentum, of Nesterov's kind or the classical one.

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
    """The optimiser at work, with the loss scaled up where numbers are too short for small gradients.

    Parameters
    ----------
    network
        Its weights are moved, as far as they are not frozen.
    settings
        Method, momentum, weight decay.
    precision
        Of the forward pass; float16 needs the scaling, since gradients below 6e-8 would become zero.

    Attributes
    ----------
    optimiser
        Whose memory has to be kept with a checkpoint, as that of ``scaler``.
    """

    def __init__(self, network: nn.Module, settings: RunSettings, precision: torch.dtype = torch.float32) -> None:
        self.optimiser = optimiser(network, settings)
        device = next(network.parameters()).device.type
        self.scaler = torch.amp.GradScaler(device, enabled=precision == torch.float16)

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return self.optimiser.param_groups[0]["lr"]

    def step(self, loss: Tensor, rate: float) -> None:
        """One step of this length against the gradient of a scalar loss of the whole batch."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss * distributed.size()).backward()  # gradients are averaged over the processes
        self.scaler.step(self.optimiser)
        self.scaler.update()


def optimiser(network: nn.Module, settings: RunSettings) -> torch.optim.Optimizer:
    """AdamW, Adam or SGD over what is not frozen; only weights of more than one dimension decay, not biases, scales."""
    wish = settings.optimiser
    parameters = transfer.trainable_parameters(network)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": wish.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    fused = all(p.device.type in {"cpu", "cuda"} for p in parameters)  # all weights in one go
    rate, momentum = schedule.largest_rate(settings), wish.momentum
    match wish.method:
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, fused=fused)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, fused=fused)
        case "sgd":
            nesterov = wish.nesterov and momentum > 0
            return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov, fused=fused)


def criteria(settings: RunSettings, target: Target, labels: NDArray[Any]) -> tuple[Loss, Loss]:
    """The losses of training and validation, from the training labels as the loss takes them.

    They differ with balanced batches: in training the classes then count alike by their numbers, in the validation,
    where every galaxy comes once, by their weights.
    """
    wish = settings.optimiser
    weights = losses.balanced_weights(target, labels) if wish.class_weights else None
    votes = float(labels[:, -1].mean()) if losses.needs_votes(target, settings.loss) else 1.0
    validation = losses.build_loss(target, settings.loss, weights, votes)
    training = losses.build_loss(target, settings.loss, None, votes) if wish.balanced_batches else validation
    return training, validation

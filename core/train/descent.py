"""How the weights move: the optimiser, the length of its steps, and what each class counts."""

from __future__ import annotations

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.target import Target
from core.nets import heads, transfer
from core.train.settings import RunSettings

_LAST_SHARE = 0.01


def largest_rate(settings: RunSettings) -> float:
    """The learning rate that was asked for, or the usual one, a tenth of it when fine-tuning."""
    if settings.optimiser.learning_rate is not None:
        return settings.optimiser.learning_rate
    usual = 1e-3 if settings.optimiser.method == "adam" else 2e-2
    return usual / 10 if settings.transfer.start_from else usual


def rate_at(settings: RunSettings, done: float) -> float:
    """The learning rate after a share ``done`` (0 … 1) of all steps: constant, or half a cosine to a hundredth."""
    largest = largest_rate(settings)
    if settings.optimiser.decay == "constant":
        return largest
    return largest * (_LAST_SHARE + (1 - _LAST_SHARE) * (1 + math.cos(math.pi * done)) / 2)


def optimiser(network: nn.Module, settings: RunSettings) -> torch.optim.Optimizer:
    """Adam or SGD over what is not frozen; only weights of more than one dimension decay, not biases and scales."""
    wish = settings.optimiser
    parameters = transfer.trainable(network)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": wish.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    fused = all(p.device.type in {"cpu", "cuda"} for p in parameters)  # all weights in one go
    rate, momentum = largest_rate(settings), wish.momentum
    if wish.method == "adam":
        return torch.optim.AdamW(groups, lr=rate, fused=fused)
    return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0, fused=fused)


def set_rate(moving: torch.optim.Optimizer, rate: float) -> None:
    """Set the length of the next step."""
    for group in moving.param_groups:
        group["lr"] = rate


def class_weights(settings: RunSettings, target: Target, labels: NDArray[Any]) -> Tensor | None:
    """What each class counts in the loss, from the training labels; None: all galaxies count alike."""
    return heads.balanced_weights(target, labels) if settings.optimiser.class_weights else None

"""The optimiser, its steps, and the losses of training and validation with their class weights.

Adam adds the weight decay to the gradient, where its division by the gradient's size undoes a part of it; AdamW
shrinks the weights directly. SGD takes plain steps with Nesterov or classical momentum.

References
----------
Kingma & Ba 2015 (Adam); Loshchilov & Hutter 2019 (AdamW); Sutskever et al. 2013 (Nesterov's momentum); Micikevicius
et al. 2018 (float16 with a scaled loss).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.data.target import Target
from core.nets import losses
from core.nets.losses import Loss
from core.train import distributed, schedule
from core.train.parameter_groups import ParameterGroup, make_groups
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
    start
        The weights, by name, that fine-tuning pulls those of the network towards; None: there is no pull.

    Attributes
    ----------
    optimiser, scaler
        Their states belong into a checkpoint.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: RunSettings,
        precision: torch.dtype = torch.float32,
        start: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._groups = make_groups(network, settings, start)
        self._pulled = [group for group in self._groups if group.start]
        self._pull, self._is_decoupled = settings.transfer.pull_to_start, settings.optimiser.method == "adamw"
        self.optimiser = build_optimiser(self._groups, settings)
        device = next(network.parameters()).device.type
        self.scaler = torch.amp.GradScaler(device, enabled=precision == torch.float16)

    @property
    def rate(self) -> float:
        """The learning rate of the last step: that of the head, where the blocks have their own."""
        return self.optimiser.param_groups[0]["lr"]

    def step(self, loss: Tensor, rate: float) -> None:
        """Take one step at this learning rate against the gradient of a scalar loss of the whole batch."""
        self.begin()
        self.add(loss)
        self.finish(rate)

    def begin(self) -> None:
        """Forget the last gradient."""
        self.optimiser.zero_grad(set_to_none=True)

    def add(self, loss: Tensor) -> None:
        """Add the gradient of a scalar loss, of a batch or of a piece of one with its share of the weight."""
        self.scaler.scale(loss * distributed.world_size()).backward()  # gradients are averaged over the processes

    def finish(self, rate: float) -> None:
        """Take one step at this learning rate against the gradient that was added up."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        for group, own in zip(self.optimiser.param_groups, self._groups, strict=False):  # others may have been added
            group["lr"] = rate * own.share
        if self._pulled:
            self._pull_to_start(rate)
        self.scaler.step(self.optimiser)
        self.scaler.update()

    @torch.no_grad()
    def _pull_to_start(self, rate: float) -> None:
        """Pull weights that have a start towards it, as weight decay pulls them towards zero; frozen ones stay."""
        for group in self._pulled:
            for weight, start in zip(group.weights, group.start, strict=True):
                if weight.grad is None:
                    continue
                if self._is_decoupled:
                    weight.lerp_(start, min(1.0, rate * group.share * self._pull))
                else:
                    weight.grad.add_(weight - start, alpha=self._pull * self.scaler.get_scale())


def build_optimiser(parts: Sequence[ParameterGroup], settings: RunSettings) -> torch.optim.Optimizer:
    """Build AdamW, Adam or SGD for these groups of weights."""
    options = settings.optimiser
    groups: list[dict[str, Any]] = [{"params": part.weights, "weight_decay": part.decay} for part in parts]
    fused = all(p.device.type in {"cpu", "cuda"} for part in parts for p in part.weights)  # one kernel for all weights
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

    They differ with balanced batches: in training the classes are then equally frequent and need no weights. In the
    validation, where every galaxy comes once, they are weighted if weights are wanted and the probabilities are not to
    be those of the survey. A ``shift`` (K,) is added to the outputs in training, see
    :mod:`core.train.class_frequencies`.
    """
    options = settings.optimiser
    weights = losses.balanced_weights(target, labels) if options.class_weights else None
    votes = float(labels[:, -1].mean()) if losses.needs_votes(target, settings.loss) else 1.0
    plain, weighted = (losses.build_loss(target, settings.loss, each, votes) for each in (None, weights))
    validation = plain if options.survey_probabilities else weighted
    training = plain if options.balanced_batches else weighted
    if shift is None:
        return training, validation
    return (lambda outputs, labels: training(outputs + shift.to(outputs), labels)), validation

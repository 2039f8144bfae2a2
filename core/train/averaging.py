r"""The average of the weights over the last steps, which is what is validated, kept and used.

After each step the average :math:`\bar w` moves towards the weights by :math:`(w - \bar w)/\tau`, with :math:`\tau` the
steps of so many epochs, and less at the start: :math:`\tau \le (t + 10)/9` after t steps. Single steps at a large
learning rate throw the validation about; their average does not, so that the best epoch is no luck.

References
----------
Polyak & Juditsky 1992, SIAM Journal on Control and Optimization 30, 838; Izmailov et al. 2018, arXiv:1803.05407.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from core.nets.cnn import CNN

_START = 9


class WeightAverage:
    """An exponentially weighted average of a network's weights and batch statistics.

    Parameters
    ----------
    network
        The network that is trained; it is copied.
    epochs
        Over how many epochs the average reaches back.

    Attributes
    ----------
    network
        The average, in evaluation mode.
    steps
        How many steps it has seen.
    """

    def __init__(self, network: CNN, epochs: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self.steps = 0
        self._epochs = epochs
        self._followed: CNN | None = None
        self._means: list[Tensor] = []
        self._values: list[Tensor] = []
        self._counts: list[tuple[Tensor, Tensor]] = []

    @torch.no_grad()
    def update(self, network: CNN, batches: int) -> None:
        """Move towards the weights after a step; an epoch has so many ``batches``."""
        self.steps += 1
        share = 1 / max(1.0, min(self._epochs * batches, (self.steps + _START + 1) / _START))
        if self._followed is not network:
            self._follow(network)
        torch._foreach_lerp_(self._means, self._values, share)
        for own, theirs in self._counts:
            own.copy_(theirs)

    def _follow(self, network: CNN) -> None:
        """Find the tensors of both networks, which are the same ones at each step, as they are for an optimiser."""
        now = network.state_dict(keep_vars=True)
        pairs = [(mean, now[name]) for name, mean in self.network.state_dict(keep_vars=True).items()]
        self._means = [mean for mean, _ in pairs if mean.is_floating_point()]
        self._values = [value for mean, value in pairs if mean.is_floating_point()]
        self._counts = [(mean, value) for mean, value in pairs if not mean.is_floating_point()]
        self._followed = network

    def restore(self, weights: Mapping[str, Tensor], steps: int) -> None:
        """Go on from the average of a run that is resumed."""
        self.network.load_state_dict(dict(weights))
        self.steps = steps

r"""How far a training has moved a network, layer by layer.

The weights of a layer, with its biases and scales, have changed by :math:`\lVert w - w_0 \rVert / \lVert w_0 \rVert`.
The batch statistics of a filter, mean :math:`\mu` and standard deviation :math:`\sigma` of its responses, changed by

.. math:: \sqrt{\left(\frac{\mu - \mu_0}{\sigma_0}\right)^2 + \left(\frac{\sigma}{\sigma_0} - 1\right)^2},

which is 1 where the responses of new galaxies lie one standard deviation higher; of a layer the root mean square over
its filters is given. They tell how different the new galaxies look to a layer, and change without any label.

References
----------
Li et al. 2017, arXiv:1603.04779 (batch statistics as what a layer knows of a survey); Raghu et al. 2019, NeurIPS,
arXiv:1902.07208 (what fine-tuning changes in which layer).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import NotPossible
from core.nets import layers
from core.nets.cnn import CNN


@dataclass(frozen=True)
class LayerChange:
    """How much a layer differs between two networks.

    Attributes
    ----------
    name
        Name of the module in the network.
    kind
        Its type, as text.
    block
        Its block, counted from 1; the head counts as one more block.
    weights
        Number of its weights.
    change
        Relative change of its weights; NaN where all of them were 0.
    statistics
        Change of its batch statistics; None: it has none.
    is_identical
        Whether its weights and statistics are the same, byte by byte.
    """

    name: str
    kind: str
    block: int
    weights: int
    change: float
    statistics: float | None
    is_identical: bool


def measure(before: CNN, after: CNN) -> list[LayerChange]:
    """Measure the change of each layer that has weights, in the order of the layers.

    Raises
    ------
    NotPossible
        The networks have different layers.
    """
    shapes = [{name: value.shape for name, value in each.state_dict().items()} for each in (before, after)]
    if shapes[0] != shapes[1]:
        raise NotPossible(
            "The two networks have different layers, so that their weights cannot be compared.",
            "Compare a network with the one that it was fine-tuned from.",
        )
    changes: list[LayerChange] = []
    for (name, kind, old), (_, _, new) in zip(layers.named_layers(before), layers.named_layers(after), strict=True):
        old_weights, new_weights = _weights_of(old), _weights_of(new)
        if not len(old_weights):
            continue
        size = float(old_weights.norm())
        moved = float((new_weights - old_weights).norm())
        states = zip(old.state_dict().values(), new.state_dict().values(), strict=True)
        changes.append(
            LayerChange(
                name=name,
                kind=kind,
                block=before.block_of(name),
                weights=len(old_weights),
                change=moved / size if size else float("nan"),
                statistics=_change_of_statistics(old, new),
                is_identical=all(torch.equal(one.cpu(), other.cpu()) for one, other in states),
            )
        )
    return changes


def _weights_of(module: nn.Module) -> Tensor:
    """All weights of a module in one row, float64 on the CPU."""
    parts = [weight.detach().cpu().double().flatten() for weight in module.parameters()]
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64)


def _change_of_statistics(before: nn.Module, after: nn.Module) -> float | None:
    squares: list[Tensor] = []
    for old, new in zip(before.modules(), after.modules(), strict=True):
        if not (isinstance(old, nn.BatchNorm2d) and isinstance(new, nn.BatchNorm2d)):
            continue
        (mean, width), (other_mean, other_width) = (_statistics_of(norm) for norm in (old, new))
        squares.append(((other_mean - mean) / width).square() + (other_width / width - 1).square())
    return float(torch.cat(squares).mean().sqrt()) if squares else None


def _statistics_of(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each filter's responses, as the layer uses them."""
    assert norm.running_mean is not None and norm.running_var is not None
    return norm.running_mean.cpu().double(), (norm.running_var.cpu().double() + norm.eps).sqrt()

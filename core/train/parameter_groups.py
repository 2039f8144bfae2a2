r"""The weights that are trained, in groups with a learning rate, a decay and a start of their own.

Where blocks have a rate of their own, see :mod:`core.train.tuned_blocks`, the head alone has the full one. Weights
decay towards zero, one-dimensional biases and scales do not. With a *pull to the start* :math:`\alpha` the weights that
were taken over from the earlier network have no such decay, but the penalty :math:`\alpha \lVert w - w_0 \rVert^2 / 2`
on their distance from that network's; the new last layer, which has no start, decays as usual.

References
----------
Li, Grandvalet & Davoine 2018, ICML, PMLR 80, 2825 (L2-SP).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from core.nets.cnn import CNN
from core.train.settings import RunSettings
from core.train.tuned_blocks import rate_share


@dataclass(frozen=True, eq=False)
class ParameterGroup:
    """Weights that are trained alike.

    Attributes
    ----------
    weights
        Those that are not frozen to the end of the training.
    decay
        Towards zero.
    share
        Of the learning rate of the head, 0 … 1.
    start
        The weights of the earlier network that they are pulled towards; empty: none.
    """

    weights: list[nn.Parameter]
    decay: float
    share: float = 1.0
    start: list[Tensor] = field(default_factory=list[Tensor])


def make_groups(
    network: nn.Module, settings: RunSettings, start: Mapping[str, Tensor] | None = None
) -> list[ParameterGroup]:
    """The groups, those of the head first.

    Parameters
    ----------
    network
        With what is frozen to the end of the training frozen already.
    settings
        Rate per block, weight decay.
    start
        The weights, by name, that those of the network are pulled towards, on its device; None: there is no pull.
    """
    decay, chosen = settings.optimiser.weight_decay, settings.transfer
    named = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    if not isinstance(network, CNN) or not chosen.start_from or (chosen.block_rate == 1 and start is None):
        return _by_dimension(list(named.values()), decay)
    groups: list[ParameterGroup] = []
    for block in range(len(network.blocks) + 1, 0, -1):
        share = rate_share(chosen, len(network.blocks), block)
        own = {name: weight for name, weight in named.items() if network.block_of(name) == block}
        pulled = {name: weight for name, weight in own.items() if start is not None and name in start}
        free = [weight for name, weight in own.items() if name not in pulled]
        groups += [group for group in _by_dimension(free, decay, share) if group.weights]
        if start is not None and pulled:
            places = [start[name] for name in pulled]
            groups.append(ParameterGroup(list(pulled.values()), 0.0, share, places))
    return groups


def _by_dimension(weights: list[nn.Parameter], decay: float, share: float = 1.0) -> list[ParameterGroup]:
    """Those that decay, and biases and scales."""
    return [
        ParameterGroup([weight for weight in weights if weight.dim() > 1], decay, share),
        ParameterGroup([weight for weight in weights if weight.dim() <= 1], 0.0, share),
    ]

r"""Quantities inside the network: the *components* that it learns, and the way back to answers with error bars.

Quantities (n, K) as the catalogue has them become components (n, J): the number itself, its natural logarithm, or for
an angle two beside each other, see :mod:`core.nets.angles`. Components are what is averaged over several views of a
galaxy, so that the mean of logarithms is a geometric one, and the mean of angles a direction. The answer
:math:`e^\mu` for a logarithm is the median of the log-normal distribution that the network predicts.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.data.target import Quantities
from core.nets import angles

_MOST = 85.0  # of a logarithm: float32 holds e^-87 to e^88


def count(target: Quantities) -> int:
    """Number of components."""
    return len(target.columns) + len(target.angles)


def places(target: Quantities) -> list[list[int]]:
    """The components of each quantity."""
    found: list[list[int]] = []
    first = 0
    for period in target.periods:
        found.append([first] if period is None else [first, first + 1])
        first += len(found[-1])
    return found


def split(target: Quantities, values: Tensor) -> Tensor:
    """From quantities (n, K) to components (n, J)."""
    if _is_plain(target):
        return values
    columns: list[Tensor] = []
    for column, encoding in zip(values.unbind(dim=1), target.encodings, strict=True):
        if encoding.period is not None:
            columns += angles.split(column, encoding.period)
        else:
            columns.append(column.log() if encoding.is_logarithm else column)
    return torch.stack(columns, dim=1)


def join(target: Quantities, components: Tensor) -> Tensor:
    """From components (n, J) to quantities (n, K): angles from 0 to below the period, logarithms' numbers above 0."""
    if _is_plain(target):
        return components
    columns: list[Tensor] = []
    for encoding, place in zip(target.encodings, places(target), strict=True):
        if encoding.period is not None:
            columns.append(angles.join(components[:, place], encoding.period))
        else:
            column = components[:, place[0]]
            columns.append(column.clamp(-_MOST, _MOST).exp() if encoding.is_logarithm else column)
    return torch.stack(columns, dim=1)


def error_bars(target: Quantities, components: Tensor, sigma: Tensor) -> Tensor:
    """Standard deviations (n, K) from those of the components, both (n, J) and in physical units.

    They are those of the scale that is learned: of an angle in its unit, of a logarithm those of the logarithm, which
    :func:`in_unit` brings to the unit of the quantity.
    """
    if not target.angles:
        return sigma
    columns = [
        sigma[:, place[0]] if period is None else angles.error_bar(components[:, place], sigma[:, place], period)
        for period, place in zip(target.periods, places(target), strict=True)
    ]
    return torch.stack(columns, dim=1)


def in_unit(target: Quantities, values: Tensor, sigma: Tensor) -> Tensor:
    """Errors (n, K) in the unit of the quantities; of a logarithm the value times its standard deviation."""
    if not target.logarithms:
        return sigma
    is_logarithm = torch.tensor([name in target.logarithms for name in target.columns], device=sigma.device)
    return torch.where(is_logarithm, values * sigma, sigma)


def _is_plain(target: Quantities) -> bool:
    return not target.angles and not target.logarithms

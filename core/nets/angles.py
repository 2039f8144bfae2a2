r"""Angles inside the network: cosine and sine of the angle times :math:`2\pi / P`, with the period :math:`P`.

Quantities (n, K) as the catalogue has them become *components* (n, J): one for a plain quantity, two beside each other
for an angle. Nothing jumps at the end of the period, and the mean of two components is a mean direction. A galaxy
without a preferred direction has components near zero.

Reference
---------
Mardia & Jupp 2000, Directional Statistics.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.data import angles
from core.data.target import Quantities


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
    if not target.angles:
        return values
    columns: list[Tensor] = []
    for place, period in enumerate(target.periods):
        column = values[:, place]
        if period is None:
            columns.append(column)
        else:
            phase = 2 * math.pi / period * column
            columns += [torch.cos(phase), torch.sin(phase)]
    return torch.stack(columns, dim=1)


def join(target: Quantities, components: Tensor) -> Tensor:
    """From components (n, J) to quantities (n, K); angles from 0 to below the period."""
    if not target.angles:
        return components
    columns: list[Tensor] = []
    for period, place in zip(target.periods, places(target), strict=True):
        if period is None:
            columns.append(components[:, place[0]])
        else:
            found = torch.atan2(components[:, place[1]], components[:, place[0]]) * (period / (2 * math.pi))
            columns.append(torch.remainder(found, period))
    return torch.stack(columns, dim=1)


def turn(target: Quantities, components: Tensor, maps: Tensor) -> Tensor:
    r"""The components (n, J) of galaxies whose images are turned or mirrored.

    A pixel :math:`p` of the new image takes the value at :math:`A p` in the old one, where both are (x, y) from the
    centre, with y the row from the bottom up. A direction :math:`d` in the old image is therefore
    :math:`A^{-1} d` in the new one: rotations by :math:`\chi` add :math:`\chi` to an angle, and mirror images, which
    are mirrored left and right first, change its sign before.

    Parameters
    ----------
    target
        The quantities.
    components
        In units in which cosine and sine of an angle have the same scale and no offset.
    maps
        The :math:`A`, (n, 2, 2) or one for all (2, 2): rotations and flips, up to a factor.
    """
    inverse = maps.transpose(-2, -1)  # up to a positive factor, as there is no shear
    turned = torch.atan2(-inverse[..., 0, 1], inverse[..., 1, 1])
    sense = torch.sign(torch.linalg.det(maps))
    result = components.clone()
    for (cosine, sine), number in _pairs(target):
        c, s = (torch.cos(number * turned).to(components), torch.sin(number * turned).to(components))
        x, y = components[:, cosine], sense.to(components) * components[:, sine]
        result[:, cosine] = c * x - s * y
        result[:, sine] = s * x + c * y
    return result


def error_bars(target: Quantities, components: Tensor, sigma: Tensor) -> Tensor:
    r"""The standard deviations (n, K) of quantities from those of their components, in physical units.

    Of an angle, with components :math:`(c, s)` of length :math:`\rho` and variances :math:`\sigma_c^2 + \sigma_s^2`:
    the true components lie on the unit circle, so that their second moment :math:`\rho^2 + \sigma_c^2 + \sigma_s^2`
    is one, and :math:`R = \rho / \sqrt{\rho^2 + \sigma_c^2 + \sigma_s^2}` their mean resultant length where the network
    is calibrated. The circular standard deviation is

    .. math::

        \frac{P}{2\pi} \sqrt{-2 \ln R} = \frac{P}{2\pi} \sqrt{\ln (1 + (\sigma_c^2 + \sigma_s^2) / \rho^2)} ,

    at most :math:`P / \sqrt{12}`, 52° for a position angle, as if nothing were known.

    Parameters
    ----------
    target
        The quantities.
    components, sigma
        (n, J), and their standard deviations.
    """
    if not target.angles:
        return sigma
    columns: list[Tensor] = []
    for period, place in zip(target.periods, places(target), strict=True):
        if period is None:
            columns.append(sigma[:, place[0]])
            continue
        length = components[:, place].square().sum(dim=1).clamp_min(torch.finfo(components.dtype).tiny)
        spread = torch.log1p(sigma[:, place].square().sum(dim=1) / length).sqrt() * (period / (2 * math.pi))
        columns.append(spread.clamp(max=period / math.sqrt(12)))
    return torch.stack(columns, dim=1)


def _pairs(target: Quantities) -> list[tuple[list[int], int]]:
    """The two components of each angle, and how often it repeats in a full turn."""
    return [
        (place, angles.repeats(period, unit))
        for place, period, unit in zip(places(target), target.periods, target.units, strict=True)
        if period is not None
    ]

r"""Angles inside the network: cosine and sine of the angle times :math:`2\pi / P`, with the period :math:`P`.

Of the components (n, J) of quantities, see :mod:`core.nets.encoding`, an angle has two beside each other. Nothing jumps
at the end of the period, and the mean of two components is a mean direction. A galaxy without a preferred direction has
components near zero.

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


def split(values: Tensor, period: float) -> list[Tensor]:
    """Cosine and sine (n,) of angles (n,)."""
    phase = 2 * math.pi / period * values
    return [torch.cos(phase), torch.sin(phase)]


def join(components: Tensor, period: float) -> Tensor:
    """The angles (n,), from 0 to below the period, of cosine and sine (n, 2)."""
    found = torch.atan2(components[:, 1], components[:, 0]) * (period / (2 * math.pi))
    return torch.remainder(found, period)


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


def error_bar(components: Tensor, sigma: Tensor, period: float) -> Tensor:
    r"""The standard deviation (n,) of an angle from those of its components.

    Of components :math:`(c, s)` of length :math:`\rho` and variances :math:`\sigma_c^2 + \sigma_s^2`:
    the true components lie on the unit circle, so that their second moment :math:`\rho^2 + \sigma_c^2 + \sigma_s^2`
    is one, and :math:`R = \rho / \sqrt{\rho^2 + \sigma_c^2 + \sigma_s^2}` their mean resultant length where the network
    is calibrated. The circular standard deviation is

    .. math::

        \frac{P}{2\pi} \sqrt{-2 \ln R} = \frac{P}{2\pi} \sqrt{\ln (1 + (\sigma_c^2 + \sigma_s^2) / \rho^2)} ,

    at most :math:`P / \sqrt{12}`, 52° for a position angle, as if nothing were known.

    Parameters
    ----------
    components, sigma
        (n, 2), and their standard deviations.
    period
        Of the angle.
    """
    length = components.square().sum(dim=1).clamp_min(torch.finfo(components.dtype).tiny)
    spread = torch.log1p(sigma.square().sum(dim=1) / length).sqrt() * (period / (2 * math.pi))
    return spread.clamp(max=period / math.sqrt(12))


def _pairs(target: Quantities) -> list[tuple[list[int], int]]:
    """The two components of each angle, and how often it repeats in a full turn."""
    pairs: list[tuple[list[int], int]] = []
    first = 0
    for period, unit in zip(target.periods, target.units, strict=True):
        if period is not None:
            pairs.append(([first, first + 1], angles.repeats(period, unit)))
        first += 1 if period is None else 2
    return pairs

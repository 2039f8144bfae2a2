r"""What the refiner and the discriminator minimise.

With the discriminator's probability :math:`D_p` that patch *p* is a refined one, :math:`\ell` the mean over patches,

.. math:: L_R = -\ell \log(1 - D(R(x))) + \lambda \lVert R(x) - x \rVert_1 + \mu P, \quad
          L_D = -\tfrac12 \ell \log D(R(x)) - \tfrac12 \ell \log(1 - D(y)),

for simulated stamps *x* and real ones *y*. :math:`P` is the penalty on the photometric drift.

References
----------
Shrivastava et al. 2017, equations 1 to 4 and 6.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss, softplus

from core.adapt.refiner.photometry import APERTURE, Ellipses, weighted_moments
from core.adapt.refiner.settings import RefinerSettings

_FAINTEST = 20.0  # units of noise: the flux of a galaxy below which its relative change means nothing


def refiner_adversarial(refined: Tensor) -> Tensor:
    """The refiner's part, from the discriminator's logits (n, h, w) of refined stamps."""
    return softplus(refined).mean()


def discriminator_loss(refined: Tensor, real: Tensor) -> Tensor:
    """From the logits (n, h, w) of refined and real stamps; ln 2 = 0.69 where it cannot tell them."""
    return (softplus(-refined).mean() + softplus(real).mean()) / 2


def self_regularisation(residual: Tensor) -> Tensor:
    """Mean size of the residual of scaled stamps: in units of the noise for faint pixels, relative for bright ones."""
    return residual.abs().mean()


def photometric_penalty(light: Tensor, change: Tensor, ellipses: Ellipses, settings: RefinerSettings) -> Tensor:
    """How far flux and second moments have drifted, in units of their limits; Huber's loss of each, mean over galaxies.

    Parameters
    ----------
    light, change
        (n, C, H, W) in units of the noise: simulated stamps above the sky, and their changes.
    ellipses
        Of the n galaxies.
    settings
        With the limits.
    """
    light, change = light.mean(1), change.mean(1)
    _, height, width = light.shape
    distance = ellipses.distance(height, width)
    inside = (distance <= APERTURE**2).to(light.dtype)
    outside = 1 - inside
    sky = (change * outside).sum((1, 2)) / outside.sum((1, 2)).clamp_min(1)
    change = change - sky[:, None, None]
    flux = (light * inside).sum((1, 2)).clamp_min(_FAINTEST)
    noise = inside.sum((1, 2)).sqrt() / flux  # of the flux of a stamp with the target's noise
    flux_drift = (change * inside).sum((1, 2)) / flux
    rows, columns = ellipses.offsets(height, width)
    weight = torch.exp(-distance / 2)
    total, *_, xx, yy, xy = weighted_moments(weight * light, rows, columns)
    added, *_, dxx, dyy, dxy = weighted_moments(weight * change, rows, columns)
    total, trace = total.clamp_min(_FAINTEST), (ellipses.xx + ellipses.yy) / 2  # of the weighted light
    # the change of Q = M₂ / M₀ is (δM₂ − Q δM₀) / M₀
    drifts = [
        (flux_drift, settings.most_flux / 100),
        ((dxx + dyy - (xx + yy) / total * added) / total / trace, 2 * settings.most_radius / 100),
        ((dxx - dyy - (xx - yy) / total * added) / total / trace, settings.most_axis_ratio),
        (2 * (dxy - xy / total * added) / total / trace, settings.most_axis_ratio),
    ]
    losses = [_huber(drift / torch.sqrt(limit**2 + noise**2)) for drift, limit in drifts]
    return torch.stack(losses).sum()


def _huber(value: Tensor) -> Tensor:
    return smooth_l1_loss(value, torch.zeros_like(value))

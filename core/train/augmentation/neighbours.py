"""A galaxy of the same survey beside the one in the centre.

Only its light is added, not its sky: the pixels around which the mean rises above the noise, within a circle whose edge
is tapered. It is so far off that the circle does not reach the stamp's centre.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from core.train.augmentation.optics import Axes
from core.train.augmentation.settings import AugmentationSettings
from core.train.augmentation.sky import Sky

NEAREST, FARTHEST = 0.35, 0.6
"""Distance of a neighbour from the centre, in units of the stamp's smaller side."""
_TAPER_START = 0.7  # of the circle's radius: beyond it the light is tapered
_DETECTION_SIGMA = 1.0  # mean over 3 × 3 pixels and the bands, in units of the noise


def draw_light(
    images: Tensor,
    sky: Sky,
    settings: AugmentationSettings,
    generator: torch.Generator,
    others: Tensor | None = None,
) -> Tensor | None:
    """Draw the light (n, C, H, W) of the neighbours that some of the images get; None: none gets any.

    Parameters
    ----------
    images, sky
        (n, C, H, W), and their background.
    settings
        The probability of a neighbour.
    generator
        Draws which images get one, from which galaxy, and at which position.
    others
        (m, C, H, W), galaxies that the neighbours come from; None: the images themselves, never the same one.
    """
    count, _, height, width = images.shape
    if not settings.neighbours or (others is None and count == 1):
        return None
    uniform = torch.rand(count, 3, generator=generator)
    if others is None:
        source = (torch.arange(count) + torch.randint(1, count, (1,), generator=generator)) % count
    else:
        source = torch.randint(len(others), (count,), generator=generator)
    chosen = torch.nonzero(uniform[:, 0] < settings.neighbours)[:, 0]
    if not len(chosen):
        return None
    source, angle = source[chosen].to(images.device), 2 * math.pi * uniform[chosen, 1]
    distance = min(height, width) * (NEAREST + (FARTHEST - NEAREST) * uniform[chosen, 2])
    found = (
        _extract_galaxy(images[source], sky[source])
        if others is None
        else _extract_galaxy(others[source], Sky.measure(others[source]))
    )
    down = _shift_matrices(distance * torch.sin(angle), height).to(found)
    across = _shift_matrices(distance * torch.cos(angle), width).to(found)
    return torch.zeros_like(images).index_copy_(0, chosen.to(images.device), Axes(down, across).apply(found))


def _extract_galaxy(images: Tensor, sky: Sky) -> Tensor:
    """Extract the light of the galaxy in the centre of each image."""
    height, width = images.shape[2:]
    above = images - sky.level
    strength = (above / sky.noise).mean(dim=1, keepdim=True)
    stands_out = functional.avg_pool2d(strength, 3, 1, 1) > _DETECTION_SIGMA
    y, x = (torch.arange(side, device=images.device) - (side - 1) / 2 for side in (height, width))
    radius = torch.hypot(y[:, None], x) / (NEAREST * min(height, width) - 1)  # rounding moves it by up to a pixel
    fading = torch.cos(math.pi / 2 * ((radius - _TAPER_START) / (1 - _TAPER_START)).clamp(0, 1)).square()
    return above * stands_out * fading


def _shift_matrices(pixels: Tensor, side: int) -> Tensor:
    """Matrices (n, P, P) that shift by whole pixels, rounded, and drop what falls outside."""
    place = torch.arange(side)
    return place[:, None] - place == pixels.round()[:, None, None]

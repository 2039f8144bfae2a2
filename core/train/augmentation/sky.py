r"""The sky level and noise of each stamp, measured along its edge, and the variations that depend on them.

Level and noise are the median and the scaled median absolute deviation of the outermost pixels, where galaxies are
rare. They are measured for each stamp, so that the images need not be equally deep.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.train.augmentation.settings import AugmentationSettings

SIGMAS = 1.4826  # of a Gaussian, in its median absolute deviation; written out, since the stamps stay on the device
_MIN_NOISE = 0.01  # of the root mean square above the sky, for images without noise
_APERTURE = 0.25  # of the stamp's smaller side


@dataclass(frozen=True)
class Sky:
    """Level and standard deviation of the noise of each stamp and band, both (n, C, 1, 1) in the images' unit.

    The noise is at least a hundredth of the root mean square above the level, for images without noise.
    """

    level: Tensor
    noise: Tensor

    @classmethod
    def measure(cls, images: Tensor) -> Sky:
        """Measure both along the edges of images (n, C, H, W)."""
        edge = _edge_pixels(images)
        middle = edge.median(dim=2, keepdim=True).values
        noise = SIGMAS * (edge - middle).abs().median(dim=2, keepdim=True).values
        above = images.flatten(2) - middle
        least = torch.linalg.vector_norm(above, dim=2, keepdim=True) * (_MIN_NOISE / math.sqrt(above.shape[2]))
        noise = torch.maximum(noise, least).clamp_min(torch.finfo(noise.dtype).tiny)
        return cls(middle[..., None], noise[..., None])

    def __getitem__(self, which: Tensor) -> Sky:
        """The sky of some of the stamps."""
        return Sky(self.level[which], self.noise[which])


def sky_level(images: Tensor) -> Tensor:
    """Median (n, C, 1, 1) of the outermost pixels of images (n, C, H, W)."""
    return _edge_pixels(images).median(dim=2, keepdim=True).values[..., None]


def signal_to_noise(images: Tensor, sky: Sky) -> Tensor:
    r"""Signal-to-noise ratio (n,) of the light around the centre of images (n, C, H, W).

    In each band :math:`\sum (x - b) / (\sigma \sqrt{N})` over the :math:`N` pixels within a quarter of the smaller
    side, for a sky of level :math:`b` and noise :math:`\sigma`; over the bands the root of the sum of squares.
    """
    height, width = images.shape[2:]
    y, x = (torch.arange(side, device=images.device) - (side - 1) / 2 for side in (height, width))
    inside = y[:, None] ** 2 + x**2 <= (_APERTURE * min(height, width)) ** 2  # (H, W)
    light = ((images - sky.level) * inside).sum(dim=(2, 3))  # (n, C)
    ratio = light / (sky.noise[:, :, 0, 0] * math.sqrt(int(inside.sum())))
    return ratio.clamp_min(0).square().sum(dim=1).sqrt()


def draw_noise_factor(
    images: Tensor, sky: Sky, settings: AugmentationSettings, generator: torch.Generator
) -> Tensor | None:
    """Draw the factor by which the noise of each stamp is to grow, (n, 1, 1, 1); None: not at all."""
    if settings.sky_noise == 1 and not settings.signal_to_noise:
        return None
    uniform = torch.rand(len(images), 2, generator=generator).to(images.device)
    factor = settings.sky_noise ** uniform[:, 0]  # uniform in its logarithm
    if settings.signal_to_noise:
        own = signal_to_noise(images, sky)
        factor = torch.maximum(factor, (own / settings.signal_to_noise).clamp_min(1) ** uniform[:, 1])
    return factor[:, None, None, None]


def brighten(
    images: Tensor, sky: Sky, settings: AugmentationSettings, generator: torch.Generator
) -> tuple[Tensor, Sky]:
    """Multiply everything above the sky level, noise included, by a factor that is the same in all bands."""
    if settings.brightness_min == settings.brightness_max:
        return images, sky
    uniform = torch.rand(len(images), 1, 1, 1, generator=generator).to(images.device)
    factor = settings.brightness_min * (settings.brightness_max / settings.brightness_min) ** uniform
    return torch.lerp(sky.level, images, factor), Sky(sky.level, sky.noise * factor)


def tilt(images: Tensor, sky: Sky, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Add a plane that is zero in the centre, in a random direction for each stamp, the same in all bands."""
    if not settings.gradient:
        return images
    height, width = images.shape[2:]
    uniform = torch.rand(2, len(images), 1, 1, 1, generator=generator).to(images.device)
    rise, angle = settings.gradient * uniform[0], 2 * math.pi * uniform[1]
    y, x = ((torch.arange(side, device=images.device) + 0.5) / side - 0.5 for side in (height, width))
    return images + sky.noise * rise * (torch.cos(angle) * x + torch.sin(angle) * y[:, None])


def _edge_pixels(images: Tensor) -> Tensor:
    """The outermost pixels of images (n, C, H, W), (n, C, P)."""
    sides = (images[:, :, 0], images[:, :, -1], images[:, :, 1:-1, 0], images[:, :, 1:-1, -1])
    return torch.cat(sides, dim=2)

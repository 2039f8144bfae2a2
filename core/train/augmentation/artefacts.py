"""Detector artefacts: cosmic rays, dead pixels, missing bands."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.train.augmentation.settings import AugmentationSettings
from core.train.augmentation.sky import Sky

_FAINTEST, _BRIGHTEST = 10.0, 1000.0  # of a cosmic ray, in units of the sky's noise
_LONGEST, _MEAN_LENGTH = 16, 3.0  # pixels


def add_artefacts(images: Tensor, sky: Sky, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Add to images (n, C, H, W) those cosmic rays, dead pixels and missing bands that the settings ask for."""
    if settings.cosmic_rays:
        images = _add_cosmic_rays(images, sky, settings.cosmic_rays, generator)
    if settings.dead_pixels:
        images = _add_dead_pixels(images, settings.dead_pixels, generator)
    if settings.band_drop and images.shape[1] > 1:
        uniform = torch.rand(images.shape[:2], generator=generator)
        lost = uniform < settings.band_drop
        lost[torch.arange(len(lost)), uniform.argmax(dim=1)] = False  # one band is always left
        images = torch.where(lost[:, :, None, None].to(images.device), sky.level, images)
    return images


def _add_cosmic_rays(images: Tensor, sky: Sky, mean: float, generator: torch.Generator) -> Tensor:
    """Add straight tracks of pixels, each of uniform brightness."""
    stamp = _draw_stamps(len(images), mean, generator)
    uniform = torch.rand(len(stamp), 6, generator=generator)
    bands, height, width = images.shape[1:]
    band = (uniform[:, 0] * bands).long()
    angle = 2 * math.pi * uniform[:, 1]
    length = 1 - _MEAN_LENGTH * torch.log1p(-uniform[:, 2])
    brightness = _FAINTEST * (_BRIGHTEST / _FAINTEST) ** uniform[:, 3]
    step = torch.arange(_LONGEST)
    y = (uniform[:, 4:5] * height + step * torch.sin(angle)[:, None]).floor().long()  # (tracks, steps)
    x = (uniform[:, 5:6] * width + step * torch.cos(angle)[:, None]).floor().long()
    hit = (step < length[:, None]) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    place = (((stamp * bands + band)[:, None] * height + y) * width + x)[hit].to(images.device)
    height_of_track = brightness.to(images.device) * sky.noise[:, :, 0, 0][stamp, band]
    number = torch.arange(len(stamp))[:, None].expand_as(hit)[hit].to(images.device)
    charge = torch.zeros_like(images).view(-1)
    charge.scatter_reduce_(0, place, height_of_track[number], "amax")  # where tracks cross, the brighter one
    return images + charge.view(images.shape)


def _add_dead_pixels(images: Tensor, mean: float, generator: torch.Generator) -> Tensor:
    stamp = _draw_stamps(len(images), mean, generator)
    pixels = images[0].numel()
    place = stamp * pixels + torch.randint(pixels, (len(stamp),), generator=generator)
    return images.reshape(-1).index_fill(0, place.to(images.device), 0.0).view(images.shape)


def _draw_stamps(count: int, mean: float, generator: torch.Generator) -> Tensor:
    """Draw the stamp of each artefact; their number per stamp is Poisson-distributed."""
    numbers = torch.poisson(torch.full((count,), mean), generator=generator).long()
    return torch.repeat_interleave(torch.arange(count), numbers)

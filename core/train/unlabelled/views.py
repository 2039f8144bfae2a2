"""How galaxies without labels are varied: as the labelled ones, or weakly and strongly, as FixMatch needs them."""

from __future__ import annotations

import torch
from torch import Tensor

from core.train.augmentation.settings import AugmentationSettings
from core.train.augmentation.sky import sky_level

_WEAK = {"zoom_min": 1.0, "zoom_max": 1.0, "shear": 0.0, "noise": 0.0, "psf_blur": 0.0, "sky_noise": 1.0}
_WEAK |= {"distance": 1.0, "neighbours": 0.0, "brightness_min": 1.0, "brightness_max": 1.0, "signal_to_noise": 0.0}
_WEAK |= {"gradient": 0.0, "cosmic_rays": 0.0, "dead_pixels": 0.0, "band_drop": 0.0}
_AT_MOST = {"zoom_min": 0.7, "brightness_min": 0.7}
_AT_LEAST = {"zoom_max": 1.4, "brightness_max": 1.4, "noise": 0.1, "sky_noise": 2.0, "psf_blur": 2.0}
_LARGEST_SQUARE = 0.5  # of the stamp's side


def weak_view(settings: AugmentationSettings) -> AugmentationSettings:
    """The part of an augmentation that only turns, mirrors and moves galaxies."""
    return settings.model_copy(update=_WEAK)


def strong_view(settings: AugmentationSettings) -> AugmentationSettings:
    """An augmentation that also changes size, brightness, noise and seeing, at least as much as FixMatch needs."""
    changes = {name: min(value, getattr(settings, name)) for name, value in _AT_MOST.items()}
    changes |= {name: max(value, getattr(settings, name)) for name, value in _AT_LEAST.items()}
    return settings.model_copy(update=changes)


def hide_squares(images: Tensor, generator: torch.Generator) -> Tensor:
    """Hide a square of each image (n, C, H, W) by its sky level, at a random place, of up to half the stamp's side.

    References
    ----------
    DeVries & Taylor 2017, arXiv:1708.04552 (Cutout).
    """
    count, (height, width) = len(images), images.shape[2:]
    uniform = torch.rand(3, count, 1, generator=generator).to(images.device)
    half = uniform[0] * _LARGEST_SQUARE * min(height, width) / 2
    x, y = (
        (torch.arange(side, device=images.device) + 0.5 - place * side).abs() < half
        for side, place in ((width, uniform[1]), (height, uniform[2]))
    )
    return torch.where(y[:, None, :, None] & x[:, None, None, :], sky_level(images), images)

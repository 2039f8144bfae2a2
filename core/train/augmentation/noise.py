"""Gaussian noise, and how much of it must be added to restore what interpolation removes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.train.augmentation.sky import SIGMAS

_OFFSETS = 2**22


@dataclass(frozen=True)
class NoisePool:
    """Normal random numbers drawn once; each batch takes a stretch of them at a random offset, with a random sign.

    Drawing a fresh number for every pixel would cost as much as the whole affine map.
    """

    values: Tensor

    @classmethod
    def draw(cls, pixels: int, generator: torch.Generator, device: torch.device | str = "cpu") -> NoisePool:
        """Draw a pool for batches of up to ``pixels`` numbers, with four million different offsets."""
        return cls(torch.randn(pixels + _OFFSETS, generator=generator).to(device))

    def take(self, pixels: int, generator: torch.Generator) -> Tensor:
        """Take ``pixels`` consecutive numbers at a random offset."""
        start = int(torch.randint(len(self.values) - pixels + 1, (1,), generator=generator))
        return self.values[start : start + pixels]


def add_noise(
    images: Tensor, width: Tensor, generator: torch.Generator, pool: NoisePool | None, *, in_place: bool = False
) -> Tensor:
    """Add normal noise of standard deviation ``width``, which broadcasts to their shape, to images (n, C, H, W).

    Without a pool the noise is drawn anew. ``in_place``: the images may be changed.
    """
    if pool is None:
        noise = torch.randn(images.shape, generator=generator).to(images.device)
    else:
        noise = pool.take(images.numel(), generator).view(images.shape)
    sign = 1 if torch.rand(1, generator=generator) < 0.5 else -1
    add = images.addcmul_ if in_place else images.addcmul
    return add(noise, width, value=sign)


def lost_noise(images: Tensor) -> Tensor:
    r"""Standard deviation (C,) of the noise that interpolation removes from the sky of images (n, C, H, W).

    Between two pixels of variance :math:`\sigma^2` and correlation :math:`\rho`, at a uniformly distributed position,
    the mean variance is :math:`\sigma^2 (2 + \rho) / 3`, and so along each axis. Variance and correlation are measured
    along the stamps' edges, where galaxies are rare; values beyond 3 σ of the sky are clipped.
    """
    lines = [
        torch.cat([images[:, :, 0], images[:, :, -1]]),  # (2 n, C, W) along x
        torch.cat([images[:, :, :, 0], images[:, :, :, -1]]),  # (2 n, C, H) along y
    ]
    lines = [line - line.median(dim=2, keepdim=True).values for line in lines]
    flat = torch.cat([line.transpose(0, 1).flatten(1) for line in lines], dim=1)  # (C, pixels)
    sigma = SIGMAS * flat.abs().median(dim=1).values  # (C,)
    kept = torch.ones_like(sigma)
    for line in lines:
        line = torch.minimum(torch.maximum(line, -3 * sigma[:, None]), 3 * sigma[:, None])
        square = (line**2).mean(dim=(0, 2)).clamp_min(torch.finfo(line.dtype).tiny)
        correlation = ((line[:, :, 1:] * line[:, :, :-1]).mean(dim=(0, 2)) / square).clamp(0, 1)
        kept = kept * (2 + correlation) / 3
    return sigma * torch.sqrt(1 - kept)

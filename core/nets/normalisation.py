r"""How physical pixel values are scaled before the network sees them.

Fitted on the training part only, it travels inside the network's file. It works on every pixel by itself, band by
band, and has nothing to do with the stretch in which a galaxy is shown.

*standard* is :math:`(x - c) / s`. *asinh* compresses bright pixels first, :math:`(\operatorname{asinh}((x - b) / k)
- c) / s`, linear below the noise :math:`k` of the sky :math:`b` and logarithmic above it.

References
----------
Lupton, Gunn & Szalay 1999, AJ 118, 1406 (asinh).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import NotANumber, TooFewGalaxies

Kind = Literal["standard", "asinh"]


class Normalisation(nn.Module):
    """Scale each band; ``sky``, ``knee``, ``centre`` and ``scale`` are buffers of shape (C,)."""

    sky: Tensor
    knee: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, kind: Kind, sky: Tensor, knee: Tensor, centre: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.kind: Kind = kind
        for name, value in (("sky", sky), ("knee", knee), ("centre", centre), ("scale", scale)):
            self.register_buffer(name, value.detach().to(torch.float32).clone())

    def forward(self, images: Tensor) -> Tensor:
        """Scale images (N, C, H, W) from physical units to zero mean and unit variance."""
        centre, scale = self.centre[:, None, None], self.scale[:, None, None]  # (C, 1, 1)
        if self.kind == "asinh":
            images = torch.asinh((images - self.sky[:, None, None]) / self.knee[:, None, None])
        return (images - centre) / scale

    def inverse(self, scaled: Tensor) -> Tensor:
        """Physical images (N, C, H, W) that :meth:`forward` takes to these; infinite where they overflow float32."""
        images = scaled * self.scale[:, None, None] + self.centre[:, None, None]
        if self.kind == "asinh":
            images = torch.sinh(images) * self.knee[:, None, None] + self.sky[:, None, None]
        return images


def identity(bands: int) -> Normalisation:
    """Leave the pixels as they are."""
    zero, one = torch.zeros(bands), torch.ones(bands)
    return Normalisation("standard", zero, one, zero, one)


def fit(images: NDArray[np.float32], kind: Kind) -> Normalisation:
    """Find sky, knee, centre and scale of each band.

    Parameters
    ----------
    images
        (N, C, H, W) training galaxies, or a fair sample of them, in physical units.
    kind
        ``"standard"`` or ``"asinh"``.

    Raises
    ------
    NotANumber
        A pixel is NaN or infinite.
    TooFewGalaxies
        There is no image.
    """
    if len(images) == 0:
        raise TooFewGalaxies("There is no training galaxy to fit the input scaling on.", "Label more galaxies.")
    if not np.isfinite(images).all():
        row = int(np.flatnonzero(~np.isfinite(images).all(axis=(1, 2, 3)))[0])
        raise NotANumber(
            "A training image holds NaN or infinite pixels.", "Import the files again.", f"image {row} of the sample"
        )
    sky, noise = _sky(images)
    scaled = images
    knee = np.ones_like(sky)
    if kind == "asinh":
        spread = images.std(axis=(0, 2, 3), dtype=np.float64)
        floor = np.where(spread > 0, spread / 100, 1.0)  # images without noise have no natural knee
        knee = np.maximum(noise, floor)
        scaled = np.arcsinh((images - _per_band(sky)) / _per_band(knee))
    centre = scaled.mean(axis=(0, 2, 3), dtype=np.float64)
    scale = scaled.std(axis=(0, 2, 3), dtype=np.float64)
    scale = np.where(scale > 0, scale, 1.0)  # an empty band stays zero
    return Normalisation(kind, *(torch.tensor(values, dtype=torch.float32) for values in (sky, knee, centre, scale)))


def border(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outermost pixels of each stamp and band, (N, C, 2 H + 2 W - 4)."""
    if min(images.shape[2:]) < 3:
        return images.reshape(*images.shape[:2], -1)
    sides = (images[:, :, 0], images[:, :, -1], images[:, :, 1:-1, 0], images[:, :, 1:-1, -1])
    return np.concatenate(sides, axis=2)


def _sky(images: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and robust standard deviation of the border pixels, each (C,)."""
    pixels = border(images).astype(np.float64)  # (N, C, P)
    own = np.median(pixels, axis=2)  # (N, C); taken off, so that a sky that varies does not pass for noise
    deviation = np.median(np.abs(pixels - own[:, :, None]), axis=(0, 2))
    return np.median(own, axis=0), 1.4826 * deviation


def _per_band(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)[:, None, None]

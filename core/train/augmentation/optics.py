r"""A galaxy seen less sharply, or from farther away.

Both are linear along each axis, so that a stamp :math:`I` above its sky becomes :math:`A_y I A_x^\mathsf{T}` with one
matrix per axis and galaxy.

*Farther away* by :math:`d`: an output pixel is the mean over the :math:`d \times d` pixels that it now covers, parts of
pixels counting as parts, so that the surface brightness is kept; beyond the stamp there is no light.

*Blurred* by :math:`\sigma`: the discrete Gaussian :math:`\exp(\sigma^2 L)`, :math:`L` being half the second difference
with mirrored ends. The cosines of the discrete cosine transform are its eigenvectors, with the eigenvalues
:math:`\exp(-\sigma^2 (1 - \cos(\pi k / P)))`. Unlike a sampled Gaussian it has a variance of exactly :math:`\sigma^2`
however narrow it is, and two blurs are one with the sum of their variances.

Both take noise away: of white noise the share :math:`\sum_j A_{y,ij}^2 \sum_j A_{x,kj}^2` of the variance is left at
the pixel :math:`(i, k)`. Photons are counted after the air has blurred the galaxy, so the noise is given back
(:mod:`~core.train.augmentation.pipeline`).

References
----------
Lindeberg 1990, IEEE Transactions on Pattern Analysis and Machine Intelligence 12, 234 (discrete Gaussian).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.train.augmentation.settings import AugmentationSettings
from core.train.augmentation.sky import Sky

_FWHM = 2 * math.sqrt(2 * math.log(2))  # of a Gaussian, in standard deviations


@dataclass(frozen=True)
class Optics:
    """What happens to each of n stamps down its columns, (n, H, H), and across its rows, (n, W, W)."""

    down: Tensor
    across: Tensor

    @property
    def kept(self) -> Tensor:
        """Share of the variance of white noise that is left in each pixel, (n, 1, H, W)."""
        down, across = self.down.square().sum(dim=2), self.across.square().sum(dim=2)
        return (down[:, :, None] * across[:, None, :])[:, None]

    def seen(self, images: Tensor, sky: Sky) -> Tensor:
        """Images (n, C, H, W) through them, each above its sky."""
        light = torch.matmul(images - sky.level, self.across[:, None].mT)
        return torch.matmul(self.down[:, None], light) + sky.level


def drawn(images: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Optics | None:
    """Random optics for images (n, C, H, W); None if nothing of it is asked for."""
    if settings.distance == 1 and not settings.psf_blur:
        return None
    height, width = images.shape[2:]
    uniform = torch.rand(len(images), 2, generator=generator).to(images.device)
    factor = settings.distance ** uniform[:, 0]  # even in its logarithm
    sigma = settings.psf_blur / _FWHM * uniform[:, 1]

    def along(pixels: int) -> Tensor:
        if settings.distance == 1:
            return blurring(sigma, pixels)
        smaller = shrinking(factor, pixels)
        return blurring(sigma, pixels) @ smaller if settings.psf_blur else smaller

    down = along(height)
    return Optics(down, down if height == width else along(width))


def shrinking(factor: Tensor, pixels: int) -> Tensor:
    """Matrices (n, P, P) that average P pixels as if seen from ``factor`` (n,) times as far."""
    centre = torch.arange(pixels, device=factor.device) - (pixels - 1) / 2
    middle, half = factor[:, None, None] * centre[:, None], factor[:, None, None] / 2  # of the output pixels
    first = torch.maximum(middle - half, centre - 0.5)
    last = torch.minimum(middle + half, centre + 0.5)
    return (last - first).clamp_min(0) / factor[:, None, None]


def blurring(sigma: Tensor, pixels: int) -> Tensor:
    """Matrices (n, P, P) of the discrete Gaussian of ``sigma`` (n,) pixels."""
    place = torch.arange(pixels, device=sigma.device)
    cosines = torch.cos(math.pi / pixels * place[:, None] * (place + 0.5)) * math.sqrt(2 / pixels)  # (k, P)
    cosines[0] /= math.sqrt(2)
    damping = torch.exp(-(sigma[:, None] ** 2) * (1 - torch.cos(math.pi / pixels * place)))  # (n, k)
    return (cosines.T * damping[:, None, :]) @ cosines

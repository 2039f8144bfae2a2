r"""A galaxy seen less sharply, or from farther away.

Both are linear and separable, so that a stamp :math:`I` above its sky becomes :math:`A_y I A_x^\mathsf{T}` with one
matrix per axis and galaxy.

*Farther away* by :math:`d`: an output pixel is the mean over the :math:`d \times d` pixels that it now covers,
fractions of pixels included, so that the surface brightness is kept; beyond the stamp there is no light.

*Blurred* by :math:`\sigma`: the discrete Gaussian :math:`\exp(\sigma^2 L)`, :math:`L` being half the second difference
with mirrored ends. The cosines of the discrete cosine transform are its eigenvectors, with the eigenvalues
:math:`\exp(-\sigma^2 (1 - \cos(\pi k / P)))`. Unlike a sampled Gaussian it has a variance of exactly :math:`\sigma^2`
however narrow it is, and two blurs are one with the sum of their variances.

Both remove noise: of white noise the fraction :math:`\sum_j A_{y,ij}^2 \sum_j A_{x,kj}^2` of the variance is left at
the pixel :math:`(i, k)`. Photons are counted after the atmosphere has blurred the galaxy, so the noise is restored
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
class Axes:
    """A separable linear map of n stamps: matrices down the columns, (n, H, H), and across the rows, (n, W, W)."""

    down: Tensor
    across: Tensor

    @property
    def kept_variance(self) -> Tensor:
        """Fraction of the variance of white noise that is left in each pixel, (n, 1, H, W)."""
        down, across = self.down.square().sum(dim=2), self.across.square().sum(dim=2)
        return (down[:, :, None] * across[:, None, :])[:, None]

    def apply(self, light: Tensor) -> Tensor:
        """Apply the map to light (n, C, H, W) above the sky."""
        return torch.matmul(self.down[:, None], torch.matmul(light, self.across[:, None].mT))

    def compose(self, earlier: Axes) -> Axes:
        """The map that applies ``earlier`` and then this one."""
        return Axes(self.down @ earlier.down, self.across @ earlier.across)


@dataclass(frozen=True)
class Optics:
    """First the distance, then the seeing; None where the settings ask for none."""

    distance: Axes | None
    seeing: Axes | None

    @property
    def kept_variance(self) -> Tensor | None:
        """Fraction of the variance of white noise that is left in each pixel, (n, 1, H, W); None: all."""
        if self.distance is None or self.seeing is None:
            whole = self.distance or self.seeing
        else:
            whole = self.seeing.compose(self.distance)
        return None if whole is None else whole.kept_variance

    def apply(self, images: Tensor, sky: Sky, beside: Tensor | None) -> Tensor:
        """Apply both to images (n, C, H, W) above their sky; the light of neighbours is blurred but not moved away."""
        if self.distance is None and self.seeing is None:
            return images if beside is None else images + beside
        light = images - sky.level
        light = light if self.distance is None else self.distance.apply(light)
        light = light if beside is None else light + beside
        light = light if self.seeing is None else self.seeing.apply(light)
        return light + sky.level


def draw_optics(images: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Optics:
    """Draw random optics for images (n, C, H, W)."""
    height, width = images.shape[2:]
    distance = seeing = None
    if settings.distance > 1:
        factor = settings.distance ** torch.rand(len(images), generator=generator).to(images.device)  # log-uniform
        distance = Axes(shrink_matrices(factor, height), shrink_matrices(factor, width))
    if settings.psf_blur:
        sigma = settings.psf_blur / _FWHM * torch.rand(len(images), generator=generator).to(images.device)
        seeing = Axes(blur_matrices(sigma, height), blur_matrices(sigma, width))
    return Optics(distance, seeing)


def shrink_matrices(factor: Tensor, pixels: int) -> Tensor:
    """Matrices (n, P, P) that rebin P pixels as if seen from ``factor`` (n,) times as far."""
    centre = torch.arange(pixels, device=factor.device) - (pixels - 1) / 2
    middle, half = factor[:, None, None] * centre[:, None], factor[:, None, None] / 2  # of the output pixels
    first = torch.maximum(middle - half, centre - 0.5)
    last = torch.minimum(middle + half, centre + 0.5)
    return (last - first).clamp_min(0) / factor[:, None, None]


def blur_matrices(sigma: Tensor, pixels: int) -> Tensor:
    """Matrices (n, P, P) of the discrete Gaussian of ``sigma`` (n,) pixels."""
    place = torch.arange(pixels, device=sigma.device)
    cosines = torch.cos(math.pi / pixels * place[:, None] * (place + 0.5)) * math.sqrt(2 / pixels)  # (k, P)
    cosines[0] /= math.sqrt(2)
    damping = torch.exp(-(sigma[:, None] ** 2) * (1 - torch.cos(math.pi / pixels * place)))  # (n, k)
    return (cosines.T * damping[:, None, :]) @ cosines

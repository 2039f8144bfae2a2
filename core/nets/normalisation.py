r"""Input scaling: how physical pixel values are normalised before they enter the network.

It is fitted on the training part only and saved in the network's file, and is independent of the stretch with which
a galaxy is displayed. There are up to three steps; by default only the second one is used.

1. *Samplewise*, each stamp by itself over all its bands and pixels: subtract its mean, and divide by its standard
   deviation.
2. *Pixelwise*, with one number per band. *standard* is :math:`(x - c) / s`, *centre* is :math:`x - c`. *asinh*
   compresses bright pixels first, :math:`(\operatorname{asinh}((x - b) / k) - c) / s`, linear below the noise :math:`k`
   of the sky :math:`b` and logarithmic above it.
3. *Whitening*, see :mod:`~core.nets.whitening`.

One galaxy with a wild pixel, such as a mark of -1e30 for a missing one, must not set the scale for all others. A stamp
is left out of the fit where its mean square about the sky is 1e5 times that of nine in ten others. Without asinh,
scaled values are limited to ten times the largest one of the stamps in the fit, so that no pixel floods a network.

References
----------
Lupton, Gunn & Szalay 1999, AJ 118, 1406 (asinh).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import NotANumber, NotPossible, TooFewGalaxies
from core.nets import whitening
from core.nets.whitening import Whitening

ScalingKind = Literal["standard", "centre", "asinh"]
Samplewise = Literal["none", "centre", "standard"]
_WILD = 1e5  # times the mean square of nine in ten stamps: such a stamp is left out of the fit
_BEYOND_TRAINING = 10.0  # times the largest scaled value of the fit: the limit of scaled values
_LARGEST = 1e18  # a number whose square is finite in float32
_CONSTANT_TOLERANCE = 1e-6  # of a stamp's mean: a smaller standard deviation is rounding


class Normalisation(nn.Module):
    """The input scaling of a network.

    Parameters
    ----------
    kind
        The pixelwise step.
    sky, knee, centre, scale
        Its parameters, (C,); kept as buffers.
    samplewise
        The step before it, on each stamp by itself.
    white
        The whitening after it; None: no whitening.
    limit
        Largest size of a scaled value in each band, (C,); None: 1e18, as in networks that were saved without.
    """

    sky: Tensor
    knee: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        kind: ScalingKind,
        sky: Tensor,
        knee: Tensor,
        centre: Tensor,
        scale: Tensor,
        samplewise: Samplewise = "none",
        white: Whitening | None = None,
        limit: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.kind: ScalingKind = kind
        self.samplewise: Samplewise = samplewise
        self.white = white
        for name, value in (("sky", sky), ("knee", knee), ("centre", centre), ("scale", scale)):
            self.register_buffer(name, value.detach().to(torch.float32).clone())
        self.limit: Tensor | None
        self.register_buffer("limit", None if limit is None else limit.detach().to(torch.float32).clone())

    @property
    def is_pixelwise(self) -> bool:
        """Whether each scaled pixel depends on no other pixel than itself."""
        return self.samplewise == "none" and self.white is None

    def forward(self, images: Tensor) -> Tensor:
        """Scale images (N, C, H, W) from physical units to about zero mean and unit variance."""
        return self._scale(images, torch.asinh)

    @torch.no_grad()
    def scale_fast(self, images: Tensor) -> Tensor:
        """As :meth:`forward`, up to rounding and without gradients; for asinh many times faster on a CPU."""
        return self._scale(images, _fast_asinh)

    def _scale(self, images: Tensor, asinh: Callable[[Tensor], Tensor]) -> Tensor:
        if self.samplewise != "none":
            images = scale_samplewise(images, self.samplewise)
        centre, scale = self.centre[:, None, None], self.scale[:, None, None]  # (C, 1, 1)
        if self.kind == "asinh":
            images = (images - self.sky[:, None, None]) / self.knee[:, None, None]
            images = asinh(images.clamp(-_LARGEST, _LARGEST))
        images = self.limit_scaled((images - centre) / scale)
        return images if self.white is None else self.white(images)

    def limit_scaled(self, scaled: Tensor) -> Tensor:
        """Limit scaled images (N, C, H, W) to what a network can be expected to meet."""
        if self.limit is None:
            return scaled.clamp(-_LARGEST, _LARGEST)
        limit = self.limit[:, None, None]
        return torch.clamp(scaled, -limit, limit)

    def without_samplewise(self) -> Normalisation:
        """The steps after the samplewise one, for images that it has scaled already."""
        return Normalisation(
            self.kind, self.sky, self.knee, self.centre, self.scale, white=self.white, limit=self.limit
        )

    def inverse(self, scaled: Tensor) -> Tensor:
        """Invert :meth:`forward`: physical images (N, C, H, W), infinite where they overflow float32.

        Raises
        ------
        NotPossible
            Each stamp was scaled by its own mean, which is not known any more.
        """
        if self.samplewise != "none":
            raise NotPossible(
                "This network's input scaling cannot be inverted: it subtracts each galaxy's own mean.",
                "Train a network without scaling each galaxy by itself.",
            )
        if self.white is not None:
            scaled = self.white.inverse(scaled)
        images = scaled * self.scale[:, None, None] + self.centre[:, None, None]
        if self.kind == "asinh":
            images = torch.sinh(images) * self.knee[:, None, None] + self.sky[:, None, None]
        return images


def restore(kind: ScalingKind, samplewise: Samplewise, tensors: Mapping[str, Tensor]) -> Normalisation:
    """Restore a normalisation from its ``state_dict``."""
    white = {name.removeprefix("white."): value for name, value in tensors.items() if name.startswith("white.")}
    bands: dict[str, Any] = {name: value for name, value in tensors.items() if not name.startswith("white.")}
    return Normalisation(kind, **bands, samplewise=samplewise, white=Whitening(**white) if white else None)


def scale_samplewise(images: Tensor, samplewise: Samplewise) -> Tensor:
    """Subtract each image's mean from (N, C, H, W), and for ``"standard"`` divide by its standard deviation."""
    images = images.clamp(-_LARGEST, _LARGEST)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    if samplewise == "centre":
        return images - mean
    spread = images.std(dim=(1, 2, 3), keepdim=True, correction=0)
    return (images - mean) / torch.where(spread > _CONSTANT_TOLERANCE * mean.abs(), spread, 1)


def identity(bands: int) -> Normalisation:
    """A normalisation that leaves the pixels unchanged."""
    zero, one = torch.zeros(bands), torch.ones(bands)
    return Normalisation("standard", zero, one, zero, one)


def fit(
    images: NDArray[np.float32], kind: ScalingKind, samplewise: Samplewise = "none", floor: float | None = None
) -> Normalisation:
    """Fit the input scaling to training images.

    Parameters
    ----------
    images
        (N, C, H, W) training galaxies, or a random sample of them, in physical units.
    kind
        The pixelwise step.
    samplewise
        The step before it, on each stamp by itself.
    floor
        Of the variances in a whitening, see :func:`core.nets.whitening.fit`; None: no whitening.

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
    if samplewise != "none":  # which hides how bright they were
        images = images[~_are_wild(images, _estimate_sky(images)[0])]
        images = scale_samplewise(torch.from_numpy(images), samplewise).numpy()
    sky, noise = _estimate_sky(images)
    images = images[~_are_wild(images, sky)]
    sky, knee, centre, scale = (torch.from_numpy(values) for values in _fit_bands(images, kind, sky, noise))
    free = Normalisation(kind, sky, knee, centre, scale)
    scaled = free(torch.from_numpy(images))
    limit = None if kind == "asinh" else _BEYOND_TRAINING * scaled.abs().amax(dim=(0, 2, 3)).clamp_min(1)
    white = None if floor is None else whitening.fit(scaled, floor)
    return Normalisation(kind, free.sky, free.knee, free.centre, free.scale, samplewise, white, limit)


def _are_wild(images: NDArray[np.float32], sky: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which stamps (N,) hold values that have nothing to do with the others', in any band."""
    with np.errstate(over="ignore"):  # infinite is wild
        away = images - _broadcast_bands(sky)
        square = np.einsum("nchw,nchw->nc", away, away) / away[0, 0].size  # (N, C)
    usual = np.quantile(square, 0.9, axis=0, method="lower")
    return ((square > _WILD * usual) & (usual > 0)).any(axis=1)


def _fit_bands(
    images: NDArray[np.float32], kind: ScalingKind, sky: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Sky, knee, centre and scale of each band, (C,)."""
    scaled = images
    knee = np.ones_like(sky)
    if kind == "asinh":
        spread = images.std(axis=(0, 2, 3), dtype=np.float64)
        floor = np.where(spread > 0, spread / 100, 1.0)  # for images without noise
        knee = np.maximum(noise, floor)
        scaled = np.arcsinh((images - _broadcast_bands(sky)) / _broadcast_bands(knee))
    centre = scaled.mean(axis=(0, 2, 3), dtype=np.float64)
    if kind == "centre":
        return sky, knee, centre, np.ones_like(sky)
    scale = scaled.std(axis=(0, 2, 3), dtype=np.float64)
    return sky, knee, centre, np.where(scale > 0, scale, 1.0)  # an empty band stays zero


def border_pixels(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outermost pixels of each stamp and band, (N, C, 2 H + 2 W - 4)."""
    if min(images.shape[2:]) < 3:
        return images.reshape(*images.shape[:2], -1)
    sides = (images[:, :, 0], images[:, :, -1], images[:, :, 1:-1, 0], images[:, :, 1:-1, -1])
    return np.concatenate(sides, axis=2)


def _fast_asinh(x: Tensor) -> Tensor:
    """Asinh in a few vectorised passes, where torch's is not vectorised; exact to rounding for values near one."""
    root = torch.addcmul(torch.ones_like(x[:1, :1, :1, :1]), x, x).sqrt_()
    return root.add_(x.abs()).log_().copysign_(x)


def _estimate_sky(images: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and robust standard deviation of the border pixels, each (C,)."""
    from astropy.stats import mad_std  # late: the import takes a third of a second, and only training needs it

    pixels = border_pixels(images).astype(np.float64)  # (N, C, P)
    own = np.median(pixels, axis=2)  # (N, C); subtracted, so that a varying sky level is not mistaken for noise
    return np.median(own, axis=0), np.asarray(mad_std(pixels - own[:, :, None], axis=(0, 2)))


def _broadcast_bands(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)[:, None, None]

r"""Galaxies varied anew each time they are shown, whole batches at once on the device.

Rotation by :math:`\varphi`, zoom by :math:`z`, flips :math:`f_x, f_y = \pm 1` and shift :math:`t` become *one* affine
map per galaxy, so that it is interpolated only once. With :math:`c` the centre of the stamp, the output pixel at
:math:`p` shows what was at

.. math:: c + \operatorname{diag}(f_x, f_y)\, R(\varphi)\, (p - c - t) / z .

Interpolation is bilinear. What comes from outside the stamp is mirrored at its edge: for a galaxy in the centre
that is sky with the right noise and no seam, where a constant would leave smooth corners that tell the angle.

Interpolating averages neighbouring pixels and takes away about half of the variance of their noise. A network that
learned on such smoothed skies is lost on real ones, so that :func:`lost_noise` is measured and added back, together
with the Gaussian noise that was asked for.

Not every variation leaves every label true. A flip swaps clockwise and anticlockwise, a zoom changes sizes and
magnitudes, a rotation position angles: :func:`suited` takes out what would make the labels wrong, and says so.

References
----------
Dieleman, Willett & Dambre 2015, MNRAS 450, 1441.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.data import target as targets
from core.data.target import Quantities, Target
from core.errors import Problem
from core.train.settings import AugmentationSettings

_HANDED = re.compile(
    r"(?:^|[^a-z])(?:a?cw|ccw|(?:anti|counter)?[ _-]?clockwise|(?:left|right|[sz])[ _-]?(?:handed|wise))(?:$|[^a-z])",
    re.IGNORECASE,
)
_SIZES = re.compile(
    r"radi|size|diam|r_?e(?:ff)?$|^r_?e_|_re(?:_|$)|half_?light|hlr|fwhm|r_?[2-9]0|area|petro|scale_?length|flux|mag|"
    r"mass|lum",
    re.IGNORECASE,
)
_SIZE_UNITS = {"arcsec", "arcmin", "pix", "pixel", "px", "kpc", "pc", "mag", "jy", "mjy", "ujy", "njy", "nmgy"}
_ANGLES = re.compile(r"(?:^|_)(?:pa|theta|phi)(?:_|$)|position_?angle|orientation|^[eg]_?[12]$", re.IGNORECASE)
_PLACES = re.compile(r"^[xy](?:_|$|0|c|cen)|centroid|offset", re.IGNORECASE)
_PLACES_TO_BEGIN = 2**22
_NO_FLIPS = {"horizontal_flip": False, "vertical_flip": False}
_NO_ROTATION = {"rotation": 0.0}
_NO_ZOOM = {"zoom_min": 1.0, "zoom_max": 1.0}
_NO_SHIFT = {"width_shift": 0.0, "height_shift": 0.0}


@dataclass(frozen=True)
class NoisePool:
    """Normal random numbers drawn once; each batch takes a stretch of them from a random place on, with a random sign.

    Drawing a fresh number for every pixel would cost as much as the whole affine map.
    """

    values: Tensor

    @classmethod
    def drawn(cls, pixels: int, generator: torch.Generator, device: torch.device | str = "cpu") -> NoisePool:
        """A pool for batches of up to ``pixels`` numbers, with four million different places to begin at."""
        return cls(torch.randn(pixels + _PLACES_TO_BEGIN, generator=generator).to(device))

    def stretch(self, pixels: int, generator: torch.Generator) -> Tensor:
        """``pixels`` consecutive numbers."""
        start = int(torch.randint(len(self.values) - pixels + 1, (1,), generator=generator))
        return self.values[start : start + pixels]


def augmented(
    images: Tensor,
    settings: AugmentationSettings,
    generator: torch.Generator,
    pool: NoisePool | None = None,
    lost: Tensor | None = None,
) -> Tensor:
    """A new variation of each image.

    Parameters
    ----------
    images
        (n, C, H, W), already scaled for the network.
    settings
        How much is varied.
    generator
        A generator of the processor; all random numbers come from it, on whatever device the images are.
    pool
        Where the noise is taken from; without one it is drawn anew.
    lost
        (C,) standard deviation of the noise that interpolation takes away, see :func:`lost_noise`; None: none.

    Returns
    -------
    Tensor
        (n, C, H, W); the input is not changed.
    """
    moved = images
    still = settings.model_copy(update=_NO_ROTATION | _NO_ZOOM | _NO_SHIFT)
    interpolated = still != settings
    if interpolated or settings.horizontal_flip or settings.vertical_flip:
        moved = warped(images, affine_maps(len(images), images.shape[2:], settings, generator))
    width = torch.full((images.shape[1],), settings.noise, device=images.device)  # (C,)
    if interpolated and lost is not None:
        width = torch.sqrt(width**2 + lost**2)
    if not width.any():
        return moved
    if pool is None:
        noise = torch.randn(moved.shape, generator=generator).to(moved.device)
    else:
        noise = pool.stretch(moved.numel(), generator).view(moved.shape)
    sign = 1 if torch.rand(1, generator=generator) < 0.5 else -1
    weight = sign * width[:, None, None]
    return torch.addcmul(moved, noise, weight) if moved is images else moved.addcmul_(noise, weight)


def lost_noise(images: Tensor) -> Tensor:
    r"""Standard deviation (C,) of the noise that interpolation takes from the sky of images (n, C, H, W).

    Between two pixels of variance :math:`\sigma^2` and correlation :math:`\rho`, at a place spread evenly between them,
    the mean variance is :math:`\sigma^2 (2 + \rho) / 3`, and so along each axis. Variance and correlation are measured
    along the stamps' edges, where galaxies are rare; what is far off the sky is clipped.
    """
    lines = [
        torch.cat([images[:, :, 0], images[:, :, -1]]),  # (2 n, C, W) along x
        torch.cat([images[:, :, :, 0], images[:, :, :, -1]]),  # (2 n, C, H) along y
    ]
    lines = [line - line.median(dim=2, keepdim=True).values for line in lines]
    flat = torch.cat([line.transpose(0, 1).flatten(1) for line in lines], dim=1)  # (C, pixels)
    sigma = 1.4826 * flat.abs().median(dim=1).values  # (C,)
    kept = torch.ones_like(sigma)
    for line in lines:
        line = torch.minimum(torch.maximum(line, -3 * sigma[:, None]), 3 * sigma[:, None])
        square = (line**2).mean(dim=(0, 2)).clamp_min(torch.finfo(line.dtype).tiny)
        correlation = ((line[:, :, 1:] * line[:, :, :-1]).mean(dim=(0, 2)) / square).clamp(0, 1)
        kept = kept * (2 + correlation) / 3
    return sigma * torch.sqrt(1 - kept)


def affine_maps(count: int, shape: Iterable[int], settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Random maps (count, 2, 3) from output to input, in pixels (x, y) from the centre of the stamp."""
    height, width = shape
    uniform = torch.rand(count, 6, generator=generator, dtype=torch.float64)  # one row per galaxy
    angle = (2 * uniform[:, 0] - 1) * math.radians(settings.rotation)
    zoom = settings.zoom_min * (settings.zoom_max / settings.zoom_min) ** uniform[:, 1]  # even in its logarithm
    shift = (2 * uniform[:, 2:4] - 1) * torch.tensor([settings.width_shift * width, settings.height_shift * height])
    chance = torch.tensor([settings.horizontal_flip, settings.vertical_flip]) * 0.5
    flip = torch.where(uniform[:, 4:6] < chance, -1.0, 1.0).double()
    return matrices(angle, zoom, shift, flip)


def matrices(angle: Tensor, zoom: Tensor, shift: Tensor, flip: Tensor) -> Tensor:
    """Compose angles (n,) in radians, zooms (n,), shifts (n, 2) in pixels and flips (n, 2) of ±1 into (n, 2, 3)."""
    cosine, sine = torch.cos(angle), torch.sin(angle)
    rotation = torch.stack([torch.stack([cosine, sine], 1), torch.stack([-sine, cosine], 1)], 1)  # (n, 2, 2)
    linear = flip[:, :, None] * rotation / zoom[:, None, None]
    return torch.cat([linear, -linear @ shift[:, :, None]], dim=2)


def warped(images: Tensor, maps: Tensor) -> Tensor:
    """Images (n, C, H, W) through maps (n, 2, 3) as from :func:`affine_maps`."""
    height, width = images.shape[2:]
    half = torch.tensor([width / 2, height / 2], dtype=maps.dtype)
    linear = maps[:, :, :2] * half / half[:, None]  # torch counts from −1 to 1 along each axis
    theta = torch.cat([linear, maps[:, :, 2:] / half[:, None]], dim=2).to(images.device, images.dtype)
    x, y = ((torch.arange(side, device=theta.device) + 0.5) * (2 / side) - 1 for side in (width, height))
    grid = theta[:, :, :1, None] * x + (theta[:, :, 1:2, None] * y[:, None] + theta[:, :, 2:, None])  # (n, 2, H, W)
    return functional.grid_sample(images, grid.permute(0, 2, 3, 1), "bilinear", "reflection", align_corners=False)


def sixteen(stamp: NDArray[np.float32], settings: AugmentationSettings, seed: int) -> NDArray[np.float32]:
    """Sixteen variations (16, C, H, W) of one stamp (C, H, W), to look at.

    The noise is in units of each band's own standard deviation in this stamp, since there is no training set to
    scale by yet.
    """
    scale = stamp.std(axis=(1, 2), keepdims=True)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    scaled = torch.from_numpy(np.ascontiguousarray(stamp / scale))[None]  # (1, C, H, W)
    random = torch.Generator().manual_seed(seed)
    varied = augmented(scaled.expand(16, *stamp.shape), settings, random, lost=lost_noise(scaled))
    return varied.numpy() * scale


def handed(names: Iterable[str]) -> bool:
    """Whether classes tell clockwise from anticlockwise, so that a mirror image has another label."""
    return any(_HANDED.search(name) for name in names)


def suited(settings: AugmentationSettings, target: Target) -> tuple[AugmentationSettings, list[Problem]]:
    """The settings without what would make the labels wrong, and one sentence for each thing taken out."""
    found: list[Problem] = []
    names = targets.outputs(target)
    if handed(names):
        settings = _without(settings, _NO_FLIPS, "tell clockwise from anticlockwise", "flips swap them", names, found)
    if isinstance(target, Quantities):
        units = dict(zip(target.columns, target.units, strict=True))
        sizes = [name for name in names if _SIZES.search(name) or units[name].lower().split("/")[0] in _SIZE_UNITS]
        angles = [name for name in names if _ANGLES.search(name)]
        places = [name for name in names if _PLACES.search(name)]
        settings = _without(settings, _NO_ZOOM, "are sizes or brightnesses", "a zoom changes them", sizes, found)
        turned = _NO_ROTATION | _NO_FLIPS
        settings = _without(settings, turned, "are angles", "rotation and flips change them", angles, found)
        moved = turned | _NO_SHIFT | _NO_ZOOM
        settings = _without(settings, moved, "are positions", "everything but noise changes them", places, found)
    return settings, found


def _without(
    settings: AugmentationSettings,
    off: dict[str, Any],
    are: str,
    because: str,
    names: Iterable[str],
    found: list[Problem],
) -> AugmentationSettings:
    names = list(names)
    changed = settings.model_copy(update=off)
    if not names or changed == settings:
        return settings
    knobs = ", ".join(name.replace("_", " ") for name in off)
    found.append(
        Problem(
            f"The labels ({', '.join(names)}) {are}, and {because}: the augmentation leaves out {knobs}.",
            "Switch it off in the settings to make this sentence go away.",
            "augmentation",
        )
    )
    return changed

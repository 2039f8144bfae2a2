r"""Rotation, shear, zoom, flips and shift in one interpolation.

Rotation by :math:`\varphi`, shear by :math:`s`, zoom by :math:`z`, flips :math:`f_x, f_y = \pm 1` and shift :math:`t`
become *one* affine map per galaxy. With :math:`c` the centre of the stamp, the output pixel at :math:`p = (x, y)` takes
the value at

.. math::

    c + \operatorname{diag}(f_x, f_y)\, R(\varphi)\, S(s)\, (p - c - t) / z , \quad
    S(s) = \begin{pmatrix} \cos s & 0 \\ -\sin s & 1 \end{pmatrix} .

Rotation and shear are those of Keras; its zoom is :math:`1/z`, and its shift comes after the rotation.

Interpolation is bilinear. Beyond its edge the stamp is by default mirrored: around a galaxy in the centre that gives
sky with the right noise and no seam, whereas a constant would leave smooth corners that reveal the angle. The fill
modes are those of Keras and of :func:`scipy.ndimage.affine_transform` under the names ``reflect``, ``nearest``,
``grid-constant`` (with the sky level as the constant) and ``grid-wrap``.

References
----------
Dieleman, Willett & Dambre 2015, MNRAS 450, 1441.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.train.augmentation.settings import AugmentationSettings, FillMode
from core.train.augmentation.sky import sky_level

_WITHOUT_INTERPOLATION = {
    "rotation": 0.0,
    "shear": 0.0,
    "zoom_min": 1.0,
    "zoom_max": 1.0,
    "width_shift": 0.0,
    "height_shift": 0.0,
}


def interpolates(settings: AugmentationSettings) -> bool:
    """Whether the images have to be interpolated; flips alone only reorder pixels."""
    return settings.differs_from(_WITHOUT_INTERPOLATION)


def transform(images: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Rotate, shear, zoom, flip and shift images (n, C, H, W), as far as the settings ask for it."""
    if not (interpolates(settings) or settings.horizontal_flip or settings.vertical_flip):
        return images
    height, width = images.shape[2:]
    return warp(images, draw_affine_maps(len(images), (height, width), settings, generator), settings.fill_mode)


def draw_affine_maps(
    count: int, shape: tuple[int, int], settings: AugmentationSettings, generator: torch.Generator
) -> NDArray[np.float64]:
    """Draw random maps (count, 2, 3) from output to input, in pixels (x, y) from the centre of the stamp."""
    height, width = shape
    uniform = torch.rand(count, 6, generator=generator, dtype=torch.float64).numpy()  # one row per galaxy
    angle = (2 * uniform[:, 0] - 1) * math.radians(settings.rotation)
    zoom = settings.zoom_min * (settings.zoom_max / settings.zoom_min) ** uniform[:, 1]  # uniform in its logarithm
    shift = (2 * uniform[:, 2:4] - 1) * (settings.width_shift * width, settings.height_shift * height)
    chance = (0.5 * settings.horizontal_flip, 0.5 * settings.vertical_flip)
    flip = np.where(uniform[:, 4:6] < chance, -1.0, 1.0)
    if not settings.shear:
        return compose_maps(angle, zoom, shift, flip)
    slant = torch.rand(count, generator=generator, dtype=torch.float64).numpy()
    return compose_maps(angle, zoom, shift, flip, (2 * slant - 1) * math.radians(settings.shear))


def compose_maps(
    angle: NDArray[np.float64],
    zoom: NDArray[np.float64],
    shift: NDArray[np.float64],
    flip: NDArray[np.float64],
    shear: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Compose angles, shears (n,) in radians, zooms (n,), shifts in pixels and flips (n, 2) into maps (n, 2, 3).

    In numpy, whose small operations take a quarter of the time of torch's: after each step of a training the cores have
    forgotten both.
    """
    slanted = angle + shear  # the rotation of the x axis; R S has its cosine and sine in the first column
    maps = np.empty((len(angle), 2, 3))
    maps[:, 0, 0], maps[:, 0, 1] = np.cos(slanted), np.sin(angle)
    maps[:, 1, 0], maps[:, 1, 1] = -np.sin(slanted), np.cos(angle)
    maps[:, :, :2] *= (flip / zoom[:, None])[:, :, None]
    maps[:, :, 2] = -(maps[:, :, 0] * shift[:, :1] + maps[:, :, 1] * shift[:, 1:])
    return maps


def draw_linear_maps(count: int, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """The maps (count, 2, 2) without shifts that :func:`transform` applies when given the same ``generator``."""
    return torch.from_numpy(draw_affine_maps(count, (1, 1), settings, generator)[:, :, :2])


def are_mirrored(maps: Tensor) -> Tensor:
    """Which of the maps (n, 2, 2) mirror, bool (n,)."""
    return torch.linalg.det(maps) < 0


def warp(images: Tensor, maps: NDArray[np.float64], fill: FillMode = "reflect") -> Tensor:
    """Apply maps (n, 2, 3), as from :func:`draw_affine_maps`, to images (n, C, H, W)."""
    height, width = images.shape[2:]
    relative = maps * (width / 2, height / 2, 1.0) / ((width / 2,), (height / 2,))  # torch counts from −1 to 1
    theta = torch.from_numpy(relative).to(images.device, images.dtype)
    x, y = (torch.linspace(1 / side - 1, 1 - 1 / side, side).to(theta) for side in (width, height))
    grid = theta[:, :, :1, None] * x + (theta[:, :, 1:2, None] * y[:, None] + theta[:, :, 2:, None])  # (n, 2, H, W)
    match fill:
        case "reflect":
            return _interpolate(images, grid, "reflection")
        case "nearest":
            return _interpolate(images, grid, "border")
        case "constant":
            sky = sky_level(images)
            return _interpolate(images - sky, grid, "zeros") + sky
        case "wrap":
            return _interpolate_wrapped(images, grid)


def _interpolate(images: Tensor, grid: Tensor, beyond: str) -> Tensor:
    return functional.grid_sample(images, grid.permute(0, 2, 3, 1), "bilinear", beyond, align_corners=False)


def _interpolate_wrapped(images: Tensor, grid: Tensor) -> Tensor:
    """Interpolate with periodic boundaries: positions are taken modulo the image's side."""
    sides = torch.tensor([images.shape[3], images.shape[2]], device=grid.device, dtype=grid.dtype)[:, None, None]
    pixel = ((grid + 1) * sides - 1) / 2  # from the centre of the first pixel
    pixel = pixel - sides * torch.floor(pixel / sides)
    larger = functional.pad(images, (0, 1, 0, 1), mode="circular")
    return _interpolate(larger, (2 * pixel + 1) / (sides + 1) - 1, "border")

r"""The augmentation of a batch, step by step.

1. Geometry: one affine map per galaxy.
2. In physical pixels, what belongs to the sky and the telescope: brightness, a larger distance, neighbours, worse
   seeing, a sky gradient, more noise, cosmic rays, dead pixels, missing bands.
3. The input scaling, unless the images were scaled when they were read.
4. The noise at the network's input.

The sky noise that interpolation and optics remove is restored, since a network trained on smoothed skies does not work
on real ones: interpolation alone removes about half of the variance. With the sky noise :math:`\sigma`, of which
interpolation removed :math:`\ell`, optics that keep the fraction :math:`K` of the variance, and a factor :math:`f` by
which the noise is to grow, the standard deviation of what is added is

.. math:: \sqrt{\sigma^2 f^2 - K (\sigma^2 - \ell^2)} .

All random numbers come from the generator, in this order; steps that are switched off draw none.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.nets.normalisation import Normalisation
from core.train.augmentation import artefacts, geometry, neighbours, optics, sky
from core.train.augmentation.noise import NoisePool, add_noise, lost_noise
from core.train.augmentation.settings import AugmentationSettings
from core.train.augmentation.sky import Sky

_WITHOUT_PHYSICAL = {
    "psf_blur": 0.0,
    "sky_noise": 1.0,
    "distance": 1.0,
    "neighbours": 0.0,
    "brightness_min": 1.0,
    "brightness_max": 1.0,
    "signal_to_noise": 0.0,
    "gradient": 0.0,
    "cosmic_rays": 0.0,
    "dead_pixels": 0.0,
    "band_drop": 0.0,
}


def is_physical(settings: AugmentationSettings) -> bool:
    """Whether any of it acts on physical pixels, so that the images must not be scaled before."""
    return settings.differs_from(_WITHOUT_PHYSICAL)


def augment(
    images: Tensor,
    settings: AugmentationSettings,
    generator: torch.Generator,
    pool: NoisePool | None = None,
    lost: Tensor | None = None,
    scaling: Normalisation | None = None,
    others: Tensor | None = None,
) -> Tensor:
    """Draw a new variation of each image.

    Parameters
    ----------
    images
        (n, C, H, W), in physical units if there is a ``scaling``.
    settings
        How much is varied.
    generator
        A CPU generator; all random numbers come from it, on whatever device the images are.
    pool
        Where the noise is taken from; without one it is drawn anew.
    lost
        (C,) standard deviation of the noise that interpolation removes, in the unit of ``images``, see
        :func:`~core.train.augmentation.noise.lost_noise`; None: none.
    scaling
        The input scaling, applied to the augmented images; None: they are scaled already.
    others
        (m, C, H, W), galaxies that neighbours are taken from; None: the batch itself.

    Returns
    -------
    Tensor
        (n, C, H, W); the input is not changed.
    """
    varied = geometry.transform(images, settings, generator)
    lost = lost if geometry.interpolates(settings) else None
    if is_physical(settings):
        varied = _apply_physical(varied, Sky.measure(images), settings, generator, pool, lost, others)
        lost = None
    if scaling is not None:
        if lost is not None and lost.any():
            varied = add_noise(varied, lost[:, None, None], generator, pool, in_place=True)
            lost = None
        varied = scaling.scale_fast(varied)
    if not settings.noise and (lost is None or not lost.any()):
        return varied
    width = torch.full((images.shape[1],), settings.noise, device=images.device)  # (C,)
    if lost is not None:
        width = torch.hypot(width, lost)
    return add_noise(varied, width[:, None, None], generator, pool, in_place=varied is not images)


def _apply_physical(
    images: Tensor,
    background: Sky,
    settings: AugmentationSettings,
    generator: torch.Generator,
    pool: NoisePool | None,
    lost: Tensor | None,
    others: Tensor | None,
) -> Tensor:
    """Apply what acts on physical images (n, C, H, W) before they are scaled."""
    growth = sky.draw_noise_factor(images, background, settings, generator)
    left = None if lost is None else 1 - (lost[:, None, None] / background.noise).square().clamp(max=1)
    images, background = sky.brighten(images, background, settings, generator)
    beside = neighbours.draw_light(images, background, settings, generator, others)
    drawn = optics.draw_optics(images, settings, generator)
    images = drawn.apply(images, background, beside)
    images = sky.tilt(images, background, settings, generator)
    width = _missing_noise(background, growth, drawn.kept_variance, left)
    if width is not None:
        images = add_noise(images, width, generator, pool)
    return artefacts.add_artefacts(images, background, settings, generator)


def _missing_noise(background: Sky, growth: Tensor | None, kept: Tensor | None, left: Tensor | None) -> Tensor | None:
    """Standard deviation of the noise to add, broadcasting to (n, C, H, W); None: none.

    ``kept`` and ``left`` are the fractions of the sky's variance that optics and interpolation have left.
    """
    if growth is None and kept is None and left is None:
        return None
    whole = torch.ones_like(background.noise)
    wanted = whole if growth is None else growth.square()
    kept = (whole if kept is None else kept) * (whole if left is None else left)
    return background.noise * (wanted - kept).clamp_min(0).sqrt()


def sixteen_network_inputs(
    stamp: NDArray[np.float32],
    settings: AugmentationSettings,
    seed: int,
    scaling: Normalisation,
    others: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Draw sixteen variations (16, C, H, W) of one stamp (C, H, W) in physical units, after the input scaling."""
    images = torch.from_numpy(np.ascontiguousarray(stamp))[None]
    beside = None if others is None else torch.from_numpy(np.ascontiguousarray(others))
    random = torch.Generator().manual_seed(seed)
    lost = lost_noise(images)
    return augment(images.expand(16, *stamp.shape), settings, random, None, lost, scaling, beside).numpy()


def sixteen_variations(
    stamp: NDArray[np.float32],
    settings: AugmentationSettings,
    seed: int,
    others: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Draw sixteen variations (16, C, H, W) of one stamp (C, H, W), for display.

    The noise at the network's input is in units of each band's standard deviation in this stamp, since no input scaling
    has been fitted yet. Neighbours come from ``others`` (m, C, H, W), or are the galaxy itself.
    """
    scale = stamp.std(axis=(1, 2), keepdims=True)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    scaled = torch.from_numpy(np.ascontiguousarray(stamp / scale))[None]  # (1, C, H, W)
    beside = None if others is None else torch.from_numpy(np.ascontiguousarray(others / scale))
    random = torch.Generator().manual_seed(seed)
    varied = augment(scaled.expand(16, *stamp.shape), settings, random, lost=lost_noise(scaled), others=beside)
    return varied.numpy() * scale

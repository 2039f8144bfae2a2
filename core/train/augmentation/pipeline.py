r"""The order in which a batch of galaxies is varied.

1. Geometry: one affine map per galaxy.
2. In physical pixels, what belongs to the sky and the telescope: brightness, a larger distance, neighbours, worse
   seeing, a tilted sky, more noise, cosmic rays, dead pixels, missing bands.
3. The input scaling, unless the images were scaled when they were read.
4. The noise at the network's input.

What interpolation and optics take away of the sky's noise is given back, since a network that learned on smoothed skies
is lost on real ones: interpolation alone costs about half of the variance. With the sky's noise :math:`\sigma`, of
which interpolation took :math:`\ell`, optics that keep the share :math:`K` of a variance, and a wanted growth
:math:`f`, the standard deviation of what is added is

.. math:: \sqrt{\sigma^2 f^2 - K (\sigma^2 - \ell^2)} .

All random numbers come from the generator, in this order, and what is not asked for draws none.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.nets.normalisation import Normalisation
from core.train.augmentation import artefacts, geometry, neighbours, optics, sky
from core.train.augmentation.noise import NoisePool, lost_noise, noisy
from core.train.augmentation.settings import AugmentationSettings
from core.train.augmentation.sky import Sky

_PHYSICAL_OFF = {
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
    """Whether something of it acts on physical pixels, so that the images must not be scaled before."""
    return settings.model_copy(update=_PHYSICAL_OFF) != settings


def augmented(
    images: Tensor,
    settings: AugmentationSettings,
    generator: torch.Generator,
    pool: NoisePool | None = None,
    lost: Tensor | None = None,
    scaling: Normalisation | None = None,
    others: Tensor | None = None,
) -> Tensor:
    """A new variation of each image.

    Parameters
    ----------
    images
        (n, C, H, W), in physical units if there is a ``scaling``.
    settings
        How much is varied.
    generator
        A generator of the processor; all random numbers come from it, on whatever device the images are.
    pool
        Where the noise is taken from; without one it is drawn anew.
    lost
        (C,) standard deviation of the noise that interpolation takes away, in the unit of ``images``, see
        :func:`~core.train.augmentation.noise.lost_noise`; None: none.
    scaling
        Scales the varied images for the network; None: they are scaled already.
    others
        (m, C, H, W), galaxies that neighbours are taken from; None: the batch itself.

    Returns
    -------
    Tensor
        (n, C, H, W); the input is not changed.
    """
    varied = geometry.moved(images, settings, generator)
    lost = lost if geometry.interpolates(settings) else None
    if is_physical(settings):
        varied = _through_the_sky(varied, Sky.of(images), settings, generator, pool, lost, others)
        lost = None
    if scaling is not None:
        if lost is not None and lost.any():
            varied = noisy(varied, lost[:, None, None], generator, pool, own=True)
            lost = None
        varied = scaling.scale_fast(varied)
    width = torch.full((images.shape[1],), settings.noise, device=images.device)  # (C,)
    if lost is not None:
        width = torch.sqrt(width**2 + lost**2)
    if not width.any():
        return varied
    return noisy(varied, width[:, None, None], generator, pool, own=varied is not images)


def _through_the_sky(
    images: Tensor,
    background: Sky,
    settings: AugmentationSettings,
    generator: torch.Generator,
    pool: NoisePool | None,
    lost: Tensor | None,
    others: Tensor | None,
) -> Tensor:
    """What happens to physical images (n, C, H, W) before they are scaled."""
    growth = sky.noise_factor(images, background, settings, generator)
    left = None if lost is None else 1 - (lost[:, None, None] / background.noise).square().clamp(max=1)
    images, background = sky.brightened(images, background, settings, generator)
    beside = neighbours.light(images, background, settings, generator, others)
    seen = optics.drawn(images, settings, generator)
    images = seen.seen(images, background, beside)
    images = sky.tilted(images, background, settings, generator)
    width = _missing_noise(background, growth, seen.kept, left)
    if width is not None:
        images = noisy(images, width, generator, pool)
    return artefacts.with_artefacts(images, background, settings, generator)


def _missing_noise(background: Sky, growth: Tensor | None, kept: Tensor | None, left: Tensor | None) -> Tensor | None:
    """Standard deviation of the noise to add, of a shape that fits (n, C, H, W); None: none.

    ``kept`` and ``left`` are the shares of the sky's variance that optics and interpolation have left.
    """
    if growth is None and kept is None and left is None:
        return None
    whole = torch.ones_like(background.noise)
    wanted = whole if growth is None else growth.square()
    kept = (whole if kept is None else kept) * (whole if left is None else left)
    return background.noise * (wanted - kept).clamp_min(0).sqrt()


def sixteen_as_seen(
    stamp: NDArray[np.float32],
    settings: AugmentationSettings,
    seed: int,
    scaling: Normalisation,
    others: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Sixteen variations (16, C, H, W) of one stamp (C, H, W) in physical units, as the network is shown them."""
    images = torch.from_numpy(np.ascontiguousarray(stamp))[None]
    beside = None if others is None else torch.from_numpy(np.ascontiguousarray(others))
    random = torch.Generator().manual_seed(seed)
    lost = lost_noise(images)
    return augmented(images.expand(16, *stamp.shape), settings, random, None, lost, scaling, beside).numpy()


def sixteen(
    stamp: NDArray[np.float32],
    settings: AugmentationSettings,
    seed: int,
    others: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Sixteen variations (16, C, H, W) of one stamp (C, H, W), to look at.

    The noise at the network's input is in units of each band's own standard deviation in this stamp, since there is no
    training set to scale by yet. Neighbours come from ``others`` (m, C, H, W), or are the galaxy itself.
    """
    scale = stamp.std(axis=(1, 2), keepdims=True)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    scaled = torch.from_numpy(np.ascontiguousarray(stamp / scale))[None]  # (1, C, H, W)
    beside = None if others is None else torch.from_numpy(np.ascontiguousarray(others / scale))
    random = torch.Generator().manual_seed(seed)
    varied = augmented(scaled.expand(16, *stamp.shape), settings, random, lost=lost_noise(scaled), others=beside)
    return varied.numpy() * scale

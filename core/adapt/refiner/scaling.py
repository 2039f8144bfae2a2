r"""One scale for both surveys: pixels in units of the target's noise, compressed by asinh, and exactly back.

With the flux factor :math:`f` between the units of both (by their zero points), the level :math:`b` of the sky and the
noise :math:`\sigma` of the target,

.. math:: u = (f x - b) / \sigma, \quad s = \operatorname{asinh} u.

The refiner adds :math:`r` to :math:`s`. In physical units that is

.. math:: x' = x + \frac{\sigma}{f} \left( u (\cosh r - 1) + \sqrt{1 + u^2} \sinh r \right),

which is *x* to the last bit where :math:`r = 0`.

References
----------
Lupton, Gunn & Szalay 1999, AJ 118, 1406 (asinh).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.nets.normalisation import border_pixels


@dataclass(frozen=True)
class Scaling:
    """The scale of one dataset, for each of its bands.

    Attributes
    ----------
    factor
        What its pixels are multiplied by to be in the target's unit.
    sky
        Level of its sky, in the target's unit.
    noise
        Standard deviation of the *target's* sky, in its unit.
    """

    factor: tuple[float, ...]
    sky: tuple[float, ...]
    noise: tuple[float, ...]

    def in_noise(self, images: Tensor) -> Tensor:
        """Physical stamps (n, C, H, W) in units of the target's noise above the sky."""
        factor, sky, noise = self._per_band(images)
        return (images * factor - sky) / noise

    def in_unit(self, change: Tensor) -> Tensor:
        """A change of stamps (n, C, H, W) in units of the target's noise, in the unit of this dataset."""
        factor, _, noise = self._per_band(change)
        return change * (noise / factor)

    def _per_band(self, like: Tensor) -> list[Tensor]:
        return [like.new_tensor(values)[:, None, None] for values in (self.factor, self.sky, self.noise)]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The scaling from :meth:`to_dict`."""
        return cls(**{name: tuple(float(value) for value in values[name]) for name in ("factor", "sky", "noise")})


def change_in_noise(in_noise: Tensor, residual: Tensor) -> Tensor:
    """The change of stamps in units of the noise by a residual of the scaled ones; exactly 0 where that is."""
    half = torch.sinh(residual / 2)
    return in_noise * (2 * half * half) + torch.sqrt(1 + in_noise * in_noise) * torch.sinh(residual)


def measure_sky(images: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Level and noise (C,) of the sky at the borders of stamps (n, C, H, W); neighbours there are clipped."""
    from astropy.stats import mad_std

    pixels = border_pixels(images).astype(np.float64)  # (n, C, P)
    level = np.nanmedian(pixels, axis=2)
    noise = np.asarray(mad_std(pixels - level[:, :, None], axis=2, ignore_nan=True))
    return np.nanmedian(level, axis=0), np.nanmedian(noise, axis=0)

"""Which grid of frequencies a source needs, so that no copy of it shows on the stamp.

Sampled frequencies repeat the image with the period of the grid. What is allowed of the nearest copies is a fraction of
the peak of the stamp; how bright they are follows from the surface brightness of the profile, and of the wings of the
PSF, at their distance. Wings that are smooth ask for more levels (:mod:`core.simulate.frequencies`). A long, thin
profile still has high frequencies far out along its major axis; it asks for a longer period. So does one that is far
from the centre of the stamp.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, gammaln

from core.errors import NotPossible
from core.simulate.frequencies import CENTRE, FINER, WIDTH
from core.simulate.profiles import Profiles
from core.simulate.psf import Psf
from core.simulate.sersic import radius_of_light, sersic_b

_PERIODS = np.array([1.0, 1.125, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 12.0])  # in stamp sides
_ROOM = 0.48  # stamp sides between a pixel and the nearest copy, at least
_LEAST_SIDE = 64  # pixels; the copies of smaller stamps are as far away, for the rings of a PSF
_MOST_LEVELS = 9
_FOLDED = 2e-4  # of the least peak may fold back, estimated: 7e-5 of the true peak is what is seen
_FRACTIONS = (0.02, 0.1, 0.5)  # of the light, in whose ellipses the mean is taken for the peak

Values = NDArray[np.float64]


def room_of(size: int) -> float:
    """Pixels between a pixel of a stamp and the nearest copy, at least."""
    return _ROOM * max(size, _LEAST_SIDE)


def periods_of(size: int) -> Values:
    """The periods among which a source of a stamp has its own, in pixels."""
    return size / 2 + (_PERIODS - 0.5) * max(size, _LEAST_SIDE)


def choose_grids(
    profiles: Profiles, first: NDArray[np.int64], psf: Psf, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of the period and the number of levels for each source: what the most demanding profile of it needs.

    Parameters
    ----------
    profiles
        (m,), those of a source in neighbouring rows.
    first
        (n,) the first row of each source.
    psf, size
        Of the stamps.

    Raises
    ------
    NotPossible
        A profile is too far away.
    """
    extent = _Extent.of(profiles, psf, size)
    count = np.diff(np.append(first, len(profiles)))
    period = np.maximum.reduceat(_choose_periods(extent, size), first)
    levels = _choose_levels(extent, psf, np.repeat(periods_of(size)[period], count), size)
    return period, np.maximum.reduceat(levels, first)


@dataclass(frozen=True, eq=False)
class _Extent:
    """How far the light of profiles reaches, (m,) each.

    Attributes
    ----------
    offset
        Of the centre from the centre of the stamp, along the farther axis.
    radius, index, b, axis_ratio
        Of the profile; the radius of a point source is tiny.
    centre
        Logarithm of the central surface brightness of unit flux.
    allowed
        The surface brightness of unit flux that may fold back.
    blur
        Variance of the PSF along an axis.
    """

    offset: Values
    radius: Values
    index: Values
    b: Values
    axis_ratio: Values
    centre: Values
    allowed: Values
    blur: float

    @classmethod
    def of(cls, profiles: Profiles, psf: Psf, size: int) -> _Extent:
        indices, row = np.unique(profiles.index, return_inverse=True)
        b = sersic_b(indices)
        scale = 2 * indices * np.log(b) - gammaln(2 * indices) - np.log(2 * math.pi * indices)
        radius = np.maximum(profiles.radius, 1e-3)
        offset = np.maximum(np.abs(profiles.x), np.abs(profiles.y))
        radii = [radius_of_light(share, 1.0, indices)[row] for share in _FRACTIONS]
        return cls(
            offset=offset,
            radius=radius,
            index=profiles.index,
            b=b[row],
            axis_ratio=profiles.axis_ratio,
            centre=scale[row] - np.log(profiles.axis_ratio * radius**2),
            allowed=_FOLDED * _peak(profiles, offset <= size / 2, radii, psf),
            blur=psf.area / (4 * math.pi),
        )

    def light(self, distance: Values) -> tuple[Values, Values]:
        """The surface brightness on the major axis at this distance, and minus its logarithmic slope."""
        slope = self.b * (np.maximum(distance, 1.0) / self.radius) ** (1 / self.index)
        return np.exp(self.centre - slope), slope / self.index


def _peak(profiles: Profiles, is_inside: NDArray[np.bool_], radii: list[Values], psf: Psf) -> Values:
    """The least that the peak of its stamp may be, for unit flux of each profile.

    The mean surface brightness within an ellipse widened by the PSF is less than the peak; of several profiles the
    brightest that is centred on the stamp counts.
    """
    blur = math.sqrt(psf.area / math.pi)
    means = [
        share / ((radius * profiles.radius + blur) * (radius * profiles.radius * profiles.axis_ratio + blur))
        for share, radius in zip(_FRACTIONS, radii, strict=True)
    ]
    own = np.max(means, axis=0) / math.pi
    flux = np.abs(profiles.flux)
    brightest = np.zeros(int(profiles.stamp.max()) + 1)
    np.maximum.at(brightest, profiles.stamp[is_inside], (flux * own)[is_inside])
    peak = brightest[profiles.stamp]
    return np.divide(peak, flux, out=own, where=(flux > 0) & (peak > 0))


def _choose_periods(extent: _Extent, size: int) -> NDArray[np.int64]:
    """The number of the shortest period that does for each profile."""
    periods, room = periods_of(size), room_of(size)
    which = np.searchsorted(periods - size / 2 - room, extent.offset)
    if (which == len(periods)).any():
        raise NotPossible(
            f"A profile lies {extent.offset.max():,.0f} pixels from the centre of a stamp of {size} pixels.",
            "Leave out what is so far away, or make the stamps larger.",
        )
    width = WIDTH / room
    for number, period in enumerate(periods[:-1]):
        distance = np.maximum(period - size / 2 - extent.offset, 1.0)
        light, slope = extent.light(distance)
        # Across its major axis at this distance it is a Gaussian, from the curvature of the ellipse.
        across = (extent.axis_ratio * distance) ** 2 / slope + extent.blur
        share = erfc(CENTRE * width / np.sqrt(2 / across + width**2))  # of its light above the window
        which[(share * light > extent.allowed) & (which == number)] = number + 1
    return which


def _choose_levels(extent: _Extent, psf: Psf, period: Values, size: int) -> NDArray[np.int64]:
    """How many levels each profile needs, so that none of its smooth light folds back."""
    levels = np.ones(len(period), np.int64)
    for level in range(_MOST_LEVELS - 1):
        distance = period * FINER**level - size / 2 - extent.offset
        light = extent.light(distance)[0] + psf.wing(distance)
        levels[(4 * light > extent.allowed) & (levels == level + 1)] = level + 2  # four neighbours
    return levels

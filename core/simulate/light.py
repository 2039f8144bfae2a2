"""How much light of a bulge and a disk lies within an ellipse, and within which ellipse lies half of it.

The half-light radius of a whole galaxy is the semi-major axis of the ellipse that holds half of its light. Bulge and
disk have the same centre and position angle, but not the same flattening; the ellipse has the mean axis ratio of both,
weighted by their light. A component of the axis ratio p has, within an ellipse of the axis ratio q and the semi-major
axis a, the mean over all angles ψ of its light within a / √(cos²ψ + (p/q)² sin²ψ) along its own major axis: the ellipse
is described in the coordinates in which the component is round. Where both axis ratios agree this is the usual growth
curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincinv, gammaln

Values = NDArray[np.float64]

_ANGLES = 12  # midpoints of a quarter of the circle
_ITERATIONS = 30
_TOLERANCE = 1e-4  # of the logarithm of a radius: after a step of Newton's that is shorter, 1e-8 is left
_INDICES = np.geomspace(0.2, 20, 256)  # of single profiles whose concentration is compared


@dataclass(frozen=True)
class Component:
    """Sérsic profiles of many galaxies; arrays (n,).

    Attributes
    ----------
    share
        Of the galaxy's light.
    radius
        Half-light radius along the major axis.
    index
        Sérsic index.
    axis_ratio
        Minor over major axis.
    """

    share: Values
    radius: Values
    index: Values
    axis_ratio: Values


def mean_axis_ratio(components: tuple[Component, ...]) -> Values:
    """The mean axis ratio (n,), weighted by light."""
    return np.sum([part.share * part.axis_ratio for part in components], axis=0)


def radius_of(fraction: float, components: tuple[Component, ...]) -> Values:
    """The semi-major axis (n,) of the ellipse of the mean axis ratio that holds this fraction of the light."""
    parts = [_Prepared.of(part, mean_axis_ratio(components)) for part in components]
    edges = np.stack([part.log_radius(fraction) for part in parts])
    low, high = edges.min(axis=0) - 3.5, edges.max(axis=0) + 3.5  # axis ratios differ by less than a factor of 33
    at = np.sum([part.share * edge for part, edge in zip(components, edges, strict=True)], axis=0)
    waiting = np.arange(len(at))
    for _ in range(_ITERATIONS):
        within, slope = np.zeros(len(waiting)), np.zeros(len(waiting))
        for part in parts:
            light, change = part.within(at[waiting], waiting)
            within += light
            slope += change
        off = within - fraction
        low[waiting] = np.where(off < 0, at[waiting], low[waiting])
        high[waiting] = np.where(off > 0, at[waiting], high[waiting])
        step = at[waiting] - off / np.maximum(slope, 1e-12)
        inside = (step > low[waiting]) & (step < high[waiting])
        new = np.where(inside, step, (low[waiting] + high[waiting]) / 2)
        is_open = ~inside | (np.abs(new - at[waiting]) > _TOLERANCE)
        at[waiting] = new
        waiting = waiting[is_open]
        if not len(waiting):
            break
    return np.exp(at)


def equivalent_index(components: tuple[Component, ...]) -> Values:
    """The index (n,) of the single Sérsic profile with the same concentration, r(80 %) / r(20 %) of the light."""
    concentration = np.log(radius_of(0.8, components) / radius_of(0.2, components))
    single = _INDICES * np.log(gammaincinv(2 * _INDICES, 0.8) / gammaincinv(2 * _INDICES, 0.2))
    return np.interp(concentration, single, _INDICES)


@dataclass(frozen=True)
class _Prepared:
    """A component with what does not change from one radius to the next."""

    share: Values
    index: Values
    log_scale: Values  # ln of the radius at which b (r/Re)^(1/n) is 1
    log_stretch: Values  # (n, angles), ln of 1 / √(cos²ψ + (p/q)² sin²ψ)
    log_gamma: Values

    @classmethod
    def of(cls, part: Component, axis_ratio: Values) -> _Prepared:
        angle = (np.arange(_ANGLES) + 0.5) * np.pi / (2 * _ANGLES)
        ratio = part.axis_ratio / axis_ratio
        stretch = -0.5 * np.log(np.cos(angle) ** 2 + (ratio[:, None] * np.sin(angle)) ** 2)
        scale = np.log(part.radius) - part.index * np.log(gammaincinv(2 * part.index, 0.5))
        return cls(part.share, part.index, scale, stretch, gammaln(2 * part.index))

    def log_radius(self, fraction: float) -> Values:
        """Of the component alone, along its own major axis."""
        return self.log_scale + self.index * np.log(gammaincinv(2 * self.index, fraction))

    def within(self, log_radius: Values, rows: NDArray[np.int64]) -> tuple[Values, Values]:
        """The light within the ellipse, and its change with the logarithm of the radius, of the given rows."""
        index, share = self.index[rows, None], self.share[rows]
        log_u = (log_radius[:, None] + self.log_stretch[rows] - self.log_scale[rows, None]) / index
        u = np.exp(log_u)
        light = 1 - (1 + u) * np.exp(-u) if np.all(index == 1) else gammainc(2 * index, u)
        change = np.exp(2 * index * log_u - u - self.log_gamma[rows, None]) / index
        return share * light.mean(axis=1), share * change.mean(axis=1)

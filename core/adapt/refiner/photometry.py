r"""What may not change: flux, half-light radius, axis ratio and position angle of a galaxy, measured before and after.

An ellipse is fitted to the simulated galaxy by its adaptive moments, those under the elliptical Gaussian that fits it
best. Flux is what an aperture of four standard deviations of that ellipse holds above the sky, before and after alike;
the half-light radius is the semi-major axis that holds half of it. Axis ratio and position angle are those of the
adaptive moments of the refined galaxy against those of the simulated one. So the same pixels are compared, and the
noise that both stamps share does not count.

Noise that a refiner adds, as it must where a simulation has too little, changes a measured flux and is no fault: what
the change of the blank sky explains is measured, in blocks of 8 × 8 pixels since it may be correlated.

References
----------
Bernstein & Jarvis 2002, AJ 123, 583; Hirata & Seljak 2003, MNRAS 343, 459 (adaptive moments).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

APERTURE = 4.0  # standard deviations of the ellipse
_FIRST = 3.0  # standard deviation at which the search for the ellipse begins [pixels]
_SMALLEST, _LARGEST = 0.5, 0.25  # standard deviation: [pixels], and as a share of the side of the stamp
_FURTHEST = 0.125  # of the side: a centre further from that of the stamp is not the galaxy's
_STEPS, _CONVERGED = 60, 1e-4  # the last change of the moments, relative
_FAINTEST = 5.0  # times its noise: a flux from which there is a galaxy
_MAD = 1.4826  # from the median absolute deviation of a Gaussian to its standard deviation
_BLOCK, _FEWEST_BLOCKS = 8, 8  # pixels along a side of a block
ROUND = 0.85  # axis ratio from which a position angle means nothing


@dataclass(frozen=True, eq=False)
class Ellipses:
    """Ellipses of n galaxies; each a tensor (n,).

    Attributes
    ----------
    x, y
        Centre, from that of the stamp [pixels].
    xx, yy, xy
        Second moments [pixels²].
    """

    x: Tensor
    y: Tensor
    xx: Tensor
    yy: Tensor
    xy: Tensor

    @property
    def major(self) -> Tensor:
        """Standard deviation along the major axis [pixels]."""
        return torch.sqrt((self.xx + self.yy) / 2 + self._difference)

    @property
    def axis_ratio(self) -> Tensor:
        """Minor over major axis."""
        minor = ((self.xx + self.yy) / 2 - self._difference).clamp_min(1e-6)
        return torch.sqrt(minor) / self.major

    @property
    def angle(self) -> Tensor:
        """Of the major axis, from that of x to that of y [deg]."""
        return torch.rad2deg(0.5 * torch.atan2(2 * self.xy, self.xx - self.yy))

    @property
    def _difference(self) -> Tensor:
        return torch.hypot((self.xx - self.yy) / 2, self.xy)

    def at(self, rows: Tensor) -> Self:
        """Those of some rows."""
        return type(self)(*(getattr(self, each.name)[rows] for each in fields(self)))

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Of several blocks of galaxies, one after the other."""
        return cls(*(torch.cat([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    def distance(self, height: int, width: int) -> Tensor:
        """Squared distance (n, H, W) of each pixel from the centre, in standard deviations of the ellipse."""
        dy, dx = self.offsets(height, width)
        det = self.xx * self.yy - self.xy**2
        a, b, c = (value[:, None, None] / det[:, None, None] for value in (self.yy, self.xy, self.xx))
        return a * dx[:, None] ** 2 - 2 * b * dx[:, None] * dy[:, :, None] + c * dy[:, :, None] ** 2

    def offsets(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Rows (n, H) and columns (n, W) from the centre [pixels]."""
        y = torch.arange(height, dtype=self.x.dtype, device=self.x.device) - (height - 1) / 2
        x = torch.arange(width, dtype=self.x.dtype, device=self.x.device) - (width - 1) / 2
        return y - self.y[:, None], x - self.x[:, None]


def weighted_moments(weight: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, ...]:
    """Sum, and sums with x, y, x², y² and xy, of weighted light (n, H, W) at these places (n, H) and (n, W)."""
    along, down = weight.sum(1), weight.sum(2)  # (n, W), (n, H)
    cross = torch.einsum("nhw,nh,nw->n", weight, rows, columns)
    return (
        along.sum(1),
        (along * columns).sum(1),
        (down * rows).sum(1),
        (along * columns**2).sum(1),
        (down * rows**2).sum(1),
        cross,
    )


def fit_ellipses(light: Tensor, start: Ellipses | None = None) -> tuple[Ellipses, Tensor]:
    """Find the adaptive moments of galaxies (n, H, W) above a sky of 0, and for which of them (n,) there are any.

    Where there are none, the ellipse is a circle of three pixels about the centre.
    """
    count = len(light)
    zero = light.new_zeros(count)
    first = Ellipses(zero, zero, zero + _FIRST**2, zero + _FIRST**2, zero)
    now = (start or first).at(torch.arange(count, device=light.device))  # a copy
    found = torch.ones(count, dtype=torch.bool, device=light.device)
    open_ = torch.arange(count, device=light.device)
    for _ in range(_STEPS):
        old = now.at(open_)
        new, good = _step(light[open_], old)
        moved = (new.xx - old.xx).abs() + (new.yy - old.yy).abs() + (new.xy - old.xy).abs()
        for each in fields(Ellipses):
            getattr(now, each.name)[open_] = torch.where(
                good, getattr(new, each.name), getattr(first, each.name)[open_]
            )
        found[open_] = good
        open_ = open_[good & (moved > _CONVERGED * (old.xx + old.yy))]
        if not len(open_):
            break
    return now, found


def _step(light: Tensor, old: Ellipses) -> tuple[Ellipses, Tensor]:
    """The next moments of galaxies (n, H, W), and for which of them they still are those of a galaxy."""
    _, height, width = light.shape
    side = min(height, width)
    low, high = _SMALLEST**2, (_LARGEST * side) ** 2
    rows, columns = old.offsets(height, width)
    weight = torch.exp(old.distance(height, width).mul_(-0.5)).mul_(light)
    total, x, y, xx, yy, xy = weighted_moments(weight, rows, columns)
    good = total > 0
    x, y, xx, yy, xy = (2 * value / torch.where(good, total, 1.0) for value in (x, y, xx, yy, xy))
    good &= (xx > low) & (yy > low) & (xx + yy < 2 * high) & (xx * yy - xy**2 > low**2)
    good &= torch.hypot(old.x + x, old.y + y) < _FURTHEST * side
    return Ellipses(old.x + x, old.y + y, xx, yy, xy), good


@dataclass(frozen=True, eq=False)
class Drift:
    """By how much a refiner has changed n galaxies; each a float64 tensor (n,), NaN where there is nothing to measure.

    Attributes
    ----------
    flux
        Change over the flux before, of the band in which it changed most; of a stamp without a galaxy NaN.
    radius
        Change of the half-light radius over that before.
    axis_ratio
        Change of the axis ratio.
    angle
        Change of the position angle [deg]; NaN where the galaxy is nearly round.
    noise
        Standard deviation of the change of flux, over the flux, that the change of the blank sky explains.
    """

    flux: Tensor
    radius: Tensor
    axis_ratio: Tensor
    angle: Tensor
    noise: Tensor

    @classmethod
    def join(cls, parts: Sequence[Drift]) -> Drift:
        """Of several blocks of galaxies, one after the other."""
        return cls(*(torch.cat([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    def at(self, rows: Tensor) -> Drift:
        """That of some rows, by their places or a mask (n,)."""
        return Drift(*(getattr(self, each.name)[rows] for each in fields(self)))


class Photometry:
    """What is measured on simulated galaxies, so that refined ones can be compared with it.

    Parameters
    ----------
    light
        (n, C, H, W), in units of the noise above the sky.

    Attributes
    ----------
    ellipses
        Of the mean of the bands.
    found
        (n,) whether there is a galaxy at the centre.
    flux
        (n, C) in the aperture.
    radius
        (n,) that holds half of the light [pixels].
    """

    def __init__(self, light: Tensor) -> None:
        light = light.detach().to(torch.float32)
        _, _, height, width = light.shape
        rough, _ = fit_ellipses(light.mean(1))
        sky = _sky(light, rough.distance(height, width) <= APERTURE**2)
        self._light = light - sky[:, :, None, None]
        self.ellipses, self.found = fit_ellipses(self._light.mean(1), rough)
        self._distance = self.ellipses.distance(height, width)
        self._inside = self._distance <= APERTURE**2  # (n, H, W)
        self.flux = _sum(self._light, self._inside)
        self.found &= (self.flux > _FAINTEST * _scatter(self._light, self._inside)).any(1)
        self.radius = _half_light_radius(self._light.mean(1), self._distance, self.ellipses)

    def measure(self, change: Tensor, rows: Tensor | None = None) -> Drift:
        """The drift of these galaxies, or of some rows of them, by a change (n, C, H, W) of their light."""
        rows = torch.arange(len(self.flux)) if rows is None else rows
        inside, ellipses = self._inside[rows], self.ellipses.at(rows)
        change = change.detach().to(torch.float32)
        change = change - _sky(change, inside)[:, :, None, None]
        flux = _sum(change, inside) / self.flux[rows].abs()  # (n, C)
        noise = _scatter(change, inside) / self.flux[rows].abs()
        worst = (flux.abs() - 3 * noise).argmax(1, keepdim=True)  # the band with the change that noise explains least
        after = (self._light[rows] + change).mean(1)
        fitted, found = fit_ellipses(after, ellipses)
        known = self.found[rows] & found
        turned = torch.remainder(fitted.angle - ellipses.angle + 90, 180) - 90
        radius = _half_light_radius(after, self._distance[rows], ellipses) / self.radius[rows] - 1
        parts = (
            (flux.gather(1, worst)[:, 0], self.found[rows]),
            (radius, known),
            (fitted.axis_ratio - ellipses.axis_ratio, known),
            (turned, known & (ellipses.axis_ratio < ROUND)),
            (noise.gather(1, worst)[:, 0], self.found[rows]),
        )
        return Drift(*(torch.where(mask, value, math.nan).double() for value, mask in parts))


def _sum(light: Tensor, inside: Tensor) -> Tensor:
    """Light (n, C) within the apertures (n, H, W)."""
    return torch.einsum("nchw,nhw->nc", light, inside.to(light.dtype))


def _half_light_radius(light: Tensor, distance: Tensor, ellipses: Ellipses) -> Tensor:
    """Semi-major axis (n,) of the ellipse that holds half of the light (n, H, W) in the aperture [pixels].

    The pixels are taken in the order of their distance, and the area that they cover gives the radius.
    """
    distance = torch.where(distance <= APERTURE**2, distance, math.inf).flatten(1)
    order = torch.argsort(distance, dim=1, stable=True)
    within = torch.where(distance < math.inf, light.flatten(1), 0.0).gather(1, order).cumsum(1)
    half = within[:, -1:] / 2
    place = (within >= half).to(torch.int8).argmax(1, keepdim=True)
    before = torch.where(place > 0, within.gather(1, (place - 1).clamp_min(0)), 0.0)
    share = ((half - before) / (within.gather(1, place) - before)).nan_to_num(0.5).clamp(0, 1)
    area = (place + share)[:, 0]
    return torch.sqrt(area / (math.pi * ellipses.axis_ratio))


def _sky(light: Tensor, inside: Tensor) -> Tensor:
    """Median (n, C) of the pixels outside the apertures; 0 where there are none."""
    outside = torch.where(inside[:, None], math.nan, light)
    return outside.flatten(2).nanmedian(2).values.nan_to_num(0.0)


def _scatter(light: Tensor, inside: Tensor) -> Tensor:
    """Standard deviation (n, C) of the sum of an aperture on blank sky, from blocks of pixels outside it."""
    outside = torch.where(inside[:, None], math.nan, light)
    single = _MAD * outside.flatten(2).abs().nanmedian(2).values.nan_to_num(0.0)
    means = torch.nn.functional.avg_pool2d(outside, _BLOCK)  # NaN where a block touches the aperture
    enough = torch.isfinite(means).flatten(2).sum(2) >= _FEWEST_BLOCKS
    blocks = _BLOCK * _MAD * means.flatten(2).abs().nanmedian(2).values.nan_to_num(0.0)
    return torch.where(enough, blocks, single) * inside.sum((1, 2)).sqrt()[:, None]

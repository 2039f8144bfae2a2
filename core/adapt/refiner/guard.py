"""The limits of photometric drift: a refined stamp beyond one is blended with the simulated one, or left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.adapt.refiner.photometry import Drift, Photometry
from core.adapt.refiner.settings import RefinerSettings

_SHARES = (1.0, 0.75, 0.5, 0.25, 0.125)
_NOISE = 3.0  # standard deviations of what noise explains
_QUANTITIES = (  # name in Drift, title, unit, limit, factor to the unit of the limit
    ("flux", "flux", "%", "most_flux", 100.0),
    ("radius", "half-light radius", "%", "most_radius", 100.0),
    ("axis_ratio", "axis ratio", "", "most_axis_ratio", 1.0),
    ("angle", "position angle", "°", "most_angle", 1.0),
)


@dataclass(frozen=True, eq=False)
class Guarded:
    """Changes of stamps within all limits.

    Attributes
    ----------
    change
        (n, C, H, W), as given but for the share.
    share
        (n,) of the refinement that was kept: 1 wholly, 0 not at all.
    drift
        Of the galaxies by this change.
    """

    change: Tensor
    share: Tensor
    drift: Drift

    @classmethod
    def join(cls, parts: Sequence[Guarded]) -> Guarded:
        """Of several blocks of stamps, one after the other."""
        change, share = torch.cat([part.change for part in parts]), torch.cat([part.share for part in parts])
        return cls(change, share, Drift.join([part.drift for part in parts]))


def is_beyond(drift: Drift, ellipticity: Tensor, settings: RefinerSettings) -> Tensor:
    """Which galaxies (n,) have changed by more than a limit, and by more than three times what noise explains.

    Parameters
    ----------
    drift
        Of n galaxies.
    ellipticity
        (n,) :math:`(1 - q^2) / (1 + q^2)`, by which noise turns a galaxy the less.
    settings
        With the limits.
    """
    noise = _NOISE * drift.noise
    allowed = {
        "flux": (settings.most_flux / 100, noise),
        "radius": (settings.most_radius / 100, noise),
        "axis_ratio": (settings.most_axis_ratio, noise),
        "angle": (settings.most_angle, torch.rad2deg(noise / (2 * ellipticity))),
    }
    beyond = torch.zeros(len(drift.flux), dtype=torch.bool)
    for name, (limit, explained) in allowed.items():
        beyond |= getattr(drift, name).abs() > explained.clamp_min(limit)  # false for NaN
    return beyond


def guard(photometry: Photometry, change: Tensor, settings: RefinerSettings) -> Guarded:
    """Blend changes (n, C, H, W), in units of the noise, with none at all until each galaxy is within the limits."""
    ratio = photometry.ellipses.axis_ratio.double()
    ellipticity = (1 - ratio**2) / (1 + ratio**2)
    share = torch.zeros(len(change), dtype=torch.float64)
    for tried in _SHARES:
        rows = torch.nonzero(share == 0)[:, 0]
        if not len(rows):
            break
        drift = photometry.measure(tried * change[rows], rows)
        share[rows] = torch.where(is_beyond(drift, ellipticity[rows], settings), 0.0, tried).double()
    change = share.to(change)[:, None, None, None] * change
    return Guarded(change, share, photometry.measure(change))


@dataclass(frozen=True)
class DriftLine:
    """How one quantity of many galaxies has changed, in the unit of its limit; NaN where none could be measured.

    Attributes
    ----------
    title, unit
        Of the quantity.
    galaxies
        On how many it was measured.
    median
        Of the change: what holds for all galaxies together.
    typical
        Below which the size of the change of 68 % of the galaxies is.
    worst
        Largest size of the change.
    limit
        Beyond which a stamp is blended or left out, unless noise explains the change.
    """

    title: str
    unit: str
    galaxies: int
    median: float
    typical: float
    worst: float
    limit: float


def summarise(drift: Drift, settings: RefinerSettings) -> list[DriftLine]:
    """A line for each quantity."""
    lines: list[DriftLine] = []
    for name, title, unit, limit, factor in _QUANTITIES:
        values = factor * getattr(drift, name).numpy()
        values = values[np.isfinite(values)]
        size = np.abs(values)

        def of(what: Callable[..., Any], values: Any, *more: float) -> float:
            return float(what(values, *more)) if len(values) else float("nan")

        typical = of(np.quantile, size, 0.68)
        lines.append(
            DriftLine(
                title, unit, len(values), of(np.median, values), typical, of(np.max, size), getattr(settings, limit)
            )
        )
    return lines

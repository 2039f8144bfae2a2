"""Galaxies and stars beside the simulated galaxies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.simulate.prior_column import values_of
from core.simulate.realism_settings import BRIGHT_DIFFERENCE, FAINT_DIFFERENCE, DistancePrior
from core.simulate.settings import SimulationSettings
from core.simulate.streams import Purpose, Streams

Values = NDArray[np.float64]

ISOLATED, FAINT, BRIGHT = "isolated", "faint neighbour", "bright neighbour"
_NEAREST_BLEND = 0.3  # of the sum of both half-light radii
_LARGEST_INDEX, _FLATTEST = 4.0, 0.2
_SHRINK = 0.15  # dex of radius for one magnitude: fainter companions are smaller
_SIZE_SCATTER = 0.15  # dex
_SMALLEST = 0.5  # pixels


@dataclass(frozen=True, eq=False)
class Companions:
    """One companion for each galaxy, if it has one; arrays (n,), lengths in pixels.

    Attributes
    ----------
    exists
        Whether there is one.
    distance, direction
        From the galaxy's centre, in pixels and in radians from +x to +y.
    difference
        Magnitude of the companion minus the galaxy's.
    radius, index, axis_ratio, angle
        Of its Sérsic profile; the angle is in radians from +x to +y.
    is_on_stamp
        Whether its centre is; others do not count as neighbours.
    """

    exists: NDArray[np.bool_]
    distance: Values
    direction: Values
    difference: Values
    radius: Values
    index: Values
    axis_ratio: Values
    angle: Values
    is_on_stamp: NDArray[np.bool_]

    @property
    def environment(self) -> NDArray[np.str_]:
        """The class of each galaxy as simulated, by the companion's difference in magnitude; stars do not count."""
        counts = self.exists & self.is_on_stamp & (self.difference <= FAINT_DIFFERENCE)
        is_bright = counts & (self.difference <= BRIGHT_DIFFERENCE)
        return np.where(is_bright, BRIGHT, np.where(counts, FAINT, ISOLATED))

    def columns(self, pixel_scale: float) -> dict[str, NDArray[np.generic]]:
        """The truth for the catalogue; NaN where there is no companion."""
        return {
            "neighbour_distance": np.where(self.exists, self.distance * pixel_scale, np.nan),
            "neighbour_magnitude_difference": np.where(self.exists, self.difference, np.nan),
            "environment": self.environment,
        }


def draw_companions(settings: SimulationSettings, numbers: NDArray[np.int64], radius: Values) -> Companions:
    """Draw companions of galaxies with these half-light radii (n,) in pixels."""
    realism = settings.realism
    count = len(numbers)
    shares = np.zeros((count, 10))
    if realism.companions > 0:
        shares = Streams(settings.seed, Purpose.COMPANIONS).shares(numbers, 10)
    exists = shares[:, 0] < realism.companions
    difference = realism.companion_magnitude.at(shares[:, 1], known=values_of(realism.companion_magnitude))
    scatter = _SIZE_SCATTER * 2 * (2 * shares[:, 2] - 1)
    size = np.maximum(_SMALLEST, radius * 10 ** (-_SHRINK * np.maximum(difference, 0) + scatter))
    distance = in_pixels(realism.companion_distance, shares[:, 3], settings.instrument.pixel_scale)
    overlap = (radius + size) * (_NEAREST_BLEND + (1 - _NEAREST_BLEND) * shares[:, 5])
    distance = np.where(shares[:, 4] < realism.blended, overlap, distance)
    direction = 2 * np.pi * shares[:, 6]
    reach = distance * np.maximum(np.abs(np.cos(direction)), np.abs(np.sin(direction)))
    return Companions(
        exists,
        distance,
        direction,
        difference,
        size,
        0.5 + (_LARGEST_INDEX - 0.5) * shares[:, 7],
        _FLATTEST + (1 - _FLATTEST) * shares[:, 8],
        np.pi * shares[:, 9],
        reach < settings.size / 2,
    )


def in_pixels(prior: DistancePrior, share: Values, pixel_scale: float) -> Values:
    """Distances in pixels."""
    values = prior.at(share, known=values_of(prior))
    return values / pixel_scale if prior.unit == "arcsec" else values

"""From the parameters of simulated galaxies to the light profiles that are drawn on their stamps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.simulate import features
from core.simulate.features import Pieces
from core.simulate.parameters import Drawn
from core.simulate.prior_column import values_of
from core.simulate.profiles import Profiles
from core.simulate.settings import SimulationSettings
from core.simulate.streams import Purpose, Streams

Values = NDArray[np.float64]
Rows = NDArray[np.int64]

_GROWTH = 0.08  # a single profile with a colour gradient is larger by this fraction in the next bluer band
_YOUNG = 0.3  # mag by which arms and clumps are bluer than the disk, where there is a colour gradient
_STAR_COLOUR = 0.4  # mag from one band to the next
_FREE = 3.0  # pixels around the centre without a star
_LIGHT = {"arms": "arm_light", "bars": "bar_light", "clumps": "clump_light", "tidal": "tidal_light"}
_MOST_LIGHT = 0.9  # of a disk in arms, bars and clumps together


def compose(settings: SimulationSettings, drawn: Drawn, numbers: NDArray[np.int64]) -> Profiles:
    """All light profiles of some galaxies.

    The flux is in units of the stored stamps: a galaxy of the magnitude m has 10^(−0.4 (m − zero point)) of them.
    Galaxy k (its place in ``numbers``, not its number) in band b is stamp k · bands + b.

    Parameters
    ----------
    settings
        As for :func:`~core.simulate.parameters.draw_parameters`.
    drawn
        What that drew.
    numbers
        (n,) which galaxies they are.
    """
    return _Composer(settings, drawn, numbers).compose()


@dataclass(frozen=True, eq=False)
class _Shapes:
    """The form of profiles, (k,) each: as in :class:`Profiles`, but x and y are from the galaxy's centre."""

    radius: Values
    index: Values
    axis_ratio: Values
    angle: Values
    x: Values
    y: Values


class _Composer:
    """Adds up the profiles of one block; row k of its arrays is galaxy k."""

    def __init__(self, settings: SimulationSettings, drawn: Drawn, numbers: NDArray[np.int64]) -> None:
        self.settings = settings
        self.drawn = drawn
        self.numbers = numbers
        self.everyone = np.arange(len(numbers))
        self.bands = len(settings.band_names)
        self.flux = 10 ** (-0.4 * (drawn.column("magnitude") - settings.stored_zero_point))
        self.angle = np.radians(drawn.column("position_angle") + 90)
        self.colour = drawn.features.colour
        self.has_gradient = drawn.features.has["gradients"]
        self.parts: list[Profiles] = []

    def compose(self) -> Profiles:
        radius = self._pixels("half_light_radius")
        tidal = self._light("tidal", Purpose.TIDAL)
        self._add_pieces("tidal", Purpose.TIDAL, self.flux * tidal, self.colour, features.draw_tidal_feature, radius)
        flux = self.flux * (1 - tidal)
        if self.settings.galaxies.kind == "single Sérsic":
            shapes = self._central(radius, self.drawn.column("sersic_index"), "axis_ratio")
            self._add_disk(flux, shapes, self.colour, np.where(self.has_gradient, _GROWTH, 0.0))
        else:
            share = self.drawn.column("bulge_to_total")
            step = np.where(self.has_gradient, self.settings.realism.gradient, 0.0)
            bulge = self._central(self._pixels("bulge_radius"), self.drawn.column("bulge_index"), "bulge_axis_ratio")
            disk = self._central(self._pixels("disk_radius"), np.ones(len(share)), "disk_axis_ratio")
            self._add(self.everyone, flux * share, bulge, self.colour + step * (1 - share))
            self._add_disk(flux * (1 - share), disk, self.colour - step * share)
        self._add_companions()
        self._add_stars()
        return _join(self.parts)

    def _pixels(self, name: str) -> Values:
        return self.drawn.column(name) / self.settings.instrument.pixel_scale

    def _central(self, radius: Values, index: Values, axis_ratio: str) -> _Shapes:
        zero = np.zeros(len(radius))
        return _Shapes(radius, index, self.drawn.column(axis_ratio), self.angle, zero, zero)

    def _light(self, name: str, purpose: Purpose) -> Values:
        """The fraction of light (n,) in a feature, which differs from galaxy to galaxy; 0 where there is none."""
        light = np.zeros(len(self.numbers))
        rows = np.flatnonzero(self.drawn.features.has[name])
        if len(rows):
            shares = Streams(self.settings.seed, purpose).shares(self.numbers[rows], 1)[:, 0]
            typical = getattr(self.settings.realism, _LIGHT[name])
            light[rows] = np.minimum(typical * (0.5 + shares), _MOST_LIGHT)
        return light

    def _add_disk(self, flux: Values, shapes: _Shapes, colour: Values, growth: Values | None = None) -> None:
        """The disk, or the single profile, less the light of the features in it, and these."""
        young = np.where(self.has_gradient, colour - _YOUNG, colour)
        left = np.ones(len(flux))
        for name, purpose, draw, its_colour in (
            ("arms", Purpose.ARMS, features.draw_arms, young),
            ("bars", Purpose.BARS, features.draw_bar, colour),
            ("clumps", Purpose.CLUMPS, features.draw_clumps, young),
        ):
            light = np.minimum(self._light(name, purpose), left - (1 - _MOST_LIGHT))
            left = left - light
            self._add_pieces(name, purpose, flux * light, its_colour, draw, shapes.radius, shapes.axis_ratio)
        self._add(self.everyone, flux * left, shapes, colour, growth)

    def _add_pieces(
        self,
        name: str,
        purpose: Purpose,
        flux: Values,
        colour: Values,
        draw: Callable[..., Pieces],
        *sizes: Values,
    ) -> None:
        """A feature of the galaxies that have it, drawn from their own streams with their radius and axis ratio."""
        streams = Streams(self.settings.seed, purpose)
        for row in np.flatnonzero(self.drawn.features.has[name]):
            random = streams.at(self.numbers[row])
            random.random()  # says how much light there is
            pieces = features.turned(draw(random, *(float(size[row]) for size in sizes)), float(self.angle[row]))
            rows = np.full(len(pieces.weight), row)
            half = np.full(len(rows), 0.5)
            shapes = _Shapes(pieces.radius, half, pieces.axis_ratio, pieces.angle, pieces.x, pieces.y)
            self._add(rows, flux[row] * pieces.weight, shapes, colour[rows])

    def _add_companions(self) -> None:
        beside = self.drawn.companions
        x, y = beside.distance * np.cos(beside.direction), beside.distance * np.sin(beside.direction)
        shapes = _Shapes(beside.radius, beside.index, beside.axis_ratio, beside.angle, x, y)
        flux = np.where(beside.exists, self.flux * 10 ** (-0.4 * beside.difference), 0.0)
        self._add(self.everyone, flux, shapes, self.colour)

    def _add_stars(self) -> None:
        rows = np.flatnonzero(self.drawn.features.has["stars"])
        if not len(rows):
            return
        shares = Streams(self.settings.seed, Purpose.STARS).shares(self.numbers[rows], 3)
        prior, half = self.settings.realism.star_magnitude, self.settings.size / 2
        flux = 10 ** (-0.4 * (prior.at(shares[:, 0], known=values_of(prior)) - self.settings.stored_zero_point))
        distance = np.sqrt(_FREE**2 + shares[:, 1] * (half**2 - _FREE**2))  # uniform over the area
        direction = 2 * math.pi * shares[:, 2]
        zero, one = np.zeros(len(rows)), np.ones(len(rows))
        shapes = _Shapes(zero, one, one, zero, distance * np.cos(direction), distance * np.sin(direction))
        self._add(rows, flux, shapes, np.full(len(rows), _STAR_COLOUR))

    def _add(self, rows: Rows, flux: Values, shapes: _Shapes, colour: Values, growth: Values | None = None) -> None:
        """Add one profile to the stamps of each of these galaxies, in all bands."""
        there = np.flatnonzero(flux > 0)
        rows, flux, colour = rows[there], flux[there], colour[there]
        larger = np.zeros(len(rows)) if growth is None else growth[there]
        x, y = shapes.x[there] + self.drawn.shift[rows, 0], shapes.y[there] + self.drawn.shift[rows, 1]
        radius, index = shapes.radius[there], shapes.index[there]
        axis_ratio, angle = shapes.axis_ratio[there], shapes.angle[there]
        for band in range(self.bands):
            stamp, in_band = rows * self.bands + band, flux * 10 ** (-0.4 * colour * band)
            self.parts.append(Profiles(stamp, in_band, radius * (1 + larger * band), index, axis_ratio, angle, x, y))


def _join(parts: list[Profiles]) -> Profiles:
    """One list, ordered by stamp, so that what is added first does not depend on the other galaxies of a block."""
    names = ("stamp", "flux", "radius", "index", "axis_ratio", "angle", "x", "y")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.argsort(joined["stamp"], kind="stable")
    return Profiles(**{name: values[order] for name, values in joined.items()})

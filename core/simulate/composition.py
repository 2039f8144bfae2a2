"""From the parameters of simulated galaxies to the light profiles that are drawn on their stamps."""

from __future__ import annotations

import math
from collections.abc import Callable

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


class _Composer:
    def __init__(self, settings: SimulationSettings, drawn: Drawn, numbers: NDArray[np.int64]) -> None:
        self.settings = settings
        self.drawn = drawn
        self.numbers = numbers
        self.bands = len(settings.band_names)
        self.scale = settings.instrument.pixel_scale
        self.flux = 10 ** (-0.4 * (drawn.column("magnitude") - settings.stored_zero_point))
        self.angle = np.radians(drawn.column("position_angle") + 90)
        self.parts: list[Profiles] = []

    def compose(self) -> Profiles:
        everyone = np.arange(len(self.numbers))
        has_gradient = self.drawn.features.has["gradients"]
        tidal = self._light("tidal", Purpose.TIDAL)
        self._add_tidal(self.flux * tidal)
        flux = self.flux * (1 - tidal)
        if self.settings.galaxies.kind == "single Sérsic":
            colour = self.drawn.features.colour
            disk = (flux, self._pixels("half_light_radius"), self.drawn.column("sersic_index"), "axis_ratio")
            growth = np.where(has_gradient, _GROWTH, 0.0)
        else:
            share = self.drawn.column("bulge_to_total")
            step = np.where(has_gradient, self.settings.realism.gradient, 0.0)
            bulge_colour = self.drawn.features.colour + step * (1 - share)
            colour = self.drawn.features.colour - step * share
            self._add_central(
                everyone,
                flux * share,
                self._pixels("bulge_radius"),
                self.drawn.column("bulge_index"),
                "bulge_axis_ratio",
                bulge_colour,
            )
            disk = (flux * (1 - share), self._pixels("disk_radius"), np.ones(len(flux)), "disk_axis_ratio")
            growth = np.zeros(len(flux))
        self._add_disk(everyone, disk, colour, growth)
        self._add_companions()
        self._add_stars()
        return _join(self.parts)

    def _pixels(self, name: str) -> Values:
        return self.drawn.column(name) / self.scale

    def _light(self, name: str, purpose: Purpose) -> Values:
        """The fraction of light (n,) in a feature, which differs from galaxy to galaxy; 0 where there is none."""
        light = np.zeros(len(self.numbers))
        rows = np.flatnonzero(self.drawn.features.has[name])
        typical = getattr(self.settings.realism, _LIGHT[name])
        if len(rows):
            shares = Streams(self.settings.seed, purpose).shares(self.numbers[rows], 1)[:, 0]
            light[rows] = np.minimum(typical * (0.5 + shares), _MOST_LIGHT)
        return light

    def _add_central(
        self,
        rows: Rows,
        flux: Values,
        radius: Values,
        index: Values,
        axis_ratio: str,
        colour: Values,
        growth: Values | None = None,
    ) -> None:
        zero = np.zeros(len(rows))
        self._add(rows, flux, radius, index, self.drawn.column(axis_ratio), self.angle, zero, zero, colour, growth)

    def _add_disk(self, rows: Rows, disk: tuple[Values, Values, Values, str], colour: Values, growth: Values) -> None:
        """The disk, or the single profile, less the light of the features in it, and these."""
        flux, radius, index, axis_ratio = disk
        young = np.where(self.drawn.features.has["gradients"], colour - _YOUNG, colour)
        ratio = self.drawn.column(axis_ratio)
        left = np.ones(len(rows))
        for name, purpose, draw, its_colour in (
            ("arms", Purpose.ARMS, features.draw_arms, young),
            ("bars", Purpose.BARS, features.draw_bar, colour),
            ("clumps", Purpose.CLUMPS, features.draw_clumps, young),
        ):
            light = np.minimum(self._light(name, purpose), left - (1 - _MOST_LIGHT))
            left = left - light

            def pieces(row: int, random: np.random.Generator, draw: Callable[..., Pieces] = draw) -> Pieces:
                return features.turned(draw(random, float(radius[row]), float(ratio[row])), float(self.angle[row]))

            self._add_pieces(name, purpose, pieces, flux * light, its_colour)
        self._add_central(rows, flux * left, radius, index, axis_ratio, colour, growth)

    def _add_pieces(
        self,
        name: str,
        purpose: Purpose,
        draw: Callable[[int, np.random.Generator], Pieces],
        flux: Values,
        colour: Values,
    ) -> None:
        streams = Streams(self.settings.seed, purpose)
        for row in np.flatnonzero(self.drawn.features.has[name]):
            random = streams.at(self.numbers[row])
            random.random()  # told how much light there is
            pieces = draw(int(row), random)
            rows = np.full(len(pieces.weight), row)
            half = np.full(len(rows), 0.5)
            self._add(
                rows,
                flux[row] * pieces.weight,
                pieces.radius,
                half,
                pieces.axis_ratio,
                pieces.angle,
                pieces.x,
                pieces.y,
                colour[rows],
            )

    def _add_tidal(self, flux: Values) -> None:
        radius = self._pixels("half_light_radius")

        def pieces(row: int, random: np.random.Generator) -> Pieces:
            return features.draw_tidal_feature(random, float(radius[row]))

        self._add_pieces("tidal", Purpose.TIDAL, pieces, flux, self.drawn.features.colour)

    def _add_companions(self) -> None:
        beside = self.drawn.companions
        rows = np.flatnonzero(beside.exists)
        x, y = beside.distance * np.cos(beside.direction), beside.distance * np.sin(beside.direction)
        flux = self.flux * 10 ** (-0.4 * beside.difference)
        of = (flux, beside.radius, beside.index, beside.axis_ratio, beside.angle, x, y, self.drawn.features.colour)
        self._add(rows, *(values[rows] for values in of))

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
        x, y = distance * np.cos(direction), distance * np.sin(direction)
        self._add(rows, flux, zero, one, one, zero, x, y, np.full(len(rows), _STAR_COLOUR))

    def _add(
        self,
        rows: Rows,
        flux: Values,
        radius: Values,
        index: Values,
        axis_ratio: Values,
        angle: Values,
        x: Values,
        y: Values,
        colour: Values,
        growth: Values | None = None,
    ) -> None:
        """Add one profile to the stamps of each of these galaxies, in all bands; x and y from the galaxy's centre."""
        is_there = flux > 0
        rows, flux, radius, index, axis_ratio = (
            rows[is_there],
            flux[is_there],
            radius[is_there],
            index[is_there],
            axis_ratio[is_there],
        )
        angle, x, y, colour = angle[is_there], x[is_there], y[is_there], colour[is_there]
        larger = np.zeros(len(rows)) if growth is None else growth[is_there]
        x, y = x + self.drawn.shift[rows, 0], y + self.drawn.shift[rows, 1]
        for band in range(self.bands):
            self.parts.append(
                Profiles(
                    rows * self.bands + band,
                    flux * 10 ** (-0.4 * colour * band),
                    radius * (1 + larger * band),
                    index,
                    axis_ratio,
                    angle,
                    x,
                    y,
                )
            )


def _join(parts: list[Profiles]) -> Profiles:
    """One list, ordered by stamp, so that what is added first does not depend on the other galaxies of a block."""
    names = ("stamp", "flux", "radius", "index", "axis_ratio", "angle", "x", "y")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.argsort(joined["stamp"], kind="stable")
    return Profiles(**{name: values[order] for name, values in joined.items()})

"""Which simulated galaxies have features that analytic profiles have not, and how these look.

Arms, bars, clumps and tidal features are Gaussians (Sérsic profiles of index 0.5) along the feature. Those in the disk
are laid out in its plane and then seen at its inclination, under which a Gaussian remains one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.simulate.settings import SimulationSettings
from core.simulate.streams import Purpose, Streams

Values = NDArray[np.float64]

SCALE_LENGTH = 1 / 1.6783469900166605  # of a disk, in half-light radii
_GAUSSIAN = math.sqrt(2 * math.log(2))  # half-light radius of a Gaussian, in standard deviations
_NAMES = ("arms", "bars", "clumps", "tidal", "stars", "gradients", "cosmic_rays")
_COLUMNS = {
    "arms": "spiral_arms",
    "bars": "bar",
    "clumps": "clumps",
    "tidal": "tidal_feature",
    "stars": "star",
    "gradients": "colour_gradient",
    "cosmic_rays": "cosmic_ray",
}
_ARM_PIECES = 9  # of each of two arms
_ARM_SPAN = (0.5, 2.8)  # scale lengths
_PITCH = (12.0, 30.0)  # degrees
_TAIL_PIECES = 8
_THINNEST = 0.03  # axis ratio
_SMALLEST = 0.3  # pixels: smaller clumps are points, whatever the telescope


@dataclass(frozen=True, eq=False)
class Features:
    """Which galaxies have what; by the name of the share in the settings, (n,) each.

    Attributes
    ----------
    has
        Whether a galaxy has the feature.
    switched_on
        Names of the features whose share is not 0.
    colour
        (n,), of each galaxy as a whole, in mag from one band to the next bluer one.
    """

    has: dict[str, NDArray[np.bool_]]
    switched_on: tuple[str, ...]
    colour: Values

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Which galaxies have which feature, yes or no, for the catalogue."""
        return {_COLUMNS[name]: np.where(self.has[name], "yes", "no") for name in self.switched_on}


@dataclass(frozen=True, eq=False)
class Pieces:
    """The Gaussians that make up one feature; arrays (k,), pixels from the galaxy's centre, radians from +x to +y.

    Attributes
    ----------
    weight
        Share of the feature's light; their sum is 1.
    x, y
        Centres.
    radius, axis_ratio, angle
        Half-light radius along the major axis, minor over major axis, and angle of the major axis.
    """

    weight: Values
    x: Values
    y: Values
    radius: Values
    axis_ratio: Values
    angle: Values


def draw_features(settings: SimulationSettings, numbers: NDArray[np.int64]) -> Features:
    """Draw which galaxies have which features."""
    realism = settings.realism
    share_of = {name: float(getattr(realism, name)) for name in _NAMES}
    has_bands = len(settings.band_names) > 1
    if not has_bands:
        share_of["gradients"] = 0.0
    on = tuple(name for name in _NAMES if share_of[name] > 0)
    shares = np.full((len(numbers), len(_NAMES) + 2), 0.5)
    if on or has_bands:
        shares = Streams(settings.seed, Purpose.FEATURES).shares(numbers, len(_NAMES) + 2)
    has = {name: shares[:, place] < share_of[name] for place, name in enumerate(_NAMES)}
    colour = realism.colour * (0.7 + 0.3 * (shares[:, -1] + shares[:, -2]))
    return Features(has, on, colour)


def draw_arms(random: np.random.Generator, radius: float, axis_ratio: float) -> Pieces:
    """Two logarithmic spirals in a disk with this half-light radius in pixels, its major axis along +x."""
    length = radius * SCALE_LENGTH
    pitch, hand, start = math.radians(random.uniform(*_PITCH)), random.choice([-1, 1]), random.uniform(0, 2 * math.pi)
    low, high = _ARM_SPAN
    step = math.log(high / low) / (_ARM_PIECES - 1)
    at = length * low * np.exp(step * np.arange(_ARM_PIECES))  # along an arm
    at = np.concatenate([at, at]) * random.uniform(0.95, 1.05, 2 * _ARM_PIECES)
    turn = np.log(at / (length * low)) / math.tan(pitch) + np.repeat([0, math.pi], _ARM_PIECES)
    weight = at**2 * np.exp(-at / length) * random.gamma(4, 0.25, len(at))  # as the disk, in logarithmic steps
    along = 0.6 * at * step / math.sin(pitch)  # half the way to the next piece, and some overlap
    place = start + hand * turn
    return _inclined(
        weight,
        at * np.cos(place),
        at * np.sin(place),
        np.maximum(along, _SMALLEST),
        np.maximum(0.13 * at, _SMALLEST),
        place + hand * (math.pi / 2 - pitch),
        axis_ratio,
    )


def draw_bar(random: np.random.Generator, radius: float, axis_ratio: float) -> Pieces:
    """A bar in the disk."""
    length = radius * SCALE_LENGTH * random.uniform(0.5, 0.9)
    width = length * random.uniform(0.2, 0.35)
    one = np.ones(1)
    return _inclined(one, 0 * one, 0 * one, length * one, width * one, random.uniform(0, math.pi) * one, axis_ratio)


def draw_clumps(random: np.random.Generator, radius: float, axis_ratio: float) -> Pieces:
    """Star-forming clumps, from bright ones to HII knots, at random places of the disk."""
    length, count = radius * SCALE_LENGTH, int(random.integers(3, 13))
    at = length * random.gamma(2, 1, count)  # as the light of the disk
    at = np.minimum(at, 4 * length)
    place = random.uniform(0, 2 * math.pi, count)
    size = np.maximum(length * random.uniform(0.05, 0.15, count), _SMALLEST)
    weight = random.pareto(1.5, count) + 0.3  # a few are bright
    pieces = _inclined(weight, at * np.cos(place), at * np.sin(place), size, size, 0 * size, axis_ratio)
    return Pieces(pieces.weight, pieces.x, pieces.y, size * _GAUSSIAN, np.ones(count), np.zeros(count))


def draw_tidal_feature(random: np.random.Generator, radius: float) -> Pieces:
    """A tail that curves outwards, or a shell around the galaxy, on the sky."""
    is_tail, start, hand = random.random() < 0.7, random.uniform(0, 2 * math.pi), random.choice([-1, 1])
    along = np.linspace(0, 1, _TAIL_PIECES)
    at = radius * (1.5 + random.uniform(1.5, 3) * along) if is_tail else np.full(_TAIL_PIECES, radius * 2.5)
    span = random.uniform(0.6, 1.4) if is_tail else random.uniform(0.8, 2)
    place = start + hand * span * along
    x, y = at * np.cos(place), at * np.sin(place)
    step_x, step_y = np.gradient(x), np.gradient(y)
    weight = np.exp(-1.2 * along) if is_tail else np.ones(_TAIL_PIECES)
    long = np.maximum(0.7 * np.hypot(step_x, step_y), _SMALLEST)
    wide = np.minimum(np.full(_TAIL_PIECES, max((0.3 if is_tail else 0.2) * radius, _SMALLEST)), long)
    return Pieces(
        weight / weight.sum(), x, y, long * _GAUSSIAN, np.maximum(wide / long, _THINNEST), np.arctan2(step_y, step_x)
    )


def _inclined(
    weight: Values, x: Values, y: Values, along: Values, across: Values, angle: Values, axis_ratio: float
) -> Pieces:
    """Gaussians in the plane of a disk as they are seen: y shrinks by the disk's axis ratio."""
    cos, sin = np.cos(angle), np.sin(angle)
    xx = (along * cos) ** 2 + (across * sin) ** 2
    yy = ((along * sin) ** 2 + (across * cos) ** 2) * axis_ratio**2
    xy = (along**2 - across**2) * sin * cos * axis_ratio
    mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    major, minor = np.sqrt(mean + half), np.sqrt(np.maximum(mean - half, 0))
    ratio = np.clip(minor / major, _THINNEST, 1)
    return Pieces(weight / weight.sum(), x, y * axis_ratio, major * _GAUSSIAN, ratio, 0.5 * np.arctan2(2 * xy, xx - yy))


def turned(pieces: Pieces, angle: float) -> Pieces:
    """The same, turned from +x towards +y."""
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = pieces.x * cos - pieces.y * sin, pieces.x * sin + pieces.y * cos
    return Pieces(pieces.weight, x, y, pieces.radius, pieces.axis_ratio, pieces.angle + angle)

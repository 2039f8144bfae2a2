"""The true parameters of simulated galaxies: what is drawn from the priors, and what follows from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.simulate import features
from core.simulate.companions import Companions, draw_companions
from core.simulate.features import Features
from core.simulate.light import Component, equivalent_index, mean_axis_ratio, radius_of
from core.simulate.prior_column import values_of
from core.simulate.priors import Prior, RadiusPrior
from core.simulate.settings import SimulationSettings
from core.simulate.streams import Purpose, Streams

Values = NDArray[np.float64]

# The place of each parameter's random number in the stream of a galaxy, which must never change.
_PLACES = (
    "magnitude",
    "position_angle",
    "bulge_to_total",
    "bulge_radius",
    "bulge_index",
    "bulge_axis_ratio",
    "disk_radius",
    "disk_axis_ratio",
    "half_light_radius",
    "sersic_index",
    "axis_ratio",
)
_SHIFT = len(_PLACES)
UNITS = {
    "magnitude": "mag",
    "half_light_radius": "arcsec",
    "bulge_radius": "arcsec",
    "disk_radius": "arcsec",
    "position_angle": "deg",
    "neighbour_distance": "arcsec",
    "neighbour_magnitude_difference": "mag",
}


@dataclass(frozen=True, eq=False)
class Drawn:
    """The parameters of some galaxies, in the order of their numbers.

    Attributes
    ----------
    columns
        The truth for the catalogue by name, (n,) each: magnitude; half_light_radius (of the whole galaxy),
        sersic_index, axis_ratio, position_angle; for bulge + disk also bulge_to_total and those of the bulge and the
        disk; and, where they are switched on, neighbours and what else was added. Half-light radii are semi-major axes
        in arcsec, angles are from +y (north) through −x (east) in degrees, from 0 to below 180. Of a galaxy of bulge
        and disk, the axis ratio is the mean weighted by light, the half-light radius belongs to the ellipse of that
        axis ratio, and the Sérsic index is that of the single profile of the same concentration (see
        :mod:`core.simulate.light`). Arms, clumps and the like move light, and do not count in the sizes.
    units
        The units of those columns that have one.
    shift
        (n, 2), x and y of the galaxy's centre in pixels from the stamp's.
    companions
        The galaxies beside them.
    features
        What they have that analytic profiles have not.
    """

    columns: dict[str, NDArray[np.generic]]
    units: dict[str, str]
    shift: Values
    companions: Companions
    features: Features

    def column(self, name: str) -> Values:
        """A column of numbers."""
        return np.asarray(self.columns[name], np.float64)


def draw_parameters(settings: SimulationSettings, numbers: NDArray[np.int64]) -> Drawn:
    """Draw the parameters of galaxies.

    Parameters
    ----------
    settings
        The priors, and the seed.
    numbers
        (n,) which galaxies of the set.

    Raises
    ------
    CatalogueProblem
        A prior from a column cannot be read.
    """
    shares = Streams(settings.seed, Purpose.PARAMETERS).shares(numbers, _SHIFT + 2)
    drawn = _draw(settings, shares)
    scale = settings.instrument.pixel_scale
    in_arcsec = {name: _to_arcsec(settings.galaxies.prior(name), values, scale) for name, values in drawn.items()}
    in_arcsec["position_angle"] %= 180
    columns: dict[str, NDArray[np.generic]] = dict(_whole(settings, in_arcsec))
    companions = draw_companions(settings, numbers, np.asarray(columns["half_light_radius"], np.float64) / scale)
    found = features.draw_features(settings, numbers)
    columns |= companions.columns(scale) if settings.realism.companions > 0 else {}
    columns |= found.columns()
    shift = settings.galaxies.shift * (2 * shares[:, _SHIFT:] - 1)
    return Drawn(columns, {name: UNITS[name] for name in columns if name in UNITS}, shift, companions, found)


def draw_from_priors(settings: SimulationSettings, numbers: NDArray[np.int64]) -> dict[str, Values]:
    """The parameters of galaxies (n,) in the units of their priors, by name."""
    return _draw(settings, Streams(settings.seed, Purpose.PARAMETERS).shares(numbers, _SHIFT + 2))


def _draw(settings: SimulationSettings, shares: Values) -> dict[str, Values]:
    drawn: dict[str, Values] = {}
    for name in settings.galaxies.drawing_order:
        prior = settings.galaxies.prior(name)
        drawn[name] = prior.at(shares[:, _PLACES.index(name)], drawn, values_of(prior))
    return drawn


def _to_arcsec(prior: Prior, values: Values, pixel_scale: float) -> Values:
    return values * pixel_scale if isinstance(prior, RadiusPrior) and prior.unit == "pixels" else values


def _whole(settings: SimulationSettings, drawn: dict[str, Values]) -> dict[str, Values]:
    """The columns of the catalogue, with what follows for a galaxy of bulge and disk as a whole."""
    if settings.galaxies.kind == "single Sérsic":
        return {name: drawn[name] for name in settings.galaxies.parameters}
    parts = components(drawn)
    whole = {
        "magnitude": drawn["magnitude"],
        "half_light_radius": radius_of(0.5, parts),
        "sersic_index": equivalent_index(parts),
        "axis_ratio": mean_axis_ratio(parts),
        "position_angle": drawn["position_angle"],
    }
    return whole | {name: drawn[name] for name in settings.galaxies.parameters if name not in whole}


def components(drawn: dict[str, Values]) -> tuple[Component, Component]:
    """Bulge and disk by their parameters."""
    share = drawn["bulge_to_total"]
    bulge = Component(share, drawn["bulge_radius"], drawn["bulge_index"], drawn["bulge_axis_ratio"])
    disk = Component(1 - share, drawn["disk_radius"], np.ones(len(share)), drawn["disk_axis_ratio"])
    return bulge, disk


def galaxy_ids(settings: SimulationSettings) -> list[str]:
    """Names of the galaxies: the same where they are the same galaxies, of equal seed and priors, else others."""
    parts = (str(settings.seed), settings.galaxies.model_dump_json(), settings.realism.model_dump_json())
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:6]
    return [f"sim-{key}-{number:07d}" for number in range(settings.count)]

"""The models that are fitted to galaxies: a Sérsic profile, or a bulge and a disk, through the point-spread function.

The parameters of m galaxies are an array (m, K), lengths in pixels: the centre x and y; for each component ln Rₑ (half
the light, along the major axis), an ellipticity of two numbers η with axis ratio exp(−|η|), which has no edge at round,
and ln n unless it is fixed; the flux of each component; and the level of the sky, if it is fitted. The values for
people are :meth:`ProfileModel.describe`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.evaluate.least_squares import Array, Limits
from core.evaluate.settings import FitSettings
from core.simulate.profiles import Profiles
from core.simulate.psf import Psf
from core.simulate.renderer import render
from core.simulate.sersic import light_within

INDEX = (0.31, 6.5)  # limits of the Sérsic index; a step of the differences below, profiles are still drawn
_LEAST_AXIS_RATIO = 0.04
_LEAST_RADIUS = 0.05  # pixels
_MOST_RADIUS = 2.0  # sides of the stamp
_OFF_CENTRE = 0.15  # sides of the stamp
_STEPS = {"x": 0.05, "y": 0.05, "radius": 0.02, "eta": 0.02, "index": 0.02}  # of the differences
_LONGEST = {"x": 2.0, "y": 2.0, "radius": 0.6, "eta": 0.5, "index": 0.4, "flux": np.inf, "sky": np.inf}
_HALVINGS = 60
KINDS = {"x": "centre", "y": "centre", "radius": "radius", "eta": "axis ratio", "index": "Sérsic index", "sky": "sky"}


@dataclass(frozen=True)
class Component:
    """A part of the galaxy: its name in the table, empty for the whole galaxy, and its Sérsic index; None: fitted."""

    name: str
    index: float | None


@dataclass(frozen=True)
class Parameter:
    """A column of the parameters: what it is, and of which component; None: of all."""

    kind: str
    component: int | None


class ProfileModel:
    """The model of the galaxies of a batch, as :func:`core.evaluate.least_squares.minimise` needs it.

    Parameters
    ----------
    settings
        Which components; whether the sky is fitted.
    psf
        The point-spread function.
    size
        Of the stamps [pixels].
    device
        That renders them.
    """

    def __init__(self, settings: FitSettings, psf: Psf, size: int, device: str = "cpu") -> None:
        if settings.model == "Sérsic":
            self.components = (Component("", None),)
        else:
            self.components = (Component("bulge", settings.bulge_index), Component("disk", 1.0))
        self._psf, self._size, self._device = psf, size, device
        self._fits_sky = settings.sky == "fitted"

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The K parameters in their order."""
        found = [Parameter("x", None), Parameter("y", None)]
        for place, component in enumerate(self.components):
            found += [Parameter("radius", place), Parameter("eta", place), Parameter("eta", place)]
            if component.index is None:
                found.append(Parameter("index", place))
        found += [Parameter("flux", place) for place in range(len(self.components))]
        return (*found, Parameter("sky", None)) if self._fits_sky else tuple(found)

    def places(self, kind: str, component: int | None = None) -> list[int]:
        """Where parameters of a kind are, of one component or of all."""
        return [
            place
            for place, each in enumerate(self.parameters)
            if each.kind == kind and component in {None, each.component}
        ]

    def limits(self, flux: Array) -> Limits:
        """Limits of the parameters of galaxies of about these fluxes (m,)."""
        eta = -np.log(_LEAST_AXIS_RATIO) / np.sqrt(2)
        bounds = {
            "x": (-_OFF_CENTRE * self._size, _OFF_CENTRE * self._size),
            "radius": (np.log(_LEAST_RADIUS), np.log(_MOST_RADIUS * self._size)),
            "eta": (-eta, eta),
            "index": (np.log(INDEX[0]), np.log(INDEX[1])),
            "flux": (0.0, np.inf),
            "sky": (-np.inf, np.inf),
        }
        bounds["y"] = bounds["x"]
        low, high = np.array([bounds[each.kind] for each in self.parameters]).T
        low, high = (np.tile(each, (len(flux), 1)) for each in (low, high))
        scale = np.abs(flux)[:, None]
        high[:, self.places("flux")] = 50 * scale
        for place in self.places("sky"):
            low[:, [place]], high[:, [place]] = -scale, scale
        return Limits(low, high, np.array([_LONGEST[each.kind] for each in self.parameters]))

    # -- images ----------------------------------------------------------------------------------------------------

    def render_components(self, parameters: Array) -> Array:
        """Each component with a flux of 1: (m, components, P)."""
        return self._render([(parameters, place) for place in range(len(self.components))])

    def evaluate(self, parameters: Array, which: NDArray[np.int64] | None = None) -> Array:  # noqa: ARG002
        """The images (m, P) of these parameters."""
        return self._add(parameters, self.render_components(parameters))

    def differentiate(
        self,
        parameters: Array,
        which: NDArray[np.int64] | None = None,  # noqa: ARG002
        *,
        centred: bool = False,
    ) -> Array:
        """Derivatives (m, K, P) of the images, by differences, or exact where the model is linear."""
        base = self.render_components(parameters)
        wanted: list[tuple[Array, int]] = []
        for place, each in enumerate(self.parameters):
            if each.kind in _STEPS:
                for sign in (1, -1) if centred else (1,):
                    moved = parameters.copy()
                    moved[:, place] += sign * _STEPS[each.kind]
                    parts = range(len(self.components)) if each.component is None else [each.component]
                    wanted += [(moved, part) for part in parts]
        moved_images = iter(np.moveaxis(self._render(wanted), 1, 0))
        fluxes = parameters[:, self.places("flux")]
        derivatives = np.empty((len(parameters), len(self.parameters), base.shape[-1]))
        for place, each in enumerate(self.parameters):
            if each.kind == "flux":
                derivatives[:, place] = base[:, each.component]
            elif each.kind == "sky":
                derivatives[:, place] = 1.0
            else:
                parts = list(range(len(self.components))) if each.component is None else [each.component]
                ahead = sum(fluxes[:, [part]] * next(moved_images) for part in parts)
                behind = sum(fluxes[:, [part]] * (next(moved_images) if centred else base[:, part]) for part in parts)
                derivatives[:, place] = (ahead - behind) / (_STEPS[each.kind] * (2 if centred else 1))
        return derivatives

    def _add(self, parameters: Array, components: Array) -> Array:
        images = np.einsum("mc,mcp->mp", parameters[:, self.places("flux")], components)
        return images + parameters[:, self.places("sky")] if self._fits_sky else images

    def _render(self, wanted: list[tuple[Array, int]]) -> Array:
        """Component images of flux 1, (m, len(wanted), P), each of some parameters and one component."""
        count = len(wanted[0][0])
        shapes = [self._shape(parameters, component) for parameters, component in wanted]
        radius, index, axis_ratio, angle, x, y = (np.concatenate(each) for each in zip(*shapes, strict=True))
        stamps = count * len(wanted)
        profiles = Profiles(np.arange(stamps), np.ones(stamps), radius, index, axis_ratio, angle, x, y)
        images = render(profiles, self._psf, stamps, self._size, device=self._device)
        return np.asarray(images.cpu(), np.float64).reshape(len(wanted), count, -1).transpose(1, 0, 2)

    def _shape(self, parameters: Array, component: int) -> tuple[Array, ...]:
        eta1, eta2 = parameters[:, self.places("eta", component)].T
        radius = np.exp(parameters[:, self.places("radius", component)[0]])
        axis_ratio = np.maximum(np.exp(-np.hypot(eta1, eta2)), _LEAST_AXIS_RATIO)
        angle = 0.5 * np.arctan2(eta2, eta1)
        return radius, self.index(parameters, component), axis_ratio, angle, parameters[:, 0], parameters[:, 1]

    def index(self, parameters: Array, component: int) -> Array:
        """The Sérsic indices (m,) of a component."""
        fixed = self.components[component].index
        if fixed is not None:
            return np.full(len(parameters), fixed)
        return np.exp(parameters[:, self.places("index", component)[0]])

    # -- values for people -----------------------------------------------------------------------------------------

    def describe(self, parameters: Array, pixel_scale: float, zero_point: float | None) -> dict[str, Array]:
        """The values (m,) by name, in the units of :data:`UNITS`.

        Half-light radii lie along the major axis; position angles go from +y through −x, from 0 to 180 degrees, as from
        north through east where north is up. Of a bulge and a disk, those of the whole galaxy are: the half-light
        radius within ellipses as elongated as each of the two; position angle and axis ratio of the mean ellipticity
        of both, weighted by flux.

        Parameters
        ----------
        parameters
            (m, K).
        pixel_scale
            In arcsec/pixel.
        zero_point
            Magnitude of one unit of the images' flux; None: fluxes are given instead of magnitudes.
        """
        flux = parameters[:, self.places("flux")]
        total = flux.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = {"flux": total} if zero_point is None else {"magnitude": zero_point - 2.5 * np.log10(total)}
            shares = flux / total[:, None]
        radii = np.exp(parameters[:, self.places("radius")])
        etas = [parameters[:, self.places("eta", place)] for place in range(len(self.components))]
        if len(self.components) == 1:
            found["half_light_radius"] = radii[:, 0] * pixel_scale
            found["sersic_index"] = self.index(parameters, 0)
        else:
            indices = np.stack([self.index(parameters, place) for place in range(len(self.components))], axis=1)
            found["half_light_radius"] = half_light_radius(shares, radii, indices) * pixel_scale
        eta = np.sum([shares[:, [place]] * each for place, each in enumerate(etas)], axis=0)
        found["axis_ratio"], found["position_angle"] = _axis_ratio_and_angle(eta)
        if len(self.components) > 1:
            found["bulge_to_total"] = shares[:, 0]
            for place, component in enumerate(self.components):
                found[f"{component.name}_radius"] = radii[:, place] * pixel_scale
                if component.index is None:
                    found[f"{component.name}_index"] = self.index(parameters, place)
                ratio, angle = _axis_ratio_and_angle(etas[place])
                found |= {f"{component.name}_axis_ratio": ratio, f"{component.name}_position_angle": angle}
        found["x"], found["y"] = parameters[:, 0], parameters[:, 1]
        if self._fits_sky:
            found["sky"] = parameters[:, -1]
        return found

    def describe_errors(
        self, parameters: Array, covariance: Array, pixel_scale: float, zero_point: float | None
    ) -> dict[str, Array]:
        """Standard deviations (m,) of the values of :meth:`describe`, by linear propagation; NaN where unknown."""
        base = self.describe(parameters, pixel_scale, zero_point)
        sigma = np.sqrt(np.einsum("mkk->mk", covariance))
        known = np.isfinite(sigma)
        slopes = {name: np.zeros(parameters.shape) for name in base}
        for place in range(parameters.shape[1]):
            step = np.where(known[:, place], np.maximum(1e-3 * sigma[:, place], 1e-9), 1.0)
            moved = parameters.copy()
            moved[:, place] += step
            for name, value in self.describe(moved, pixel_scale, zero_point).items():
                change = value - base[name]
                if name.endswith("position_angle"):
                    change = (change + 90) % 180 - 90
                slopes[name][:, place] = change / step
        usable = np.nan_to_num(covariance)
        return {name: self._error(slope, usable, known) for name, slope in slopes.items()}

    def _error(self, slope: Array, covariance: Array, known: NDArray[np.bool_]) -> Array:
        variance = np.einsum("mk,mkl,ml->m", slope, covariance, slope)
        is_known = ~((np.abs(slope) > 0) & ~known).any(axis=1) & (variance > 0)
        return np.sqrt(np.where(is_known, variance, np.nan))


UNITS: Mapping[str, str] = {
    "magnitude": "mag",
    "half_light_radius": "arcsec",
    "bulge_radius": "arcsec",
    "disk_radius": "arcsec",
    "position_angle": "deg",
    "bulge_position_angle": "deg",
    "disk_position_angle": "deg",
    "x": "pix",
    "y": "pix",
}


def half_light_radius(shares: Array, radii: Array, indices: Array) -> Array:
    """Radius within which half of the light of several components lies, (m,), by bisection.

    Parameters
    ----------
    shares, radii, indices
        (m, components): of the flux, half-light radii and Sérsic indices.
    """
    low, high = radii.min(axis=1), radii.max(axis=1)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = (shares * light_within(middle[:, None], radii, indices)).sum(axis=1)
        low, high = np.where(inside < 0.5, middle, low), np.where(inside < 0.5, high, middle)
    return np.where(np.isfinite(shares).all(axis=1), (low + high) / 2, np.nan)


def _axis_ratio_and_angle(eta: Array) -> tuple[Array, Array]:
    """Axis ratio, and position angle from +y through −x in degrees, of the ellipticity (m, 2)."""
    size = np.hypot(eta[:, 0], eta[:, 1])
    angle = np.degrees(0.5 * np.arctan2(eta[:, 1], eta[:, 0])) - 90
    return np.maximum(np.exp(-size), _LEAST_AXIS_RATIO), angle % 180

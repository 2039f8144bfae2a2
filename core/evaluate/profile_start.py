"""What a profile fit begins with: pixels, weights and a mask of each galaxy, and starting values from its moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.stats import mad_std
from numpy.typing import NDArray
from scipy import ndimage

from core.data.segmentation import SKY, segment
from core.evaluate.least_squares import Array
from core.evaluate.profile_model import ProfileModel
from core.evaluate.settings import FitSettings
from core.simulate.profiles import Profiles
from core.simulate.psf import Psf
from core.simulate.renderer import render

_FEWEST_SKY = 30  # pixels from which the noise can be measured
_FEWEST_SEEN = 0.5  # share of the pixels of the galaxy's segment that must be finite
_BESIDE = np.ones((3, 3), bool)
_SMALLEST = 0.3  # of the apparent radius: the intrinsic one of a start is not smaller
_LARGEST_ETA = 2.0
_PIXEL = 1 / 12  # variance of a point within its pixel, for sources of one pixel
_INDICES, _SIZES = (0.8, 2.0, 4.0), (0.6, 1.0, 1.6)  # tried with a Sérsic profile; sizes over that of the moments
_BULGES_AND_DISKS = (  # tried with both, from the single profile: bulge's size, its index, disk's size
    (0.2, 4.0, 1.0),
    (0.2, 1.5, 1.0),
    (0.5, 3.0, 1.3),
    (0.5, 1.2, 1.3),
    (1.0, 2.5, 1.0),
    (1.6, 4.0, 0.5),
)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A stamp that can be fitted.

    Attributes
    ----------
    light
        float64 (P,): 0 where it is not used.
    variance
        (P,) of the sky, in units of the image squared; infinite where the pixel is not used.
    blank
        bool (P,): pixels without sources, on which the noise was measured; none where it was known.
    centre
        x and y from the centre of the stamp [pixels].
    flux, radius, eta, sky
        Starting values: total, half-light radius along the major axis as it appears [pixels], ellipticity, level.
    """

    light: Array
    variance: Array
    blank: NDArray[np.bool_]
    centre: tuple[float, float]
    flux: float
    radius: float
    eta: tuple[float, float]
    sky: float


def prepare(
    image: NDArray[np.float32], settings: FitSettings, sigma: NDArray[np.float32] | None = None
) -> Prepared | str:
    """Find the galaxy of a stamp, mask its neighbours and measure its noise; a reason if it cannot be fitted.

    Parameters
    ----------
    image
        (H, W): the band to fit.
    settings
        Of the fit.
    sigma
        (H, W): standard deviation of each pixel, where it is known; pixels where it is not positive are left out.
    """
    finite = np.isfinite(image)
    parts = segment(image[None], settings.segmentation.model_copy(update={"band": None}))
    if not parts.galaxy.any():
        return "no galaxy at the centre"
    if finite[parts.galaxy].mean() < _FEWEST_SEEN:
        return "most pixels of the galaxy are missing"
    neighbours = parts.neighbours
    if settings.mask_growth and neighbours.any():
        grown = np.asarray(ndimage.binary_dilation(neighbours, _BESIDE, settings.mask_growth), bool)
        neighbours = grown & ~parts.galaxy
    blank = (parts.labels == SKY) & ~neighbours & finite
    level = float(np.median(image[blank])) if blank.sum() >= _FEWEST_SKY else parts.sky_level
    if settings.sky == "subtracted":
        level = 0.0
    variance = _variance(image, blank, settings, sigma)
    if isinstance(variance, str):
        return variance
    used = finite & ~neighbours & np.isfinite(variance)
    light = np.where(used, image, level).astype(np.float64)
    centre, radius, eta, flux = _moments(light - level, parts.galaxy & used)
    if not flux > 0:
        return "no light above the sky"
    measured = blank if sigma is None and settings.noise is None else np.zeros_like(blank)
    return Prepared(
        np.where(used, light, 0.0).ravel(),
        np.where(used, variance, np.inf).ravel(),
        measured.ravel(),
        centre,
        flux,
        radius,
        eta,
        level,
    )


def _variance(
    image: NDArray[np.float32], blank: NDArray[np.bool_], settings: FitSettings, sigma: NDArray[np.float32] | None
) -> Array | str:
    """Variance of the sky in each pixel, or why it is not known."""
    if sigma is not None:
        with np.errstate(invalid="ignore"):
            return np.where(sigma > 0, np.square(sigma, dtype=np.float64), np.inf)
    noise = settings.noise
    if noise is None:
        if blank.sum() < _FEWEST_SKY:
            return "too little sky to measure the noise on"
        noise = float(mad_std(image[blank]))
        if not noise > 0:
            return "no noise in the sky: give its standard deviation"
    return np.full(image.shape, noise**2)


def _moments(light: Array, inside: NDArray[np.bool_]) -> tuple[tuple[float, float], float, tuple[float, float], float]:
    """Centre, half-light radius along the major axis, ellipticity and flux of the light of a segment."""
    height, width = light.shape
    rows, columns = np.nonzero(inside)
    weight = np.maximum(light[inside], 0.0)
    flux = float(weight.sum())
    if not flux > 0:
        return (0.0, 0.0), 1.0, (0.0, 0.0), 0.0
    x, y = columns - (width - 1) / 2, rows - (height - 1) / 2
    x0, y0 = float(weight @ x / flux), float(weight @ y / flux)
    dx, dy = x - x0, y - y0
    xx, yy, cross = (float(weight @ each / flux) for each in (dx * dx, dy * dy, dx * dy))
    half, mean, size = (xx - yy) / 2, (xx + yy) / 2 + _PIXEL, float(np.hypot((xx - yy) / 2, cross))
    axis_ratio = float(np.sqrt(max(mean - size, 1e-6) / (mean + size)))
    length = min(-np.log(max(axis_ratio, 1e-3)), _LARGEST_ETA)
    eta = (length * half / size, length * cross / size) if size > 0 else (0.0, 0.0)
    angle = 0.5 * np.arctan2(cross, half)
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    distance = np.hypot(along, across / axis_ratio)
    order = np.argsort(distance)
    place = int(np.searchsorted(np.cumsum(weight[order]), flux / 2))
    return (x0, y0), max(float(distance[order[min(place, len(order) - 1)]]), 0.5), eta, flux


def psf_radius(psf: Psf, size: int) -> float:
    """Half-light radius of the image of a star [pixels]."""
    zero, one = np.zeros(1), np.ones(1)
    star = Profiles(np.zeros(1, np.int64), one, zero, one, one, zero, zero, zero)
    image = np.asarray(render(star, psf, 1, size), np.float64)[0]
    _, radius, _, _ = _moments(image, np.ones(image.shape, bool))
    return radius


def start_single(model: ProfileModel, prepared: list[Prepared], weights: Array, blur: float) -> Array:
    """Starting parameters (m, K) of single Sérsic profiles: the best of some indices and sizes.

    Parameters
    ----------
    model
        Of one component.
    prepared, weights
        The m galaxies, and the weights of their pixels (m, P).
    blur
        Half-light radius of the point-spread function [pixels].
    """
    base = np.zeros((len(prepared), len(model.parameters)))
    base[:, model.places("x")] = [[each.centre[0]] for each in prepared]
    base[:, model.places("y")] = [[each.centre[1]] for each in prepared]
    base[:, model.places("eta")] = [each.eta for each in prepared]
    apparent = np.array([each.radius for each in prepared])
    radius = np.sqrt(np.maximum(apparent**2 - blur**2, (_SMALLEST * apparent) ** 2))
    tried = []
    for index in _INDICES:
        for size in _SIZES:
            trial = base.copy()
            trial[:, model.places("radius")[0]] = np.log(size * radius)
            trial[:, model.places("index")[0]] = np.log(index)
            tried.append(trial)
    return _best(model, prepared, weights, tried, 1)[0]


def start_double(
    model: ProfileModel, single: ProfileModel, fitted: Array, prepared: list[Prepared], weights: Array
) -> list[Array]:
    """Starting parameters of bulges and disks from fitted single profiles: the best two of some, (m, K) each."""
    base = np.zeros((len(prepared), len(model.parameters)))
    for kind in ("x", "y"):
        base[:, model.places(kind)] = fitted[:, single.places(kind)]
    for place in range(2):
        base[:, model.places("eta", place)] = fitted[:, single.places("eta")]
    radius = fitted[:, single.places("radius")[0]]
    tried = []
    for bulge, index, disk in _BULGES_AND_DISKS:
        trial = base.copy()
        trial[:, model.places("radius", 0)[0]] = radius + np.log(bulge)
        trial[:, model.places("radius", 1)[0]] = radius + np.log(disk)
        trial[:, model.places("index", 0)] = np.log(index)
        tried.append(trial)
    return _best(model, prepared, weights, tried, 2)


def _best(model: ProfileModel, prepared: list[Prepared], weights: Array, tried: list[Array], count: int) -> list[Array]:
    """The ``count`` trials of each galaxy with the lowest χ², the fluxes and the sky of each solved for."""
    light = np.stack([each.light for each in prepared])
    chi2, complete = [], []
    for trial in tried:
        solved = _solve_linear(model, trial, light, weights)
        left = light - model.evaluate(solved)
        chi2.append(np.einsum("mp,mp,mp->m", weights, left, left))
        complete.append(solved)
    order = np.argsort(np.array(chi2), axis=0)
    everything = np.array(complete)
    return [everything[order[rank], np.arange(len(prepared))] for rank in range(count)]


def _solve_linear(model: ProfileModel, parameters: Array, light: Array, weights: Array) -> Array:
    """The parameters with the fluxes and the sky of least χ²; negative fluxes become small positive ones."""
    columns = model.render_components(parameters)
    places = model.places("flux")
    if sky := model.places("sky"):
        columns = np.concatenate([columns, np.ones_like(columns[:, :1])], axis=1)
        places = places + sky
    weighted = columns * weights[:, None]
    normal = weighted @ columns.transpose(0, 2, 1)
    diagonal = np.einsum("mkk->mk", normal)
    normal = normal + 1e-9 * np.eye(len(places)) * diagonal[:, None]
    found = np.linalg.solve(normal, (weighted @ light[..., None]))[..., 0]
    fluxes = found[:, : len(model.components)]
    least = 0.02 * np.maximum(np.abs(fluxes).max(axis=1, keepdims=True), 1e-30)
    found[:, : len(model.components)] = np.maximum(fluxes, least)
    solved = parameters.copy()
    solved[:, places] = found
    return solved

"""The classical measurement beside the network's: profiles fitted to galaxies by least squares.

Each galaxy is fitted with a Sérsic profile, or with a bulge and a disk, convolved with the point-spread function and
integrated over the pixels by the renderer of the simulations, weighted with the noise. Neighbours are found by
segmentation and masked. The galaxies of a block are fitted together (:mod:`core.evaluate.least_squares`).

Error bars come from the covariance of the fit: they hold if the noise is independent from pixel to pixel, the
point-spread function is right and the galaxy is what the model says. Where they are not, as for resampled images with
correlated noise or for spirals, they are too small, and the reduced χ² shows only the latter. A bulge and a disk of
noisy galaxies have several solutions of about the same χ², and the error bars are those within the one that was found.
A galaxy that cannot be fitted has no values but the reason in the column ``fit``, which also tells of poor fits, with
a reduced χ² above 2, and of parameters at a limit.

References
----------
Sérsic 1963; Peng et al. 2002 (GALFIT); Häussler et al. 2007 (how far to trust such fits).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.stats import mad_std
from numpy.typing import NDArray
from scipy import ndimage

from core.data.cutouts import Cutouts
from core.errors import NotPossible, Stopped
from core.evaluate.fit_records import Collected, record
from core.evaluate.least_squares import Array, Solution, minimise
from core.evaluate.profile_model import UNITS, ProfileModel
from core.evaluate.profile_start import Prepared, prepare, psf_radius, start_double, start_single
from core.evaluate.settings import FitSettings
from core.events import NEVER, Progress, Work
from core.simulate.psf import Psf, build_psf
from core.simulate.psf_settings import PsfSettings
from core.wording import count_of

_PIXELS_AT_ONCE = 2**18  # of the stamps that are fitted together
_CORRELATED = 0.1  # of neighbouring pixels, from where the error bars are clearly too small
_FEWEST_PAIRS = 100  # of neighbouring pixels of blank sky, to know their correlation
_SCALE_DIGITS = 5  # pixel scales that agree so far have the same point-spread function


@dataclass(frozen=True, eq=False)
class ProfileFits:
    """Fitted profiles of n galaxies.

    Attributes
    ----------
    ids
        n ids, as text.
    rows
        int64 (n,): rows of the galaxies in their dataset.
    values, errors
        float64 (n,) by name: the values and their standard deviations; NaN where there are none.
    reduced_chi2
        (n,): χ² per degree of freedom.
    reasons
        n texts: why a galaxy has no values, or what is to be known of them; empty: nothing.
    is_fitted
        bool (n,): whether it has values.
    settings
        Of the fit.
    seconds
        That the fits took for each galaxy, of segmentation and reading too.
    remarks
        What is to be known of all of them, a sentence each.
    """

    ids: tuple[str, ...]
    rows: NDArray[np.int64]
    values: dict[str, Array]
    errors: dict[str, Array]
    reduced_chi2: Array
    reasons: list[str]
    is_fitted: NDArray[np.bool_]
    settings: FitSettings
    seconds: float
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def units(self) -> dict[str, str]:
        """Units of the values by name; empty text where they have none."""
        return {name: UNITS.get(name, "") for name in self.values}

    @property
    def columns(self) -> list[tuple[str, NDArray[Any], str]]:
        """The columns of a table: name, values and unit."""
        found: list[tuple[str, NDArray[Any], str]] = [("id", np.array(self.ids, dtype=str), "")]
        for name, values in self.values.items():
            unit = self.units[name]
            found += [(name, values, unit), (f"{name}_error", self.errors[name], unit)]
        return [*found, ("reduced_chi2", self.reduced_chi2, ""), ("fit", np.array(self.reasons, dtype=str), "")]

    @property
    def summary(self) -> str:
        """How many were fitted, why others were not, and how long it took, in a sentence or two."""
        failed: dict[str, int] = {}
        for reason, fitted in zip(self.reasons, self.is_fitted, strict=True):
            if not fitted:
                failed[reason] = failed.get(reason, 0) + 1
        why = "; ".join(f"{count:,}: {reason}" for reason, count in sorted(failed.items(), key=lambda each: -each[1]))
        count = int(self.is_fitted.sum())
        remarked = sum(bool(reason) for reason, fitted in zip(self.reasons, self.is_fitted, strict=True) if fitted)
        were = "was" if count == 1 else "were"
        done = f"{count:,} of {count_of(len(self), 'galaxy')} {were} fitted, in {self.seconds:.2g} s each."
        doubt = f" Of {remarked:,} of them the column “fit” says what is wrong with the values." if remarked else ""
        without = f" Without values are {why}." if why else ""
        return " ".join([f"{done}{doubt}{without}", *self.remarks])


def run(
    data: Path | str,
    psf: PsfSettings,
    settings: FitSettings | None = None,
    rows: NDArray[np.int64] | None = None,
    stop: threading.Event = NEVER,
    *,
    choice: NDArray[np.int64] | None = None,
    device: str = "cpu",
) -> Work[ProfileFits]:
    """Fit profiles to galaxies of a dataset, block by block.

    Yields :class:`~core.events.Progress`.

    Parameters
    ----------
    data
        The dataset; its stamps are square, and its pixel scale is known.
    psf
        The point-spread function of its images.
    settings
        None: the defaults, a Sérsic profile.
    rows
        Which galaxies, in any order; None: all.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    choice
        Where the point-spread function is a stack of images: which of them each galaxy of the dataset has. None: the
        first one for all, which is said.
    device
        That renders the models.

    Raises
    ------
    NotPossible
        The dataset has no such band, consists of 8-bit pictures, or of stamps that are not square.
    UnreadableFile, WrongVersion
        A file cannot be read.
    """
    settings = settings or FitSettings()
    began = time.perf_counter()
    with Cutouts.open(data) as cutouts:
        _require_fittable(cutouts, settings)
        chosen = np.arange(len(cutouts)) if rows is None else np.asarray(rows, np.int64)
        collected = Collected(len(chosen))
        done = 0
        yield Progress(0, len(chosen), "galaxies")
        planes = np.zeros(len(chosen), np.int64) if choice is None else choice[chosen]
        built: dict[float, Psf] = {}
        for places, scale in _blocks(cutouts, chosen, planes, collected):
            images = cutouts.images[chosen[places]][:, settings.band - 1]
            if scale not in built:
                built[scale] = build_psf(psf, scale)
            plane = built[scale].only(int(planes[places[0]]))
            _fit_block(images, places, scale, plane, settings, collected, stop, device)
            done += len(places)
            yield Progress(done, len(chosen), "galaxies")
        yield Progress(len(chosen), len(chosen), "galaxies")
        ids = tuple(cutouts.ids[row] for row in chosen)
    seconds = (time.perf_counter() - began) / max(len(chosen), 1)
    return ProfileFits(
        ids,
        chosen,
        collected.values,
        collected.errors,
        collected.chi2,
        collected.reasons,
        collected.is_fitted,
        settings,
        seconds,
        tuple(_remarks(max((each.count for each in built.values()), default=1) if choice is None else 1, collected)),
    )


def _remarks(stack: int, collected: Collected) -> list[str]:
    """What is to be known of all fits."""
    found: list[str] = []
    if stack > 1:
        found.append(
            f"The PSF is a stack of {stack:,} images, and which of them each galaxy has is not known: the first was "
            "used for all."
        )
    correlation = float(np.nanmedian(collected.correlation)) if np.isfinite(collected.correlation).any() else 0.0
    if correlation > _CORRELATED:
        found.append(
            f"The noise of neighbouring pixels is correlated ({correlation:.2f} in the blank sky), which the error "
            "bars of the fit do not know: they are too small."
        )
    return found


def _require_fittable(cutouts: Cutouts, settings: FitSettings) -> None:
    _, bands, height, width = cutouts.shape
    name = cutouts.path.name
    if cutouts.is_picture:
        raise NotPossible(
            "Profiles cannot be fitted to 8-bit pictures.", "Import calibrated images, such as FITS files.", name
        )
    if settings.band > bands:
        raise NotPossible(f"There is no band {settings.band} to fit.", f"There are {bands}.", name)
    if height != width:
        raise NotPossible(
            f"The stamps are {height} × {width} pixels, and profiles are fitted to square ones.",
            "Import the galaxies with square stamps.",
            name,
        )


def _blocks(
    cutouts: Cutouts, chosen: NDArray[np.int64], planes: NDArray[np.int64], collected: Collected
) -> Iterator[tuple[NDArray[np.int64], float]]:
    """Places of galaxies that are fitted together, of one image of the PSF, with their pixel scale in arcsec/pixel."""
    at_once = max(1, _PIXELS_AT_ONCE // (cutouts.shape[2] * cutouts.shape[3]))
    scales = np.array([float(f"{scale:.{_SCALE_DIGITS}g}") for scale in cutouts.pixel_scale[chosen]])
    for place in np.flatnonzero(~(scales > 0)):
        collected.reasons[place] = "the pixel scale is unknown"
    kinds = set(zip(scales[scales > 0].tolist(), planes[scales > 0].tolist(), strict=True))
    for scale, plane in sorted(kinds):
        places = np.flatnonzero((scales == scale) & (planes == plane))
        for start in range(0, len(places), at_once):
            yield places[start : start + at_once], scale


def _fit_block(
    images: NDArray[np.float32],
    places: NDArray[np.int64],
    scale: float,
    psf: Psf,
    settings: FitSettings,
    collected: Collected,
    stop: threading.Event,
    device: str,
) -> None:
    prepared: list[Prepared] = []
    kept: list[int] = []
    for place, image in zip(places.tolist(), images, strict=True):
        if stop.is_set():
            raise Stopped
        found = prepare(image, settings)
        if isinstance(found, str):
            collected.reasons[place] = found
        else:
            prepared.append(found)
            kept.append(place)
    if not prepared:
        return
    model, solution, used = fit(prepared, psf, images.shape[-1], settings, stop, device)
    left = np.stack([each.light for each in prepared]) - model.evaluate(solution.parameters)
    collected.correlation[kept] = [_correlation(one, each.blank) for one, each in zip(left, prepared, strict=True)]
    record(model, solution, used, np.array(kept), scale, settings, collected)


def fit(
    prepared: list[Prepared],
    psf: Psf,
    size: int,
    settings: FitSettings,
    stop: threading.Event = NEVER,
    device: str = "cpu",
) -> tuple[ProfileModel, Solution, NDArray[np.int64]]:
    """Fit prepared galaxies on stamps of one size through one point-spread function.

    Returns
    -------
    tuple
        The model, its best parameters in pixels, and how many pixels were used of each galaxy (m,).
    """
    light = np.stack([each.light for each in prepared])
    variance = np.stack([each.variance for each in prepared])
    flux = np.array([each.flux for each in prepared])
    weights = 1 / (variance + _photon_noise(light, prepared, settings))
    single = ProfileModel(settings.model_copy(update={"model": "Sérsic"}), psf, size, device)

    def solve(model: ProfileModel, start: Array) -> Solution:
        return minimise(model, light, weights, start, model.limits(flux), most_steps=settings.most_steps, stop=stop)

    model = single
    solution = solve(single, start_single(single, prepared, weights, psf_radius(psf, size)))
    if settings.model != "Sérsic":
        model = ProfileModel(settings, psf, size, device)
        starts = start_double(model, single, solution.parameters, prepared, weights)
        solution = _better(*(solve(model, start) for start in starts))
    images = model.evaluate(solution.parameters)
    variance = _remeasure(variance, light - images, prepared)
    if settings.gain is not None:  # of the model instead of that of the noisy image
        variance = variance + np.maximum(images - _sky_of(model, solution.parameters), 0) / settings.gain
    if settings.gain is not None or settings.noise is None:
        weights = 1 / variance
        solution = solve(model, solution.parameters)
    return model, solution, np.isfinite(variance).sum(axis=1)


def _remeasure(variance: Array, left: Array, prepared: list[Prepared]) -> Array:
    """The variance of the sky from the residuals: the first held the wings of the galaxy around its segment, too."""
    found = variance.copy()
    for place, each in enumerate(prepared):
        if each.blank.any():
            found[place, np.isfinite(variance[place])] = mad_std(left[place, each.blank]) ** 2
    return found


def _correlation(left: Array, blank: NDArray[np.bool_]) -> float:
    """Of the noise of pixels side by side: the mean product of neighbours in the blank sky over the variance."""
    side = round(np.sqrt(len(left)))
    sky = np.where(blank, left - np.median(left[blank]), np.nan).reshape(side, side) if blank.any() else None
    if sky is None:
        return np.nan
    limit = 4 * mad_std(sky, ignore_nan=True)
    sky[np.abs(sky) > limit] = np.nan
    products = np.concatenate([(sky[:, 1:] * sky[:, :-1]).ravel(), (sky[1:] * sky[:-1]).ravel()])
    there, variance = np.isfinite(products), np.nanmean(sky**2)
    return float(products[there].mean() / variance) if there.sum() > _FEWEST_PAIRS and variance > 0 else np.nan


def _photon_noise(light: Array, prepared: list[Prepared], settings: FitSettings) -> Array | float:
    """Variance of the galaxies' own light (m, P), from the smoothed image: from each noisy pixel it would be biased."""
    if settings.gain is None:
        return 0.0
    size = round(np.sqrt(light.shape[1]))
    above = (light - np.array([[each.sky] for each in prepared])).reshape(-1, size, size)
    return np.maximum(ndimage.gaussian_filter(above, (0, 1, 1)), 0).reshape(light.shape) / settings.gain


def _sky_of(model: ProfileModel, parameters: Array) -> Array:
    places = model.places("sky")
    return parameters[:, places] if places else np.zeros((len(parameters), 1))


def _better(one: Solution, other: Solution) -> Solution:
    """Of each galaxy the solution with the smaller χ²."""
    take = other.chi2 < one.chi2
    return Solution(
        *(
            np.where(take.reshape(-1, *[1] * (mine.ndim - 1)), theirs, mine)
            for mine, theirs in (
                (one.parameters, other.parameters),
                (one.covariance, other.covariance),
                (one.chi2, other.chi2),
                (one.at_limit, other.at_limit),
                (one.has_converged, other.has_converged),
                (one.steps, other.steps),
            )
        )
    )

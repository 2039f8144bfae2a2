r"""Galaxy, neighbours and sky in one stamp.

What rises above the sky is cut into sources, and sources that touch are told apart where there is a deep saddle
between them; along a shallow one, they are arms or knots of one galaxy. The source at the centre is the galaxy. A
large galaxy may fill the stamp up to its border, so the sky is not looked for there: its level is the faint end of
the smoothed image, wherever that is, and its noise is the scatter *below* that level, where there is no source, or
the ripple over the surroundings where that is less.
Segmentation maps that a dataset brings along are not used.

References
----------
Bertin & Arnouts 1996, A&AS 117, 393 (detection and deblending); Bradley et al., photutils.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from photutils.segmentation import SegmentationImage, deblend_sources
from scipy import ndimage
from skimage import measure

from core.data.settings import SegmentationSettings
from core.errors import NotPossible

SKY, GALAXY = 0, 1
_CENTRE_TOLERANCE = (
    0.125  # of the shorter side: a source further from the centre is not the galaxy that the stamp is of
)
_SKY_PERCENTILE = 10.0  # per cent of the smoothed image that is fainter than the sky's level
_SKY_SMOOTHING = 2.0  # pixels
_SKY_ITERATIONS = 2  # in which the level is found again, as the median of what is
_SKY_CLIP_SIGMA = 2.0  # standard deviations above it at most
_LOCAL_SCALE = 2.8  # smoothings
_LOCAL_SCATTER_CORRECTION = 1.2  # smoothed white noise has so much more scatter than its ripple over these surroundings
_MAD_TO_SIGMA = 1.4826  # standard deviations of a Gaussian in its median distance from a level that is given
_MIN_NOISE = 3e-4  # of the brightest pixel above the sky: simulated skies and 8-bit ones may have none
_CONSTANT_TOLERANCE = 1e-6
_EIGHT_CONNECTED = np.ones((3, 3), np.int64)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Which pixels of a stamp show what.

    Attributes
    ----------
    labels
        int64 (H, W): 0 sky, 1 the galaxy, 2 and more its neighbours, the largest first. Without a galaxy at the
        centre there is no 1.
    sky_level, sky_noise
        Of the image that was looked at, in its units.
    """

    labels: NDArray[np.int64]
    sky_level: float
    sky_noise: float

    @cached_property
    def galaxy(self) -> NDArray[np.bool_]:
        """Where the galaxy is, (H, W)."""
        return self.labels == GALAXY

    @cached_property
    def neighbours(self) -> NDArray[np.bool_]:
        """Where any neighbour is, (H, W)."""
        return self.labels > GALAXY

    @cached_property
    def sky(self) -> NDArray[np.bool_]:
        """Where nothing is, (H, W)."""
        return self.labels == SKY

    @property
    def neighbour_labels(self) -> tuple[int, ...]:
        """The label of each neighbour."""
        return tuple(range(GALAXY + 1, int(self.labels.max()) + 1))

    def contours(self, label: int) -> list[NDArray[np.float64]]:
        """The outlines of a source: for each an array (n, 2) of x and y in pixels from the centre of the first one.

        The first point comes again as the last. Holes have outlines of their own.
        """
        padded = np.pad(self.labels == label, 1).astype(np.float64)
        return [line[:, ::-1] - 1 for line in measure.find_contours(padded, 0.5)]


def segment(image: NDArray[np.float32], settings: SegmentationSettings | None = None) -> Segmentation:
    """Tell galaxy, neighbours and sky apart.

    Never fails on an image that shows nothing: then all is sky.

    Parameters
    ----------
    image
        (C, H, W), calibrated or a picture; pixels that are not finite count as sky.
    settings
        None: the defaults.

    Raises
    ------
    NotPossible
        There is no such band.
    """
    settings = settings or SegmentationSettings()
    smoothed = ndimage.gaussian_filter(_mean_band(image, settings.band), settings.smoothing)  # (H, W)
    level, noise = _estimate_sky(smoothed, settings.smoothing)
    if noise == 0:
        return Segmentation(np.zeros(smoothed.shape, np.int64), level, noise)
    smoothed -= level
    found = _detect(smoothed, settings.threshold * noise, settings.fewest_pixels)
    if found.any() and settings.contrast < 1:
        found = _deblend(smoothed, found, settings)
    return Segmentation(_relabel(found), level, noise)


def _mean_band(image: NDArray[np.float32], band: int | None) -> NDArray[np.float64]:
    if band is not None and band > len(image):
        raise NotPossible(f"There is no band {band} to look for sources in.", f"There are {len(image)}.", "band")
    light = np.asarray(image if band is None else image[band - 1 : band], np.float64).mean(axis=0)
    finite = np.isfinite(light)
    return np.where(finite, light, np.median(light[finite]) if finite.any() else 0.0)


def _estimate_sky(smoothed: NDArray[np.float64], smoothing: float) -> tuple[float, float]:
    """Level and noise of the sky in the smoothed image; no noise: it is the same everywhere."""
    faintest, brightest = float(smoothed.min()), float(smoothed.max())
    if brightest - faintest <= _CONSTANT_TOLERANCE * max(abs(faintest), abs(brightest)):
        return faintest, 0.0
    level = max(faintest, float(np.percentile(ndimage.gaussian_filter(smoothed, _SKY_SMOOTHING), _SKY_PERCENTILE)))
    ripple = _local_scatter(smoothed, smoothing)
    for _ in range(_SKY_ITERATIONS):
        noise = min(ripple, _scatter_below(level, smoothed))
        level = float(np.median(smoothed[smoothed <= level + _SKY_CLIP_SIGMA * noise]))
    noise = min(ripple, _scatter_below(level, smoothed))
    return level, max(noise, _MIN_NOISE * (brightest - level))


def _local_scatter(smoothed: NDArray[np.float64], smoothing: float) -> float:
    """Scatter of the fainter half about its surroundings, which a slope does not raise."""
    off = smoothed - ndimage.gaussian_filter(smoothed, _LOCAL_SCALE * max(1.0, smoothing))
    return _LOCAL_SCATTER_CORRECTION * _MAD_TO_SIGMA * float(np.median(np.abs(off[smoothed <= np.median(smoothed)])))


def _scatter_below(level: float, smoothed: NDArray[np.float64]) -> float:
    below = level - smoothed[smoothed < level]
    return _MAD_TO_SIGMA * float(np.median(below)) if len(below) else 0.0


def _detect(smoothed: NDArray[np.float64], threshold: float, fewest: int) -> NDArray[np.int64]:
    """Connected pixels above the threshold, numbered; small ones left out."""
    numbers = np.zeros(smoothed.shape, np.int64)
    ndimage.label(smoothed > threshold, _EIGHT_CONNECTED, output=numbers)
    areas = np.bincount(numbers.ravel())
    return np.where(areas[numbers] >= fewest, numbers, SKY)


def _deblend(
    smoothed: NDArray[np.float64], found: NDArray[np.int64], settings: SegmentationSettings
) -> NDArray[np.int64]:
    """Sources that touch, told apart, save for the galaxy's own parts."""
    whole = SegmentationImage(found)
    parts = deblend_sources(
        smoothed, whole, settings.fewest_pixels, contrast=settings.contrast, progress_bar=False
    ).data.astype(np.int64)
    galaxy = _central_source(parts)
    while (part := _find_own_part(smoothed, parts, galaxy, settings.saddle)) is not None:
        parts[parts == part] = galaxy
    return parts


def _find_own_part(smoothed: NDArray[np.float64], parts: NDArray[np.int64], galaxy: int, highest: float) -> int | None:
    """A source that touches the galaxy with no deep saddle in between; None: no such."""
    is_galaxy = parts == galaxy
    if galaxy == SKY:
        return None
    beside = np.asarray(ndimage.binary_dilation(is_galaxy, _EIGHT_CONNECTED), bool)
    for part in np.unique(parts[beside]):
        if part not in (SKY, galaxy):
            is_part = parts == part
            lower_peak = min(smoothed[is_part].max(), smoothed[is_galaxy].max())
            if smoothed[beside & is_part].max() > highest * lower_peak:
                return int(part)
    return None


def _relabel(found: NDArray[np.int64]) -> NDArray[np.int64]:
    """The galaxy first, then its neighbours by size."""
    areas = np.bincount(found.ravel())
    areas[SKY] = 0
    order = [int(label) for label in np.argsort(-areas, kind="stable") if areas[label]]
    galaxy = _central_source(found)
    new = np.zeros(len(areas), np.int64)
    others = [label for label in order if label != galaxy]
    new[others] = GALAXY + 1 + np.arange(len(others))
    if galaxy != SKY:
        new[galaxy] = GALAXY
    return new[found]


def _central_source(found: NDArray[np.int64]) -> int:
    """The source that holds the centre, or is nearest to it and not far; 0: none."""
    height, width = found.shape
    y, x = np.indices(found.shape)
    distance = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    distance[found == SKY] = np.inf
    nearest = int(distance.argmin())
    return int(found.flat[nearest]) if distance.flat[nearest] <= _CENTRE_TOLERANCE * min(height, width) else SKY

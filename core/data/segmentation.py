r"""Segmentation of a stamp into galaxy, neighbours and sky.

Sources are connected pixels above the sky; touching sources are deblended where the saddle between them is deep, while
sources with a shallow saddle are merged as arms or knots of one galaxy. The source at the centre is the galaxy. A large
galaxy may fill the stamp up to its border, so the sky is not measured there: its level is the faint end of the smoothed
image, and its noise is the scatter *below* that level, where there are no sources, or the local scatter about the
surroundings if that is smaller. Segmentation maps that come with a dataset are not used.

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
_CENTRE_TOLERANCE = 0.125  # of the shorter side: a source further from the centre is not the galaxy
_SKY_PERCENTILE = 10.0  # of the smoothed image: the first estimate of the sky level
_SKY_SMOOTHING = 2.0  # pixels
_SKY_ITERATIONS = 2  # of sigma-clipping, in which the level becomes the median of the pixels kept
_SKY_CLIP_SIGMA = 2.0  # pixels further above the level are clipped
_LOCAL_SCALE = 2.8  # standard deviation of the local mean, in units of the smoothing
_LOCAL_SCATTER_CORRECTION = 1.2  # ratio of the total to the local scatter, for smoothed white noise
_MAD_TO_SIGMA = 1.4826  # from the median absolute deviation of a Gaussian to its standard deviation
_MIN_NOISE = 3e-4  # of the brightest pixel above the sky: simulated and 8-bit images may have no noise
_CONSTANT_TOLERANCE = 1e-6
_EIGHT_CONNECTED = np.ones((3, 3), np.int64)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The segmentation map of a stamp.

    Attributes
    ----------
    labels
        int64 (H, W): 0 sky, 1 the galaxy, 2 and above its neighbours, the largest first. Without a galaxy at the
        centre there is no 1.
    sky_level, sky_noise
        Level and noise of the sky in the smoothed image, in its units.
    """

    labels: NDArray[np.int64]
    sky_level: float
    sky_noise: float

    @cached_property
    def galaxy(self) -> NDArray[np.bool_]:
        """Mask (H, W) of the galaxy."""
        return self.labels == GALAXY

    @cached_property
    def neighbours(self) -> NDArray[np.bool_]:
        """Mask (H, W) of all neighbours."""
        return self.labels > GALAXY

    @cached_property
    def sky(self) -> NDArray[np.bool_]:
        """Mask (H, W) of the sky."""
        return self.labels == SKY

    @property
    def neighbour_labels(self) -> tuple[int, ...]:
        """The label of each neighbour."""
        return tuple(range(GALAXY + 1, int(self.labels.max()) + 1))

    def contours(self, label: int) -> list[NDArray[np.float64]]:
        """The contours of a source: an array (n, 2) of x and y each, in pixels from the centre of the first pixel.

        The last point repeats the first. Holes have contours of their own.
        """
        padded = np.pad(self.labels == label, 1).astype(np.float64)
        return [line[:, ::-1] - 1 for line in measure.find_contours(padded, 0.5)]


def segment(image: NDArray[np.float32], settings: SegmentationSettings | None = None) -> Segmentation:
    """Segment a stamp into galaxy, neighbours and sky.

    An image without sources is all sky.

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
    """Level and noise of the sky in the smoothed image; the noise is 0 if the image is constant."""
    faintest, brightest = float(smoothed.min()), float(smoothed.max())
    if brightest - faintest <= _CONSTANT_TOLERANCE * max(abs(faintest), abs(brightest)):
        return faintest, 0.0
    level = max(faintest, float(np.percentile(ndimage.gaussian_filter(smoothed, _SKY_SMOOTHING), _SKY_PERCENTILE)))
    local = _local_scatter(smoothed, smoothing)
    for _ in range(_SKY_ITERATIONS):
        noise = min(local, _scatter_below(level, smoothed))
        level = float(np.median(smoothed[smoothed <= level + _SKY_CLIP_SIGMA * noise]))
    noise = min(local, _scatter_below(level, smoothed))
    return level, max(noise, _MIN_NOISE * (brightest - level))


def _local_scatter(smoothed: NDArray[np.float64], smoothing: float) -> float:
    """Scatter of the fainter half of the pixels about the local mean, which a gradient does not raise."""
    off = smoothed - ndimage.gaussian_filter(smoothed, _LOCAL_SCALE * max(1.0, smoothing))
    return _LOCAL_SCATTER_CORRECTION * _MAD_TO_SIGMA * float(np.median(np.abs(off[smoothed <= np.median(smoothed)])))


def _scatter_below(level: float, smoothed: NDArray[np.float64]) -> float:
    below = level - smoothed[smoothed < level]
    return _MAD_TO_SIGMA * float(np.median(below)) if len(below) else 0.0


def _detect(smoothed: NDArray[np.float64], threshold: float, fewest: int) -> NDArray[np.int64]:
    """Label connected pixels above the threshold, leaving out small groups."""
    numbers = np.zeros(smoothed.shape, np.int64)
    ndimage.label(smoothed > threshold, _EIGHT_CONNECTED, output=numbers)
    areas = np.bincount(numbers.ravel())
    return np.where(areas[numbers] >= fewest, numbers, SKY)


def _deblend(
    smoothed: NDArray[np.float64], found: NDArray[np.int64], settings: SegmentationSettings
) -> NDArray[np.int64]:
    """Deblend touching sources, keeping the parts of the central galaxy together."""
    whole = SegmentationImage(found)
    parts = deblend_sources(
        smoothed, whole, settings.fewest_pixels, contrast=settings.contrast, progress_bar=False
    ).data.astype(np.int64)
    galaxy = _central_source(parts)
    while (part := _find_own_part(smoothed, parts, galaxy, settings.saddle)) is not None:
        parts[parts == part] = galaxy
    return parts


def _find_own_part(smoothed: NDArray[np.float64], parts: NDArray[np.int64], galaxy: int, highest: float) -> int | None:
    """A source that touches the galaxy without a deep saddle between them; None if there is none."""
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
    """Renumber the sources: the galaxy first, then its neighbours by size."""
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
    """The source at the centre, or the nearest within the tolerance; 0 if there is none."""
    height, width = found.shape
    y, x = np.indices(found.shape)
    distance = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2)
    distance[found == SKY] = np.inf
    nearest = int(distance.argmin())
    return int(found.flat[nearest]) if distance.flat[nearest] <= _CENTRE_TOLERANCE * min(height, width) else SKY

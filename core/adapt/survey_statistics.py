"""What the pixels of a survey are like, for a network: size of galaxies, sky noise, saturation, values after scaling.

Both surveys of an adaptation are measured alike, with the bands that feed the network and in the unit of its training,
so that their numbers and histograms can stand side by side.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import trim_mean

from core.adapt.surveys import draw_sample
from core.data import size
from core.data.cutouts import Cutouts
from core.data.sample_statistics import measure_sample
from core.events import NEVER, Progress, Work
from core.nets.normalisation import Normalisation
from core.nets.training_range import STATISTICS, measure_images

SAMPLE = 256  # galaxies of each survey
BINS = 80  # of the histograms
_SHOWN = (0.001, 0.999)  # quantiles of the values between which the histograms go
_FLAT_CORE = 4  # pixels that share the largest value of a stamp: fewer do so by chance
_BATCH = 64
_MAD_TO_SIGMA = 1.4826
_TRIMMED = 0.1  # share of the radii left out at either end


@dataclass(frozen=True, eq=False)
class SurveyStatistics:
    """What was measured on a sample of the galaxies of a survey, by band where there are several numbers.

    Attributes
    ----------
    galaxies
        In the sample.
    bands
        Names of the C bands of the network.
    stamp
        (H, W) of the stamps [pixels].
    pixel_scale
        Median [arcsec/pixel]; NaN if unknown.
    radius
        Typical half-light radius of the galaxies [pixels], the point-spread function included, of the mean of the
        bands: the trimmed geometric mean; NaN where more than half of them cannot be told from the sky. How deep the
        images are hardly matters for it.
    noise
        (C,) median standard deviation of the sky in a pixel, in the unit of the training images.
    correlation
        (C,) correlation of the sky in neighbouring pixels: of resampled or drizzled images it is high.
    peak_to_noise
        (C,) median ratio of the brightest pixel, above the background, to the noise.
    saturated
        (C,) share of the stamps in which several pixels share the largest value.
    scaled
        float32 (C, P): a random sample of the pixels after the network's input scaling.
    mean, deviation
        (C,) of all pixels after the input scaling.
    """

    galaxies: int
    bands: tuple[str, ...]
    stamp: tuple[int, int]
    pixel_scale: float
    radius: float
    noise: NDArray[np.float64]
    correlation: NDArray[np.float64]
    peak_to_noise: NDArray[np.float64]
    saturated: NDArray[np.float64]
    scaled: NDArray[np.float32]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        numbers = ("noise", "correlation", "peak_to_noise", "saturated", "mean", "deviation")
        return {
            "galaxies": self.galaxies,
            "bands": list(self.bands),
            "stamp": list(self.stamp),
            "pixel_scale": _or_none(self.pixel_scale),
            "half_light_radius": _or_none(self.radius),
            **{name: [_or_none(value) for value in getattr(self, name)] for name in numbers},
        }


@dataclass(frozen=True, eq=False)
class SurveySample:
    """Some stamps of a survey, and what was measured on them; ``images`` is float32 (n, C, H, W) before scaling."""

    images: NDArray[np.float32]
    statistics: SurveyStatistics


def measure(
    cutouts: Cutouts, rows: NDArray[np.int64], scaling: Normalisation, stop: threading.Event = NEVER
) -> Work[SurveySample]:
    """Measure a sample of these galaxies.

    Parameters
    ----------
    cutouts
        With the bands that feed the network.
    rows
        From which the sample is drawn; at least one.
    scaling
        The network's input scaling.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    """
    images = cutouts.images[draw_sample(rows, SAMPLE)]
    stamps = size.choose_sample(np.arange(len(images)))
    radii: list[float] = []
    for done, place in enumerate(stamps.tolist()):
        yield Progress(done, len(stamps), "galaxies")
        radii += measure_sample([images[place].mean(axis=0)], stop).radius.tolist()
    yield Progress(len(stamps), len(stamps), "galaxies")
    simple = measure_images(images).reshape(len(images), images.shape[1], len(STATISTICS))
    noise, peak = simple[:, :, STATISTICS.index("noise")], simple[:, :, STATISTICS.index("peak")]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(noise > 0, peak / noise, np.nan)
    scaled = scale(images, scaling)
    flat = scaled.transpose(1, 0, 2, 3).reshape(images.shape[1], -1)
    pixels = draw_sample(np.arange(flat.shape[1]), 200_000)
    statistics = SurveyStatistics(
        galaxies=len(images),
        bands=tuple(band.name for band in cutouts.bands),
        stamp=(images.shape[2], images.shape[3]),
        pixel_scale=cutouts.median_pixel_scale,
        radius=_typical_radius(radii),
        noise=np.median(noise, axis=0),
        correlation=_correlate_neighbours(images),
        peak_to_noise=_median_of_known(ratio),
        saturated=_share_saturated(images),
        scaled=flat[:, pixels],
        mean=flat.mean(axis=1, dtype=np.float64),
        deviation=flat.std(axis=1, dtype=np.float64),
    )
    return SurveySample(images, statistics)


@torch.no_grad()
def scale(images: NDArray[np.float32], scaling: Normalisation) -> NDArray[np.float32]:
    """Images (n, C, H, W) after an input scaling, a few at a time."""
    scaling = scaling.to("cpu")
    parts = [scaling(torch.from_numpy(images[start : start + _BATCH])) for start in range(0, len(images), _BATCH)]
    return torch.cat(parts).numpy()


def share_outside(values: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of pixels (C, P) that lie outside the range of 99.8 % of those of another sample, by band."""
    low, high = np.quantile(usual, _SHOWN, axis=1, keepdims=True)
    return ((values < low) | (values > high)).mean(axis=1)


def histograms(*samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Histograms of the pixels (C, P) of several samples over the same bins.

    Returns
    -------
    edges
        (BINS + 1,)
    densities
        For each sample (C, BINS): the share of the pixels per unit of the scaled values.
    """
    limits = np.array([np.quantile(sample, _SHOWN) for sample in samples])
    low, high = float(limits[:, 0].min()), float(limits[:, 1].max())
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    width = edges[1] - edges[0]
    counted = [np.stack([np.histogram(band, edges)[0] for band in sample]) / width for sample in samples]
    return edges, [count / sample.shape[1] for count, sample in zip(counted, samples, strict=True)]


def _correlate_neighbours(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation (C,) of neighbouring pixels of the sky: in the lowest and the highest row of each stamp."""
    rows = images[:, :, [0, -1], :].astype(np.float64)  # (n, C, 2, W)
    rows -= np.median(rows, axis=3, keepdims=True)
    limit = 5 * _MAD_TO_SIGMA * np.median(np.abs(rows), axis=(2, 3), keepdims=True)
    rows = np.clip(rows, -limit, limit)  # a bright neighbour at the border is no noise
    with np.errstate(divide="ignore", invalid="ignore"):
        return (rows[..., 1:] * rows[..., :-1]).mean(axis=(0, 2, 3)) / (rows**2).mean(axis=(0, 2, 3))


def _typical_radius(radii: Sequence[float]) -> float:
    """The geometric mean without the smallest and largest tenth; a median would jump between two kinds of galaxies."""
    known = [radius for radius in radii if math.isfinite(radius) and radius > 0]
    if 2 * len(known) < max(1, len(radii)):
        return math.nan
    return float(np.exp(trim_mean(np.log(known), _TRIMMED)))


def _share_saturated(images: NDArray[np.float32]) -> NDArray[np.float64]:
    flat = images.reshape(*images.shape[:2], -1)
    return ((flat == flat.max(axis=2, keepdims=True)).sum(axis=2) >= _FLAT_CORE).mean(axis=0)


def _median_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median (C,) over the first axis of what is known; NaN where nothing is."""
    return np.array([np.median(known) if len(known := band[np.isfinite(band)]) else np.nan for band in values.T])


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

"""Sky noise and apparent size of some galaxies, measured alike on any stamps, so that two samples can be compared."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from astropy.stats import mad_std
from numpy.typing import NDArray

from core.data.segmentation import segment
from core.errors import Stopped
from core.events import NEVER

SAMPLE = 64  # galaxies, whose histogram shows a difference of a third of its width
_FEWEST_SKY = 30  # pixels that a noise is estimated from


@dataclass(frozen=True, eq=False)
class SampleStatistics:
    """What was measured on each galaxy of a sample.

    Attributes
    ----------
    noise
        (n,) standard deviation of the sky in a pixel, in the unit of the stamps; NaN where no sky is seen.
    radius
        (n,) radius in pixels of the circle about the galaxy's centre with half of the light above the sky in its
        segment, the point-spread function included; NaN where no galaxy is found at the centre.
    """

    noise: NDArray[np.float64]
    radius: NDArray[np.float64]


def measure_sample(planes: Iterable[NDArray[np.float32]], stop: threading.Event = NEVER) -> SampleStatistics:
    """Measure noise and size of galaxies.

    Parameters
    ----------
    planes
        One band of each stamp, (H, W).
    stop
        Looked at before each galaxy.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    measured: list[tuple[float, float]] = []
    for plane in planes:
        if stop.is_set():
            raise Stopped
        measured.append(_measure(plane))
    noise, radius = np.array(measured, np.float64).reshape(-1, 2).T
    return SampleStatistics(noise, radius)


def _measure(plane: NDArray[np.float32]) -> tuple[float, float]:
    """Noise and radius of one galaxy."""
    found = segment(plane[None])
    sky = plane[found.sky & np.isfinite(plane)].astype(np.float64)
    level = float(np.median(sky)) if len(sky) else 0.0
    noise = float(mad_std(sky)) if len(sky) >= _FEWEST_SKY else np.nan
    y, x = np.nonzero(found.galaxy & np.isfinite(plane))
    light = plane[y, x].astype(np.float64) - level
    total = light.sum()
    if not total > 0:
        return noise, np.nan
    distance = np.hypot(x - (light * x).sum() / total, y - (light * y).sum() / total)
    order = np.argsort(distance)
    within = np.cumsum(light[order]) - light[order] / 2  # to the middle of each pixel
    return noise, float(distance[order][int(np.argmax(within >= total / 2))])

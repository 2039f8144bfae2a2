"""Deciding whether cutouts are cropped to the stamp size or resampled to it.

On a sample of the cutouts the central galaxy is segmented. A galaxy counts as *cut* if more than
:data:`MOST_LOST` of its light would lie outside a crop to the stamp size, where light is the sum over its segment of
the mean of the bands above the sky. All cutouts are resampled if more than :data:`MOST_CUT` of the galaxies would be
cut; else they are cropped or padded, also if fewer than half of the larger cutouts have a galaxy at their centre that
can be told from the sky. A cutout that is not larger than the stamps loses nothing.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.settings import ImportSettings
from core.errors import Stopped
from core.events import NEVER, Progress, Work

LOOKS = 32  # galaxies of the sample
MOST_LOST = 0.05  # of the light of one galaxy
MOST_CUT = 0.1  # of the galaxies
_LARGEST = 160  # pixels along a side on which galaxies are segmented; larger cutouts are binned first


@dataclass(frozen=True, eq=False)
class Look:
    """A cutout that is kept for the decision.

    Attributes
    ----------
    pixels
        The cutout (C, H, W); of a large one its binned mean (1, h, w).
    binning
        Pixels of the cutout along the side of one of these.
    height, width
        Of the cutout [pixels].
    """

    pixels: NDArray[np.generic]
    binning: int
    height: int
    width: int

    @property
    def image(self) -> NDArray[np.float32]:
        """float32 (h, w): the mean of the bands, binned."""
        return _bin(self.pixels, 1) if self.binning == 1 else self.pixels[0].astype(np.float32, copy=False)


def look_at(image: NDArray[np.generic]) -> Look:
    """Keep a cutout (C, H, W) for the decision, or of a large one the binned mean of its bands."""
    height, width = image.shape[-2:]
    binning = max(1, min(math.ceil(max(height, width) / _LARGEST), height, width))
    return Look(image if binning == 1 else _bin(image, binning)[np.newaxis], binning, height, width)


def _bin(image: NDArray[np.generic], binning: int) -> NDArray[np.float32]:
    """The mean of the bands of (C, H, W), binned; missing pixels take the median."""
    height, width = image.shape[-2:]
    rows, columns = height - height % binning, width - width % binning  # a strip at the top and the right is left out
    known = np.where(np.isfinite(image), image, np.nan).astype(np.float32)[:, :rows, :columns]
    blocks = known.reshape(len(image), rows // binning, binning, columns // binning, binning)
    with np.errstate(all="ignore"):
        counts = np.isfinite(blocks).sum(axis=(0, 2, 4))
        mean = np.nansum(blocks, axis=(0, 2, 4), dtype=np.float64) / counts
    finite = np.isfinite(mean)
    middle = float(np.median(mean[finite])) if finite.any() else 0.0
    return np.where(finite, mean, middle).astype(np.float32)


def lost_light(look: Look, size: int) -> float | None:
    """The share of the central galaxy's light outside a crop to ``size`` pixels; None if no galaxy is found."""
    from core.data.segmentation import segment  # late: its imports take a second

    image = look.image
    found = segment(image[np.newaxis])
    light = np.where(found.galaxy, np.clip(image - found.sky_level, 0, None), 0)  # (h, w)
    total = float(light.sum())
    if not total:
        return None
    inside = np.outer(
        _inside(look.height, size, look.binning, len(light)), _inside(look.width, size, look.binning, light.shape[1])
    )
    return 1 - float(light[inside].sum()) / total


def _inside(length: int, size: int, binning: int, count: int) -> NDArray[np.bool_]:
    """Which pixels of the image along one side the crop keeps."""
    first = (length - size) // 2
    centres = (np.arange(count) + 0.5) * binning
    return (centres > first) & (centres < first + size)


def decide(
    settings: ImportSettings, size: int, looks: list[Look], stop: threading.Event = NEVER
) -> Work[tuple[ImportSettings, str]]:
    """Decide how cutouts are fitted to stamps of ``size`` pixels, unless the settings say it.

    Returns
    -------
    tuple
        The settings with the fit decided, and a sentence on why; empty where there was nothing to decide.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    if not settings.decides_fit:
        return settings, ""
    lost: list[float | None] = []
    larger = [look for look in looks if max(look.height, look.width) > size]
    for done, look in enumerate(larger):
        if stop.is_set():
            raise Stopped
        yield Progress(done, len(larger), "galaxies")
        lost.append(lost_light(look, size))
    measured = np.array([share for share in lost if share is not None])
    fit, sentence = _judge(measured, len(larger), len(looks), f"a crop to {size} × {size} pixels")
    return settings.model_copy(update={"fit": fit}), sentence


def _judge(measured: NDArray[np.float64], larger: int, looks: int, crop: str) -> tuple[str, str]:
    """The fit and the sentence, from the lost light of those of the larger cutouts that have a galaxy."""
    if not larger:
        return "crop or pad", ""
    if 2 * len(measured) < larger:
        return "crop or pad", (
            f"The cutouts are cropped or padded about their centre; whether {crop} cuts the galaxies is not known, "
            f"since only {len(measured)} of {larger} sampled ones can be told from the sky."
        )
    count = len(measured) + looks - larger
    cut, most = int((measured > MOST_LOST).sum()), float(measured.max())
    if cut > MOST_CUT * count:
        middle = float(np.median(np.concatenate([measured, np.zeros(looks - larger)])))
        return "resample", (
            f"The cutouts are resampled as a whole: {crop} would cut {cut} of {count} sampled galaxies by more than "
            f"{MOST_LOST:.0%} of their light; over all {count}, they lose {middle:.0%} in the median, {most:.0%} at "
            "most."
        )
    return "crop or pad", (
        f"The cutouts are cropped or padded about their centre: {crop} cuts {cut or 'none'} of {count} sampled "
        f"galaxies, and at most {max(most, 0):.1%} of their light."
    )

"""Recognising pixel values that mark a missing pixel.

FITS marks missing pixels by NaN, or in integer images by ``BLANK``. Other programs write an enormous number: 1.6e38 is
IRAF's INDEF, ±3.4e38 the largest float32, 9.97e36 netCDF's fill value; ±1e20 and ±1e30 are common. No such value may
reach a network. A value is taken as a mark if its size is 1e15 or more *and* a million times larger than that of every
smaller value in the same band. So no real pixel is touched: neither a saturated star nor a cosmic ray of a million
counts, nor a simulated galaxy in erg/s, whose values reach from 1e25 to 1e35 without such a gap. Marks such as −9999 or
65535 may be real pixels and are left alone.

References
----------
FITS Standard 4.0, Sect. 5.3 (NaN) and 4.4.2.5 (BLANK); IRAF, ``imfort`` (INDEFR = 1.6e38).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.stamps import Cutout

SMALLEST = 1e15  # no smaller value is a mark
GAP = 1e6  # ratio of a mark to the largest value that is none
_MOST_NAMED = 3  # values in a remark


def clear_marks(cutout: Cutout) -> Cutout:
    """Replace marks of missing pixels by NaN, with a remark; a cutout without marks is returned as it is."""
    image = cutout.image
    if image.dtype == np.uint8 or (image.min() > -SMALLEST and image.max() < SMALLEST):  # False where any is NaN
        return cutout
    is_mark = np.stack([find_marks(plane) for plane in image])
    if not is_mark.any():
        return cutout
    values = np.unique(image[is_mark])
    named = ", ".join(f"{value:.6g}" for value in values[:_MOST_NAMED])
    named += f" and {len(values) - _MOST_NAMED} more" if len(values) > _MOST_NAMED else ""
    remark = f"Pixels with the value {named} are taken as missing"
    return replace(cutout, image=np.where(is_mark, np.float32(np.nan), image), remarks=(*cutout.remarks, remark))


def find_marks(plane: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pixels of a band (H, W) hold a mark; pixels that are not finite are none."""
    with np.errstate(over="ignore"):
        sizes = np.abs(plane.astype(np.float64))
    there = np.unique(sizes[np.isfinite(sizes) & (sizes > 0)])
    if len(there) == 0 or there[-1] < SMALLEST:
        return np.zeros(plane.shape, dtype=bool)
    if len(there) == 1:  # beside zeros only
        return np.isfinite(sizes) & (sizes >= SMALLEST)
    jumps = np.flatnonzero((there[1:] >= SMALLEST) & (there[1:] >= GAP * there[:-1]))
    if len(jumps) == 0:
        return np.zeros(plane.shape, dtype=bool)
    return np.isfinite(sizes) & (sizes >= there[jumps[0] + 1])

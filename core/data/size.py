"""The apparent size of galaxies on their stamps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SAMPLE = 64  # galaxies, which give the median to a few per cent
_MOST_KEPT = 10_000
_areas: dict[tuple[bytes, str, tuple[int, ...]], int] = {}  # of stamps that were measured, by a digest of their pixels


def median_size(stamps: Iterable[NDArray[np.float32]]) -> float:
    """The median diameter in pixels of the central galaxies: of the circle with the area of their segment.

    Stamps that were measured before are not measured again: the runs of a study look at the same galaxies.

    Parameters
    ----------
    stamps
        Each (C, H, W), as in :func:`core.data.segmentation.segment`.

    Returns
    -------
    float
        NaN where fewer than half of the stamps have a galaxy.
    """
    areas = [_area(stamp) for stamp in stamps]
    found = [area for area in areas if area]
    return float(2 * np.sqrt(np.median(found) / np.pi)) if 2 * len(found) >= max(1, len(areas)) else float("nan")


def _area(stamp: NDArray[np.float32]) -> int:
    """Pixels of the central galaxy of a stamp (C, H, W); 0: there is none."""
    pixels = np.ascontiguousarray(stamp)
    key = hashlib.blake2b(pixels.data, digest_size=16).digest(), pixels.dtype.str, pixels.shape
    if (known := _areas.get(key)) is not None:
        return known
    from core.data.segmentation import segment  # late: its imports take a second, and most trainings do not need it

    if len(_areas) >= _MOST_KEPT:
        _areas.clear()
    area = _areas[key] = int(segment(stamp).galaxy.sum())
    return area


def choose_sample(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose at most :data:`SAMPLE` rows, evenly spaced."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).astype(np.int64))]

"""The apparent size of galaxies on their stamps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SAMPLE = 64  # galaxies, which give the median to a few per cent


def median_size(stamps: Iterable[NDArray[np.float32]]) -> float:
    """The median diameter in pixels of the central galaxies: of the circle with the area of their segment.

    Parameters
    ----------
    stamps
        Each (C, H, W), as in :func:`core.data.segmentation.segment`.

    Returns
    -------
    float
        NaN where fewer than half of the stamps have a galaxy.
    """
    from core.data.segmentation import segment  # late: its imports take a second, and most trainings do not need it

    areas = [int(segment(stamp).galaxy.sum()) for stamp in stamps]
    found = [area for area in areas if area]
    return float(2 * np.sqrt(np.median(found) / np.pi)) if 2 * len(found) >= max(1, len(areas)) else float("nan")


def choose_sample(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose at most :data:`SAMPLE` rows, evenly spaced."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).astype(np.int64))]

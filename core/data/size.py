"""How large galaxies are on their stamps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SAMPLE = 64  # galaxies, for a median to a few per cent


def median_size(stamps: Iterable[NDArray[np.float32]]) -> float:
    """The median diameter of the galaxies at the centre, in pixels: of the circle as large as their segment.

    Parameters
    ----------
    stamps
        Each (C, H, W), as in :func:`core.data.segmentation.segment`.

    Returns
    -------
    float
        NaN where fewer than half of the stamps have a galaxy.
    """
    from core.data.segmentation import segment  # a second of imports, which most trainings can do without

    areas = [int(segment(stamp).galaxy.sum()) for stamp in stamps]
    found = [area for area in areas if area]
    return float(2 * np.sqrt(np.median(found) / np.pi)) if 2 * len(found) >= max(1, len(areas)) else float("nan")


def choose_sample(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """As many of the rows as are enough, evenly chosen."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE)).astype(np.int64))]

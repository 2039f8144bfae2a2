"""Galaxies that tests draw themselves, and the one way in which they become a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def ellipse(side: int, a: float, b: float, angle: float = 0.0) -> NDArray[np.float64]:
    """Light of a Gaussian galaxy with peak 1 in the middle of a stamp (side, side).

    Parameters
    ----------
    side
        Of the stamp [pixels].
    a, b
        Standard deviations along and across [pixels].
    angle
        From the x axis to the long axis [radians].
    """
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    return np.exp(-0.5 * ((along / a) ** 2 + (across / b) ** 2))


def write_dataset(
    path: Path,
    images: NDArray[Any],
    columns: Mapping[str, Any],
    labels: Sequence[str],
    bands: Sequence[str] = ("g", "r"),
    units: Mapping[str, str] | None = None,
    ids: Sequence[str] | None = None,
    zero_points: Sequence[float | None] | None = None,
    split_column: str = "",
    coordinates: Sequence[str] | None = None,
) -> Path:
    """A dataset of these images (n, C, H, W) of 0.4 arcsec/pixel, with these catalogue columns."""
    from astropy.table import Table

    from core.data.store import Band, DatasetWriter, Origin

    count = len(images)
    names = [f"galaxy {row:04d}" for row in range(count)] if ids is None else list(ids)
    kind = "uint8" if images.dtype == np.uint8 else "float32"
    table = Table({"id": names, **columns}, units=units or {})
    with DatasetWriter(path, images.shape[1:], [Band(name) for name in bands], kind) as writer:
        writer.append(images, names, np.full(count, 0.4), coordinates or [""] * count, np.zeros(count))
        writer.state_zero_points(zero_points or [None] * len(bands))
        origin = Origin("test", "2026-01-01T00:00:00", "made by code", "")
        writer.finish(table, list(labels), origin, [], split_column=split_column)
    return path

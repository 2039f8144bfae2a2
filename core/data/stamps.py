"""Turning cutouts into stamps of one size without missing pixels.

Cropping and padding about the centre leave each pixel as it is. Resampling averages over the area that an old and a
new pixel share, so that surface brightness, and with it the total flux per solid angle, is conserved exactly in both
directions: new = R · old · Rᵀ / (R · valid · Rᵀ), with R the overlaps along one side, and missing pixels left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import wcs
from core.data.settings import ImportSettings
from core.errors import UnreadableFile

SMALLEST = 4  # pixels along a side


@dataclass(frozen=True, slots=True)
class Cutout:
    """One galaxy as read from its file.

    ``image`` is (C, H, W) in native byte order, row 0 at the bottom: uint8 for 8-bit files, else float32 with NaN
    where there is nothing. ``bands`` is empty where the file names none. ``wcs`` holds header cards, see
    :mod:`core.data.wcs`. ``pixel_scale`` is in arcsec/pixel, NaN if unknown. ``extension`` is the number of the
    extension where a file holds a stack of cutouts, else empty, and ``name`` that of the galaxy if the extension has
    one. ``remarks`` say for the report how the file was read where that was a choice, and what was left out.
    """

    image: NDArray[Any]
    bands: tuple[str, ...] = ()
    wcs: str = ""
    pixel_scale: float = math.nan
    unit: str = ""
    extension: str = ""
    name: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """One galaxy as stored: ``image`` (C, size, size) without NaN; ``missing`` is the share of filled pixels."""

    image: NDArray[Any]
    wcs: str
    pixel_scale: float
    missing: float


def prepare(cutout: Cutout, size: int, settings: ImportSettings) -> Stamp:
    """Bring a cutout to the stamp size and fill missing pixels.

    Parameters
    ----------
    cutout
        As read. uint8 stays uint8 (filled and resampled values are rounded), all else is float32.
    size
        Side of the stamp [pixels].
    settings
        ``fit``, ``fill``, ``max_missing`` and ``pixel_scale`` are used.

    Raises
    ------
    UnreadableFile
        The cutout is too small, constant, or too much of it (or a whole band) is missing. The caller adds
        the file's name.
    """
    image = cutout.image
    height, width = image.shape[-2:]
    if min(height, width) < SMALLEST:
        raise UnreadableFile(f"The image has only {width} × {height} pixels.", "Leave it out, or cut a larger image.")
    _refuse_constant(image)
    scale = settings.pixel_scale if math.isnan(cutout.pixel_scale) and settings.pixel_scale else cutout.pixel_scale
    if height == width == size and (image.dtype == np.uint8 or bool(np.isfinite(image).all())):
        return Stamp(image, cutout.wcs, scale, 0.0)
    valid = np.ones(image.shape, dtype=bool) if image.dtype == np.uint8 else np.isfinite(image)
    _refuse_gaps(valid, settings.max_missing)
    side = size if settings.fit == "crop or pad" else max(height, width)
    left, bottom = (width - side) // 2, (height - side) // 2
    shown = valid[:, max(bottom, 0) :, max(left, 0) :][:, :side, :side]  # what is left after cropping, unpadded
    _refuse_gaps(shown, settings.max_missing)
    known = image if valid.all() else np.where(valid, image, 0)
    values, there = _crop_or_pad(known, side).astype(np.float32), _crop_or_pad(valid, side)
    if side != size:
        values, there = _resample(values, there, size)
        scale *= side / size
    missing = 1 - float(there.mean())
    if missing:
        values = np.where(there, values, _fill_values(image, valid, settings))
    _refuse_constant(values)
    if image.dtype == np.uint8:
        values = np.clip(np.rint(values), 0, 255)
    return Stamp(
        values.astype(image.dtype), wcs.transform_coordinates(cutout.wcs, left, bottom, size / side), scale, missing
    )


def _refuse_constant(image: NDArray[Any]) -> None:
    flat = image.reshape(-1)
    if flat[0] == flat[-1] and flat[0] == flat[len(flat) // 2] and bool((flat == flat[0]).all()):
        raise UnreadableFile(
            f"All pixels have the same value, {float(flat[0]):g}: there is no galaxy to see.", "Leave it out."
        )


def _refuse_gaps(valid: NDArray[np.bool_], most: float) -> None:
    if valid.all():
        return
    share = 1 - float(valid.mean())
    if share == 1:
        raise UnreadableFile("No pixel has a value: all are NaN, infinite or blank.", "Leave it out.")
    if share > most:
        raise UnreadableFile(
            f"{share:.0%} of the pixels are missing, and {most:.0%} are allowed.",
            "Leave it out, or allow a larger missing share.",
        )
    empty = np.flatnonzero(~valid.any(axis=(1, 2)))
    if len(empty):
        raise UnreadableFile(
            f"Band {empty[0] + 1} of {len(valid)} has no pixel with a value.", "Leave it out, or leave out this band."
        )


def _fill_values(image: NDArray[Any], valid: NDArray[np.bool_], settings: ImportSettings) -> NDArray[np.float32]:
    """The fill value for missing pixels in each band, (C, 1, 1)."""
    levels = np.zeros((len(image), 1, 1), dtype=np.float32)
    if settings.fill == "zero":
        return levels
    border = np.ones(image.shape[-2:], dtype=bool)
    width = max(1, min(border.shape) // 16)
    border[width:-width, width:-width] = False
    for level, plane, good in zip(levels, image, valid, strict=True):
        known = plane[good & border]
        level[...] = np.median(known if len(known) else plane[good])
    return levels


def _crop_or_pad(image: NDArray[Any], side: int) -> NDArray[Any]:
    """Crop, or pad with zeros, (C, H, W) to (C, side, side) about the centre."""
    for axis, length in ((1, image.shape[1]), (2, image.shape[2])):
        first = (length - side) // 2
        if first >= 0:
            image = image[:, first : first + side] if axis == 1 else image[:, :, first : first + side]
        else:
            margins = [(0, 0)] * 3
            margins[axis] = (-first, side - length + first)
            image = np.pad(image, margins)
    return image


def _resample(
    values: NDArray[np.float32], valid: NDArray[np.bool_], size: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    overlap: NDArray[Any] = _overlap_matrix(values.shape[-1], size)  # (size, side)
    if valid.all():
        return overlap @ values @ overlap.T, np.ones((len(values), size, size), dtype=bool)
    weight = overlap @ valid.astype(np.float32) @ overlap.T  # (C, size, size)
    total = overlap @ values @ overlap.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, total / weight, 0).astype(np.float32), weight >= 0.5


@lru_cache(maxsize=32)
def _overlap_matrix(old: int, new: int) -> NDArray[np.float32]:
    """Share of each new pixel that each old pixel covers along one side, (new, old); rows add up to one."""
    edges = np.arange(new + 1) * (old / new)  # of the new pixels, in old pixels
    low, high = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    pixel = np.arange(old)
    covered = np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, None)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)

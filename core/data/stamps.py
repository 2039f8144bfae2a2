"""Turning cutouts into stamps of one size without missing pixels.

Cropping and padding about the centre leave each pixel as it is. Resampling averages over the area that an old and a
new pixel share, so that surface brightness, and with it the total flux per solid angle, is conserved exactly in both
directions: new = R · old · Rᵀ / (R · valid · Rᵀ), with R the overlaps along one side, and missing pixels left out.

With a field, the square of that side about the centre is cut out first, and then resampled to the stamp size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.data import wcs
from core.data.settings import ImportSettings
from core.errors import UnreadableFile

SMALLEST = 4  # pixels along a side
_WHOLE = 1e-6  # a field this close to a whole number of pixels, relative to its side, is one


@dataclass(frozen=True, slots=True)
class Cutout:
    """One galaxy as read from its file.

    ``image`` is (C, H, W) in native byte order, row 0 at the bottom: uint8 for 8-bit files, else float32 with NaN
    where there is nothing. ``bands`` is empty where the file names none. ``wcs`` holds header cards, see
    :mod:`core.data.wcs`. ``pixel_scale`` is in arcsec/pixel, NaN if unknown. ``extension`` is the number of the
    extension where a file holds a stack of cutouts, else empty, and ``name`` that of the galaxy if the extension has
    one. ``remarks`` say for the report how the file was read where that was a choice, and what was left out.
    ``zero_points`` are the magnitudes of one unit of the pixels of each plane, NaN where unknown; empty: none is known.
    """

    image: NDArray[Any]
    bands: tuple[str, ...] = ()
    wcs: str = ""
    pixel_scale: float = math.nan
    unit: str = ""
    extension: str = ""
    name: str = ""
    remarks: tuple[str, ...] = ()
    zero_points: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """One galaxy as stored: ``image`` (C, size, size) without NaN; ``missing`` is the share of filled pixels.

    ``enlarged`` is the ratio of the side of its pixels to that of the file's.
    """

    image: NDArray[Any]
    wcs: str
    pixel_scale: float
    missing: float
    enlarged: float = 1.0


def prepare(cutout: Cutout, size: int, settings: ImportSettings, factor: float = 1.0) -> Stamp:
    """Bring a cutout to the stamp size and fill missing pixels.

    Parameters
    ----------
    cutout
        As read. uint8 stays uint8 (filled and resampled values are rounded), all else is float32.
    size
        Side of the stamp [pixels].
    settings
        The field, ``fit``, ``fill``, ``max_missing`` and ``pixel_scale`` are used; whether “auto” is to resample is
        decided by :mod:`core.data.automatic_fit` before.
    factor
        By which the field is multiplied.

    Raises
    ------
    UnreadableFile
        The cutout or its field is too small, or constant, or too much of it (or a whole band) is missing, or its
        pixel scale is unknown and the field in arcsec. The caller adds the file's name.
    """
    image = cutout.image
    height, width = image.shape[-2:]
    if min(height, width) < SMALLEST:
        raise UnreadableFile(f"The image has only {width} × {height} pixels.", "Leave it out, or cut a larger image.")
    _refuse_constant(image)
    scale = settings.pixel_scale if math.isnan(cutout.pixel_scale) and settings.pixel_scale else cutout.pixel_scale
    field = field_in_pixels(settings, scale, factor)
    if height == width == size == (field or size) and (image.dtype == np.uint8 or bool(np.isfinite(image).all())):
        return Stamp(image, cutout.wcs, scale, 0.0)
    valid = np.ones(image.shape, dtype=bool) if image.dtype == np.uint8 else np.isfinite(image)
    _refuse_gaps(valid, settings.max_missing)
    side = field or (max(height, width) if settings.fit == "resample" else size)
    left, bottom = _first_pixel(width, side), _first_pixel(height, side)
    rows, columns = _shown(height, bottom, side), _shown(width, left, side)
    _refuse_gaps(valid[:, rows, columns], settings.max_missing)  # of what is left after cropping, unpadded
    known = image if valid.all() else np.where(valid, image, 0)
    if side == size:
        values, there = _crop_or_pad(known, size).astype(np.float32), _crop_or_pad(valid, size)
    else:
        along = _overlaps(rows.stop - rows.start, bottom - rows.start, side, size)
        across = _overlaps(columns.stop - columns.start, left - columns.start, side, size)
        values, there = _resample(known[:, rows, columns].astype(np.float32), valid[:, rows, columns], along, across)
        scale *= side / size
    missing = 1 - float(there.mean())
    if missing:
        values = np.where(there, values, _fill_values(image, valid, settings))
    _refuse_constant(values)
    if image.dtype == np.uint8:
        values = np.clip(np.rint(values), 0, 255)
    return Stamp(
        values.astype(image.dtype),
        wcs.transform_coordinates(cutout.wcs, left, bottom, size / side),
        scale,
        missing,
        side / size,
    )


def field_in_pixels(settings: ImportSettings, pixel_scale: float, factor: float = 1.0) -> float | None:
    """Side of the field in pixels of the file; a whole number where it is one. None: the settings have no field.

    Parameters
    ----------
    settings
        ``field`` and ``field_unit`` are used.
    pixel_scale
        Of the file [arcsec/pixel]; NaN if unknown.
    factor
        By which the field is multiplied.

    Raises
    ------
    UnreadableFile
        The field is in arcsec and the pixel scale is unknown, or it is too small.
    """
    if settings.field is None:
        return None
    side = settings.field * factor
    if settings.field_unit == "arcsec":
        if math.isnan(pixel_scale):
            raise UnreadableFile(
                "Its pixel scale is unknown, and the field is in arcsec.",
                "Give the pixel scale, or the field in pixels.",
            )
        side /= pixel_scale
    if abs(side - round(side)) <= _WHOLE * side:
        side = round(side)
    if side < SMALLEST:
        raise UnreadableFile(
            f"The field is only {side:.3g} pixels wide; {SMALLEST} are needed.", "Choose a larger field."
        )
    return side


def _first_pixel(length: int, side: float) -> float:
    """Where the field begins: about the centre, and on the grid of the pixels if its side is a whole number."""
    return (length - side) // 2 if isinstance(side, int) else (length - side) / 2


def _shown(length: int, first: float, side: float) -> slice:
    """The pixels along one side that the field touches."""
    return slice(max(0, math.floor(first)), min(length, math.ceil(first + side)))


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
    values: NDArray[np.float32], valid: NDArray[np.bool_], along: csr_array, across: csr_array
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Average (C, H, W) over new pixels, with their overlaps along the columns (size, H) and the rows (size, W)."""
    total = _add_up(values, along, across)
    if valid.all() and _is_inside(along) and _is_inside(across):
        return total, np.ones(total.shape, dtype=bool)
    weight = _add_up(valid.astype(np.float32), along, across)  # how much of each new pixel is known
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, total / weight, 0).astype(np.float32), weight >= 0.5


def _add_up(values: NDArray[np.float32], along: csr_array, across: csr_array) -> NDArray[np.float32]:
    """Sum (C, H, W) over what the new pixels cover, to (C, size, size)."""
    bands, height, width = values.shape
    rows: NDArray[np.float32] = along @ values.transpose(1, 0, 2).reshape(height, bands * width)
    columns: NDArray[np.float32] = across @ rows.reshape(-1, width).T
    return np.ascontiguousarray(columns.reshape(len(columns), len(rows), bands).transpose(2, 1, 0))


def _is_inside(overlaps: csr_array) -> bool:
    return bool((overlaps.sum(axis=1) > 1 - 1e-5).all())


@lru_cache(maxsize=32)
def _overlaps(old: int, first: float, side: float, new: int) -> csr_array:
    """Share of each new pixel that each old pixel covers along one side, (new, old) float32.

    Sparse: most are zero, and a dense product of such small matrices would wait for the threads of the linear algebra
    library far longer than it computes.

    The ``new`` pixels share the ``side`` old ones from ``first`` on; a row adds up to less than one where the field
    reaches beyond the old pixels.
    """
    step = side / new
    edges = first + np.arange(new + 1) * step  # of the new pixels, in old pixels
    low, high = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    pixel = np.arange(old)
    shares = np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, None) / step
    return csr_array(shares.astype(np.float32))

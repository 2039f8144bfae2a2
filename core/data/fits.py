"""Reading FITS images: a fast path for plain files, astropy for all others.

A cutout is a few kilobytes, and building astropy's objects around it takes ten times as long as reading it. From a
file that holds one plain image and nothing else, only the few header cards that matter and the pixels are read
directly. Everything unusual (extensions, compression, scaled integers, blanks, bands on the last axis) is read by
astropy, with identical results.
"""

from __future__ import annotations

import io
import math
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from core.data import axes, extensions, fits_unpacking, plain_fits, read_errors, wcs, zero_points
from core.data.decompression import is_compressed
from core.data.extensions import Arrangement, Galaxy
from core.data.fits_headers import require_small_counts
from core.data.fits_tiles import require_sound_tiles
from core.data.limits import require_moderate_size
from core.data.regular_files import open_handle, open_regular
from core.data.stamps import Cutout
from core.errors import UnreadableFile

PRIMARY = frozenset({"", "0", "PRIMARY"})
"""Choices of an extension that mean the image of a plain file."""

_FIRST_READ = 2**16  # bytes
_LARGEST_IN_MEMORY = 256 * 2**20  # bytes; astropy reads larger files from the disk


def read_image(path: Path | str, hdu: str = "") -> Cutout:
    """Read one image.

    Parameters
    ----------
    path
        A FITS file, also ``.gz``, ``.bz2`` or tile-compressed ``.fz``.
    hdu
        Name or number of the extension; empty: the first galaxy of the file, see :mod:`core.data.extensions`.

    Raises
    ------
    UnreadableFile
        The file is damaged, is no FITS file, or holds no such image.
    """
    return next(read_images(path, hdu))


def read_images(path: Path | str, hdu: str = "", damaged: list[UnreadableFile] | None = None) -> Iterator[Cutout]:
    """Read the image of a file, or its images if it is a stack.

    Parameters
    ----------
    path
        As in :func:`read_image`.
    hdu
        Name or number of the extension; several, separated by commas, are the bands of one galaxy; ``"*"``: one
        galaxy from each extension. Empty: as the headers say, see :mod:`core.data.extensions`.
    damaged
        Images of a stack that cannot be read are added, and the others are read; None: they end it.

    Raises
    ------
    UnreadableFile
        As :func:`read_image`.
    """
    name = str(path)
    with read_errors.reading(name):
        content = _read_content(name)
        image = _read_plain(content, name) if content is not None and hdu in PRIMARY else None
        if image is not None:
            yield image
            return
        yield from _read_with_astropy(name, content, hdu, damaged)


def _read_content(name: str) -> bytes | None:
    """The bytes of a file, unpacked; None if it is too large to be a cutout.

    Raises
    ------
    UnreadableFile
        It is no regular file, is packed and too large, or unpacks to too much.
    """
    handle, size = open_handle(name)
    try:
        content = os.read(handle, _FIRST_READ)
        if len(content) == _FIRST_READ:
            if size > _LARGEST_IN_MEMORY:
                if is_compressed(content[:8]):
                    raise UnreadableFile(
                        f"This compressed file has {size / 2**20:,.0f} MB, too much to be unpacked in memory.",
                        "Unpack it first.",
                        name,
                    )
                return None
            parts = [content]
            while size > sum(map(len, parts)) and (more := os.read(handle, size - sum(map(len, parts)))):
                parts.append(more)
            content = b"".join(parts)
    finally:
        os.close(handle)
    return content if content.startswith(b"SIMPLE") else fits_unpacking.unpack(content, name)


def _read_plain(content: bytes, name: str) -> Cutout | None:
    """Read a file that is one plain image and nothing else; None if it is anything more."""
    plain = plain_fits.parse(content, name)
    if plain is None:
        return None
    form = plain.layout.form
    image = plain_fits.to_native(plain.pixels)
    return Cutout(image, form.bands, plain.sky, form.pixel_scale, form.unit, zero_points=form.zero_points)


def read_plain(name: str) -> plain_fits.PlainFile | None:
    """What is in a file that holds one plain image and nothing else; None if it is anything more, or damaged."""
    try:
        content = _read_content(name)
        return None if content is None else plain_fits.parse(content, name)
    except Exception:  # noqa: BLE001 - whoever reads the file as any other finds out what is wrong with it
        return None


def _read_with_astropy(
    name: str, content: bytes | None, hdu: str, damaged: list[UnreadableFile] | None
) -> Iterator[Cutout]:
    with _opened(name, content) as file:
        arrangement = _arrange(file, hdu, name)
        is_stack = len(arrangement.galaxies) > 1
        for place, galaxy in enumerate(arrangement.galaxies):
            extension = str(galaxy.extensions[0]) if is_stack else ""
            try:
                with read_errors.reading(name):
                    cutouts = [_read_unit(file[number], file[0].header, name) for number in galaxy.extensions]
                    cutout = cutouts[0] if len(cutouts) == 1 else _stack_bands(cutouts, galaxy, name)
            except UnreadableFile as problem:
                if damaged is None or not is_stack:
                    raise
                where = f"{name} [{galaxy.name or extension}]"
                damaged.append(UnreadableFile(problem.sentence, problem.remedy, where, problem.detail))
                continue
            remarks = (*(arrangement.remarks if place == 0 else ()), *cutout.remarks)
            yield replace(cutout, extension=extension, name=galaxy.name, remarks=remarks)


@contextmanager
def _opened(name: str, content: bytes | None) -> Iterator[Any]:
    """The list of HDUs in a file, whose members have no usable types."""
    with open_regular(name) if content is None else io.BytesIO(content) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # non-standard cards do not matter as long as the image can be read
        if not (start := opened.read(1024)).startswith(b"SIMPLE"):  # a packed file would be unpacked without a bound
            raise read_errors.explain_content(name, start, "a FITS file")
        require_small_counts(opened, name)
        with fits.open(opened, memmap=False, uint=False) as file:  # astropy fails on some signed bytes otherwise
            yield file


@contextmanager
def opened(path: Path | str) -> Iterator[Any]:
    """The HDUs of a file as astropy has them; of a packed file no more is unpacked than its headers tell of."""
    with _opened(str(path), _read_content(str(path))) as file:
        yield file


def galaxy_names(path: Path | str, hdu: str = "") -> list[str]:
    """Names of the galaxies in a file that holds a stack, without those that have none; empty if it holds one.

    Raises
    ------
    UnreadableFile
        As :func:`read_image`.
    """
    name = str(path)
    with read_errors.reading(name):
        content = _read_content(name)
        if content is not None and _read_plain(content, name) is not None:
            return []
        with _opened(name, content) as file:
            galaxies = _arrange(file, hdu, name).galaxies
            return [galaxy.name for galaxy in galaxies if galaxy.name] if len(galaxies) > 1 else []


def _arrange(file: Any, hdu: str, name: str) -> Arrangement:
    """The galaxies of a file: those that were chosen, else those that the headers tell of."""
    pixels = [(number, unit) for number, unit in enumerate(file) if isinstance(unit, _IMAGES)]
    images = [(number, unit) for number, unit in pixels if _dimensions(unit) in {2, 3}]
    chosen = [part.strip() for part in hdu.split(",") if part.strip()]
    if chosen and chosen != ["*"]:
        numbers = tuple(_find_extension(file, part, name) for part in chosen)
        bands = tuple(file[number].name or str(number) for number in numbers)
        return Arrangement([Galaxy(numbers, bands)])
    if not images:
        raise _no_image_problem(name, file, [unit for _, unit in pixels])
    if chosen:
        return Arrangement([Galaxy((number,)) for number, _ in images])
    others = [
        f"{unit.name or number} ({'a table' if isinstance(unit, _TABLES) else f'{len(unit.shape)}-D data'})"
        for number, unit in enumerate(file)
        if isinstance(unit, _TABLES) or (isinstance(unit, _IMAGES) and unit.shape and _dimensions(unit) not in {2, 3})
    ]
    remarks = [f"Left out beside the image: {', '.join(others)}"] if others else []
    if len(images) == 1:
        return Arrangement([Galaxy((images[0][0],))], remarks)
    described = [extensions.describe(number, unit, wcs.pixel_scale(_cards(unit.header))) for number, unit in images]
    arrangement = extensions.arrange(described)
    return replace(arrangement, remarks=[*arrangement.remarks, *remarks])


def _stack_bands(cutouts: list[Cutout], galaxy: Galaxy, name: str) -> Cutout:
    """Stack the extensions of one galaxy; coordinates and unit are those of the first."""
    first = cutouts[0]
    for band, cutout in zip(galaxy.bands, cutouts, strict=True):
        if cutout.image.shape != first.image.shape or len(cutout.image) != 1:
            (_, height, width), (planes, own_height, own_width) = first.image.shape, cutout.image.shape
            found = f"{planes} planes of {own_width} × {own_height} pixels"
            raise UnreadableFile(
                f"The extension “{band}” holds {found}, and the first {width} × {height}; bands have the same pixels.",
                "Choose extensions with one plane each and the same pixels.",
                name,
            )
    are_bytes = all(cutout.image.dtype == np.uint8 for cutout in cutouts)
    image = np.concatenate([cutout.image.astype(np.uint8 if are_bytes else np.float32) for cutout in cutouts])
    own = [cutout.bands[0] if cutout.bands else "" for cutout in cutouts]
    bands = tuple(own) if all(own) and len(set(own)) == len(own) else galaxy.bands
    remarks = tuple(dict.fromkeys(remark for cutout in cutouts for remark in cutout.remarks))
    known = tuple(value for cutout in cutouts for value in cutout.zero_points or (math.nan,))
    return replace(first, image=image, bands=bands, remarks=remarks, zero_points=known)


def _read_unit(unit: Any, primary: fits.Header, name: str) -> Cutout:
    if not isinstance(unit, _IMAGES) or _dimensions(unit) not in {2, 3}:
        raise UnreadableFile(
            f"The extension “{unit.name}” holds no 2-D or 3-D image.", "Choose the extension with the image.", name
        )
    require_moderate_size([length for length in unit.shape if length], name)
    if isinstance(unit, fits.CompImageHDU):
        require_sound_tiles(unit, name)
    data = np.asarray(unit.data)
    data = data.reshape(data.shape[-3:] if data.ndim > 3 else data.shape)  # axes of length one in front
    cards = {name: card for name, card in _cards(primary).items() if name in plain_fits.DESCRIPTION}
    own = _cards(unit.header)
    remarks: tuple[str, ...] = ()
    if data.ndim == 3 and (axis := wcs.band_axis(own, data.shape)):
        own = wcs.without_axis(own, axis)
        remarks = (f"The bands are taken to be on axis {axis} of the file (NAXIS{axis} = {data.shape[3 - axis]})",)
        if axes.is_ambiguous(data.shape):
            remarks = (f"{remarks[0]}, though they might be on axis 3 (NAXIS3 = {len(data)})",)
        data = np.moveaxis(data, 3 - axis, 0)
    cards |= own
    data = plain_fits.to_native(data[np.newaxis] if data.ndim == 2 else np.ascontiguousarray(data))  # (C, H, W)
    names, scale = wcs.bands(cards, len(data)), wcs.pixel_scale(cards)
    known = zero_points.of_header(cards, scale, len(data))
    return Cutout(data, names, wcs.coordinates(cards), scale, wcs.unit(cards), remarks=remarks, zero_points=known)


def _cards(header: fits.Header) -> dict[str, str]:
    """The cards of a header that matter here, also those of a third axis."""
    return {
        card.keyword: card.image[:80].ljust(80).translate(plain_fits.CONTROLS)
        for card in header.cards
        if card.keyword in _KEPT_CARDS or wcs.is_distortion(card.keyword)
    }


_IMAGES = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
_TABLES = (fits.BinTableHDU, fits.TableHDU)
_KEPT_CARDS = frozenset((*wcs.COORDINATES, *wcs.THIRD_AXIS, *plain_fits.DESCRIPTION))


def _dimensions(unit: Any) -> int:
    """Number of axes, leaving out those of length one in front of the last two; 0 without data."""
    shape = list(unit.shape)
    while len(shape) > 3 and shape[0] == 1:
        shape.pop(0)
    return len(shape) if shape and min(shape) > 0 else 0


def _find_extension(file: Any, hdu: str, name: str) -> int:
    """The number of the extension with this name or number."""
    key = int(hdu) if re.fullmatch("-?[0-9]{1,9}", hdu) else hdu
    try:
        return file.index_of(file[key])
    except (KeyError, IndexError):
        there = ", ".join(f"{number} {unit.name}".strip() for number, unit in enumerate(file))
        raise UnreadableFile(
            f"There is no extension “{hdu}”; there are {there}.", "Choose one of them.", name
        ) from None


def _no_image_problem(name: str, file: fits.HDUList, pixels: list[Any]) -> UnreadableFile:
    if any(isinstance(unit, _TABLES) for unit in file):
        return UnreadableFile(
            "This file holds a table and no image.",
            "If it is the catalogue, choose it as such; else leave it out.",
            name,
        )
    axes = sorted({len(unit.shape) for unit in pixels if unit.shape and min(unit.shape) > 0})
    if axes:
        found = " and ".join(f"{number}-D" for number in axes)
        return UnreadableFile(
            f"This file holds {found} data; a cutout has two dimensions, or three with one plane per band.",
            "Extract the image, or leave the file out.",
            name,
        )
    return UnreadableFile("This FITS file holds no pixels.", "Download it again or leave it out.", name)

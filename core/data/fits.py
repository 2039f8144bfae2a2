"""Reading FITS images: a fast path for plain files, astropy for all others.

A cutout is a few kilobytes, and building astropy's objects around it takes ten times as long as reading it. From a
file that holds one plain image and nothing else, only the few header cards that matter and the pixels are read
directly. Everything unusual (extensions, compression, scaled integers, blanks) is read by astropy, with identical
results.
"""

from __future__ import annotations

import bz2
import gzip
import io
import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from core.data import read_errors, wcs
from core.data.stamps import Cutout
from core.errors import UnreadableFile

_BLOCK = 2880
_DTYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_STRUCTURE = ("BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BSCALE", "BZERO", "BLANK", "GROUPS")
_END = b"END" + b" " * 77
_VARYING = ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "LATPOLE")  # differ from cutout to cutout
_FIRST_READ = 2**16  # bytes
_LARGEST_IN_MEMORY = 256 * 2**20  # bytes; astropy reads larger files from the disk


def read_image(path: Path | str, hdu: str = "") -> Cutout:
    """Read one image.

    Parameters
    ----------
    path
        A FITS file, also ``.gz``, ``.bz2`` or tile-compressed ``.fz``.
    hdu
        Name or number of the extension; empty: the first with a 2-D or 3-D image.

    Raises
    ------
    UnreadableFile
        The file is damaged, is no FITS file, or holds no such image.
    """
    return next(read_images(path, hdu))


def read_images(path: Path | str, hdu: str = "") -> Iterator[Cutout]:
    """Read the image of a file, or its images if it is a stack.

    A file whose images lie in several extensions *without names* is taken as a stack of cutouts, one each, and so
    is every file if ``hdu`` is ``"*"``. Named extensions (SCI, ERR, DQ) belong together, and the first is the
    image.

    Raises
    ------
    UnreadableFile
        As :func:`read_image`.
    """
    name = str(path)
    try:
        content = _read_content(name)
        image = _read_plain(content, name) if content is not None and hdu in {"", "0", "PRIMARY"} else None
        if image is not None:
            yield image
            return
        yield from _read_with_astropy(name, content, hdu)
    except UnreadableFile:
        raise
    except read_errors.READ_ERRORS as error:
        raise read_errors.explain_error(name, error) from error


def _read_content(name: str) -> bytes | None:
    """The bytes of a file, decompressed; None if it is too large to be a cutout."""
    handle = os.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # a third of the time of open()
    try:
        content = os.read(handle, _FIRST_READ)
        if len(content) == _FIRST_READ:
            size = os.fstat(handle).st_size
            if size > _LARGEST_IN_MEMORY:
                return None
            while len(content) < size and (more := os.read(handle, size - len(content))):
                content += more
    finally:
        os.close(handle)
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"BZh"):
        return bz2.decompress(content)
    return content


def _read_plain(content: bytes, name: str) -> Cutout | None:
    """Read a file that is one plain image and nothing else; None if it is anything more."""
    if not content.startswith(b"SIMPLE  =                    T"):
        return None
    end = content.find(_END)
    while end % 80 and end > 0:  # the same letters inside a comment
        end = content.find(_END, end + 1)
    if end < 0:
        return None
    header = content[:end].decode("latin-1")
    constant, varying = _card_places("".join([header[letter::80] for letter in range(8)]))
    form = _parse_cards("".join([header[at : at + 80] for at in constant]))
    if form is None:
        return None
    start = end - end % _BLOCK + _BLOCK
    if len(content) < start + form.length:
        raise _truncation_problem(name, len(content), start + form.length)
    if len(content) >= start + form.length + _BLOCK:  # more than this image's padding
        return None
    data = np.frombuffer(content, form.dtype, form.count, start).reshape(form.shape)
    sky = form.sky
    if sky and varying:
        sky = "\n".join([sky, *[wcs.strip_comment(header[at : at + 80]) for at in varying]])
    return Cutout(_to_native(data), form.bands, sky, form.pixel_scale, form.unit)


@lru_cache(maxsize=64)
def _card_places(letters: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions of the relevant cards: those that the cutouts of a survey share, and those that differ.

    ``letters`` are the first letters of all keywords, then all second letters, to the eighth.
    """
    count = len(letters) // 8
    keywords = [letters[card::count].rstrip() for card in range(count)]
    first = {keyword: 80 * card for card, keyword in reversed(list(enumerate(keywords)))}  # as astropy chooses
    wanted = (*_STRUCTURE, *wcs.COORDINATES, *wcs.DESCRIPTION)
    shared = [keyword for keyword in wanted if keyword in first and keyword not in _VARYING]
    shared += [keyword for keyword in first if wcs.is_distortion(keyword)]
    constant = tuple(first[keyword] for keyword in shared)
    return constant, tuple(first[keyword] for keyword in _VARYING if keyword in first)


@dataclass(frozen=True)
class _PlainImage:
    """The header values that the cutouts of a survey share; ``length`` in bytes, ``sky`` without the varying cards."""

    dtype: str
    shape: tuple[int, ...]
    count: int
    length: int
    bands: tuple[str, ...]
    sky: str
    pixel_scale: float
    unit: str


@lru_cache(maxsize=512)
def _parse_cards(text: str) -> _PlainImage | None:
    """Parse the cards (80 characters each) of a plain image; None if it is not plain."""
    cards = {(card := text[at : at + 80])[:8].rstrip(): card for at in range(0, len(text), 80)}
    try:
        dtype = _DTYPES[int(cards["BITPIX"][10:30])]
        axes = int(cards["NAXIS"][10:30])
        shape = tuple(int(cards[f"NAXIS{axis}"][10:30]) for axis in range(axes, 0, -1))
    except (KeyError, ValueError):
        return None
    is_scaled = wcs.number_of(cards.get("BSCALE", "BSCALE  = 1")) != 1 or wcs.number_of(
        cards.get("BZERO", "BZERO   = 0")
    )
    if axes not in {2, 3} or min(shape) < 1 or is_scaled or "BLANK" in cards or "GROUPS" in cards:
        return None
    shape = (1, *shape) if axes == 2 else shape  # (C, H, W)
    count = math.prod(shape)
    bands, scale = wcs.bands(cards, shape[0]), wcs.pixel_scale(cards)
    length = count * int(dtype[2])
    return _PlainImage(dtype, shape, count, length, bands, wcs.coordinates(cards), scale, wcs.unit(cards))


def _to_native(data: NDArray[Any]) -> NDArray[Any]:
    """Convert pixels to native byte order: uint8 stays uint8, all else becomes float32."""
    if data.dtype.kind == "f" and data.dtype.itemsize > 4:
        with np.errstate(over="ignore"):  # becomes infinite, and that is a missing pixel
            return data.astype(np.float32)
    return data.astype(np.uint8 if data.dtype == np.uint8 else np.float32)


def _read_with_astropy(name: str, content: bytes | None, hdu: str) -> Iterator[Cutout]:
    if content is not None and not content.startswith(b"SIMPLE"):
        raise read_errors.explain_content(name, content, "a FITS file")
    opened = name if content is None else io.BytesIO(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # non-standard cards do not matter as long as the image can be read
        with fits.open(opened, memmap=False, uint=False) as file:  # astropy fails on some signed bytes otherwise
            pixels = [unit for unit in file if isinstance(unit, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU)]
            images = [unit for unit in pixels if _dimensions(unit) in {2, 3}]
            names = [unit.name for unit in images]
            is_stack = len(images) > 1 and not any(name for name in names if name != "PRIMARY")
            if hdu == "*" or (not hdu and is_stack):
                chosen = images
            elif hdu:
                chosen = [_find_extension(file, hdu, name)]
            else:
                chosen = images[:1]
            if not chosen:
                raise _no_image_problem(name, file, pixels)
            for unit in chosen:
                extension = str(file.index_of(unit)) if len(chosen) > 1 else ""
                yield _read_unit(unit, file[0].header, name, extension)  # pyrefly: ignore[missing-attribute]


def _read_unit(unit: Any, primary: fits.Header, name: str, extension: str) -> Cutout:
    if not isinstance(unit, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU) or _dimensions(unit) not in {2, 3}:
        raise UnreadableFile(
            f"The extension “{unit.name}” holds no 2-D or 3-D image.", "Choose the extension with the image.", name
        )
    data = np.asarray(unit.data)
    data = data.reshape(data.shape[-3:] if data.ndim > 3 else data.shape)  # axes of length one in front
    cards = {card.keyword: card.image[:80].ljust(80) for card in primary.cards if card.keyword in wcs.DESCRIPTION}
    for card in unit.header.cards:
        if card.keyword in _KEPT_CARDS or wcs.is_distortion(card.keyword):
            cards[card.keyword] = card.image[:80].ljust(80)
    data = _to_native(data[np.newaxis] if data.ndim == 2 else data)  # (C, H, W)
    names, scale = wcs.bands(cards, len(data)), wcs.pixel_scale(cards)
    return Cutout(data, names, wcs.coordinates(cards), scale, wcs.unit(cards), extension)


_KEPT_CARDS = frozenset((*wcs.COORDINATES, *wcs.DESCRIPTION))


def _dimensions(unit: Any) -> int:
    """Number of axes, leaving out those of length one in front of the last two; 0 without data."""
    shape = list(unit.shape)
    while len(shape) > 3 and shape[0] == 1:
        shape.pop(0)
    return len(shape) if shape and min(shape) > 0 else 0


def _find_extension(file: fits.HDUList, hdu: str, name: str) -> Any:
    key = int(hdu) if hdu.lstrip("-").isdigit() else hdu
    try:
        return file[key]
    except (KeyError, IndexError):
        there = ", ".join(f"{number} {unit.name}".strip() for number, unit in enumerate(file))
        raise UnreadableFile(
            f"There is no extension “{hdu}”; there are {there}.", "Choose one of them.", name
        ) from None


def _no_image_problem(name: str, file: fits.HDUList, pixels: list[Any]) -> UnreadableFile:
    if any(isinstance(unit, fits.BinTableHDU | fits.TableHDU) for unit in file):
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


def _truncation_problem(name: str, there: int, needed: int) -> UnreadableFile:
    return UnreadableFile(
        f"The file is truncated: {there:,} of {needed:,} bytes are there.", "Download or copy it again.", name
    )

"""One FITS image: plain files fast, all others through astropy.

A cutout is a few kilobytes, and building astropy's objects around it takes ten times as long as reading it. A file
that holds one plain image and nothing else is therefore read by looking for the few cards that matter and taking
the pixels as they lie. Everything unusual (extensions, compression, scaled integers, blanks) goes through astropy,
and both ways give the same numbers.
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
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from core.data import damage, wcs
from core.errors import UnreadableFile

_BLOCK = 2880
_TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_STRUCTURE = ("BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BSCALE", "BZERO", "BLANK", "GROUPS")
_WANTED = {name.ljust(8).encode(): name for name in (*_STRUCTURE, *wcs.COORDINATES, *wcs.DESCRIPTION) if len(name) <= 8}
_LARGE = 256 * 2**20  # bytes; beyond this a file is left on the disk for astropy to look into


@dataclass(frozen=True, slots=True)
class FitsImage:
    """One image as it lies in the file.

    ``data`` is (C, H, W), native byte order, row 0 at the bottom: uint8 for plain 8-bit files, else float32 with
    NaN where the file has blanks. ``bands`` is empty where the header names none. ``pixel_scale`` is in
    arcsec/pixel, NaN if unknown. ``wcs`` holds header cards, see :mod:`core.data.wcs`. ``extension`` names the
    extension among several images, else it is empty.
    """

    data: NDArray[Any]
    bands: tuple[str, ...]
    wcs: str
    pixel_scale: float
    unit: str
    extension: str = ""


def read_image(path: Path | str, hdu: str = "") -> FitsImage:
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


def read_images(path: Path | str, hdu: str = "") -> Iterator[FitsImage]:
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
        content = _content(name)
        image = _plain(content, name) if content is not None and hdu in {"", "0", "PRIMARY"} else None
        if image is not None:
            yield image
            return
        yield from _through_astropy(name, content, hdu)
    except UnreadableFile:
        raise
    except damage.TROUBLE as error:
        raise damage.explained(name, error) from error


def _content(name: str) -> bytes | None:
    """The bytes of a file, decompressed; None if it is too large to be a cutout."""
    handle = os.open(name, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # a third of the time of open()
    try:
        size = os.fstat(handle).st_size
        if size > _LARGE:
            return None
        content = os.read(handle, size)
        while len(content) < size and (more := os.read(handle, size - len(content))):
            content += more
    finally:
        os.close(handle)
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"BZh"):
        return bz2.decompress(content)
    return content


def _plain(content: bytes, name: str) -> FitsImage | None:
    """Read a file that is one plain image and nothing else; None if it is anything more."""
    if not content.startswith(b"SIMPLE  =                    T"):
        return None
    cards: dict[str, str] = {}
    wanted = _WANTED
    at = 0
    for at in range(80, len(content), 80):
        keyword = content[at : at + 8]
        if keyword in wanted:
            cards.setdefault(wanted[keyword], content[at : at + 80].decode("latin-1"))
        elif keyword == b"END     ":
            break
    else:
        return None
    start = at - at % _BLOCK + _BLOCK
    try:
        kind = _TYPES[int(cards["BITPIX"][10:30])]
        axes = int(cards["NAXIS"][10:30])
        shape = tuple(int(cards[f"NAXIS{axis}"][10:30]) for axis in range(axes, 0, -1))
    except (KeyError, ValueError):
        return None
    scaled = "BSCALE" in cards and wcs.number_of(cards["BSCALE"]) != 1
    scaled |= "BZERO" in cards and wcs.number_of(cards["BZERO"]) != 0
    if axes not in {2, 3} or scaled or "BLANK" in cards or "GROUPS" in cards or min(shape) < 1:
        return None
    count = math.prod(shape)
    length = count * int(kind[2])
    if len(content) < start + length:
        raise _truncated(name, len(content), start + length)
    if len(content) >= start + length + _BLOCK:  # more than this image's padding
        return None
    if "SIP" in (kind_of_axis := wcs.text_of(cards.get("CTYPE1"))) or "PV" in kind_of_axis:
        return None  # distortion polynomials: seldom, and astropy finds their cards
    data = np.frombuffer(content, dtype=kind, count=count, offset=start).reshape(shape)
    return _image(data, cards)


def _image(data: NDArray[Any], cards: wcs.Cards, extension: str = "") -> FitsImage:
    data = data[np.newaxis] if data.ndim == 2 else data  # (C, H, W)
    if data.dtype.kind == "f" and data.dtype.itemsize > 4:
        with np.errstate(over="ignore"):  # becomes infinite, and that is a missing pixel
            data = data.astype(np.float32)
    else:
        data = data.astype(np.uint8 if data.dtype == np.uint8 else np.float32)
    return FitsImage(
        data, wcs.bands(cards, len(data)), wcs.coordinates(cards), wcs.pixel_scale(cards), wcs.unit(cards), extension
    )


def _through_astropy(name: str, content: bytes | None, hdu: str) -> Iterator[FitsImage]:
    if content is not None and not content.startswith(b"SIMPLE"):
        raise damage.not_what_it_says(name, content, "a FITS file")
    opened = name if content is None else io.BytesIO(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd cards are no reason to bother the user while the image can be read
        with fits.open(opened, memmap=False) as file:
            pixels = [unit for unit in file if isinstance(unit, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU)]
            images = [unit for unit in pixels if _dimensions(unit) in {2, 3}]
            names = [unit.name for unit in images]
            is_stack = len(images) > 1 and not any(name for name in names if name != "PRIMARY")
            if hdu == "*" or (not hdu and is_stack):
                chosen = images
            elif hdu:
                chosen = [_named(file, hdu, name)]
            else:
                chosen = images[:1]
            if not chosen:
                raise _no_image(name, file, pixels)
            for unit in chosen:
                extension = str(file.index_of(unit)) if len(chosen) > 1 else ""
                yield _from_unit(unit, file[0].header, name, extension)  # pyright: ignore[reportAttributeAccessIssue]


def _from_unit(unit: Any, primary: fits.Header, name: str, extension: str) -> FitsImage:
    if not isinstance(unit, fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU) or _dimensions(unit) not in {2, 3}:
        raise UnreadableFile(
            f"The extension “{unit.name}” holds no 2-D or 3-D image.", "Choose the extension with the image.", name
        )
    data = np.asarray(unit.data)
    data = data.reshape(data.shape[-3:] if data.ndim > 3 else data.shape)  # axes of length one in front
    cards = {card.keyword: card.image[:80].ljust(80) for card in primary.cards if card.keyword in wcs.DESCRIPTION}
    for card in unit.header.cards:
        if card.keyword in _KEPT or wcs.is_distortion(card.keyword):
            cards[card.keyword] = card.image[:80].ljust(80)
    return _image(data, cards, extension)


_KEPT = frozenset((*wcs.COORDINATES, *wcs.DESCRIPTION))


def _dimensions(unit: Any) -> int:
    """Number of axes, leaving out those of length one in front of the last two; 0 without data."""
    shape = list(unit.shape)
    while len(shape) > 3 and shape[0] == 1:
        shape.pop(0)
    return len(shape) if shape and min(shape) > 0 else 0


def _named(file: fits.HDUList, hdu: str, name: str) -> Any:
    key = int(hdu) if hdu.lstrip("-").isdigit() else hdu
    try:
        return file[key]
    except (KeyError, IndexError):
        there = ", ".join(f"{number} {unit.name}".strip() for number, unit in enumerate(file))
        raise UnreadableFile(
            f"There is no extension “{hdu}”; there are {there}.", "Choose one of them.", name
        ) from None


def _no_image(name: str, file: fits.HDUList, pixels: list[Any]) -> UnreadableFile:
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


def _truncated(name: str, there: int, needed: int) -> UnreadableFile:
    return UnreadableFile(
        f"The file is truncated: {there:,} of {needed:,} bytes are there.", "Download or copy it again.", name
    )

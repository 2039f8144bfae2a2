"""Tile-compressed FITS images: what they tell of is compared with the bytes of their tiles before astropy unpacks them.

astropy unpacks a gzip tile to whatever it holds, and the libraries for the other kinds trust the lengths in a header
and in the tiles themselves: a file of a few hundred kilobytes becomes gigabytes, and a wrong number ends the program.

References
----------
FITS Standard 4.0, Sect. 10: tiled image compression; the beginnings of PLIO and HCOMPRESS tiles are those of cfitsio.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from core.data.limits import lack_of
from core.errors import UnreadableFile

_GZIP = 31  # zlib's number for a gzip header with any window
_LARGEST_VALUE = 8  # bytes
_BYTES = {"B": 1, "I": 2, "J": 4, "E": 4, "D": 8}
_REMEDY = "Download or copy it again."


@dataclass(frozen=True)
class _Tiles:
    """The tiles of an image: how many pixels each has (N,), and the heap of bytes in which they lie."""

    header: Any
    pixels: NDArray[np.int64]
    heap: bytes


def require_sound_tiles(unit: Any, name: str) -> None:
    """Require that the tiles of a ``CompImageHDU`` lie in it and unpack to its pixels at most.

    Raises
    ------
    UnreadableFile
        They do not.
    """
    columns = unit.compressed_data.columns
    rows = unit.compressed_data.view(np.ndarray)
    tiles = _locate(unit, len(rows), name)
    kind = str(tiles.header.get("ZCMPTYPE", ""))
    if kind.startswith("RICE"):
        _require_known_integers(tiles.header, name)
    for column in columns.names:
        if (role := column.upper()) not in {"COMPRESSED_DATA", "GZIP_COMPRESSED_DATA"}:
            continue
        size = _BYTES[str(columns[column].format).removeprefix("1")[1]]
        places, pixels = _places(rows[column], size, tiles, name)
        if kind.startswith("GZIP") or role != "COMPRESSED_DATA":
            _require_short(places, pixels, tiles.heap, name)
        elif kind.startswith("PLIO"):
            _require_plio_lengths(places, size, tiles.heap, name)
        elif kind.startswith("HCOMPRESS"):
            _require_hcompress_sizes(places, size, pixels, tiles.heap, name)


def _locate(unit: Any, rows: int, name: str) -> _Tiles:
    about = unit.fileinfo()
    file = about["file"]
    file.seek(about["hdrLoc"])
    header: Any = fits.Header.fromstring(file.read(about["datLoc"] - about["hdrLoc"]).decode("latin-1"))
    axes = range(int(header["ZNAXIS"]), 0, -1)
    shape, tile = ([int(header[f"{key}{axis}"]) for axis in axes] for key in ("ZNAXIS", "ZTILE"))
    if min(tile) < 1:
        raise _damaged(f"its tiles have {' × '.join(map(str, tile))} pixels", name)
    count = math.prod(-(-length // own) for length, own in zip(shape, tile, strict=True))
    if count > rows:
        raise _damaged(f"it holds {rows:,} of {count:,} tiles", name)
    pixels = np.ones(1, np.int64)
    for length, own in zip(shape, tile, strict=True):  # tiles at the far edges are smaller
        pixels = np.multiply.outer(pixels, np.minimum(own, length - np.arange(0, length, own))).reshape(-1)
    table = int(header["NAXIS1"]) * int(header["NAXIS2"])
    start = int(header.get("THEAP", table))
    file.seek(about["datLoc"] + start)
    heap = file.read(max(0, min(about["datSpan"], table + int(header["PCOUNT"])) - start))
    if lack := lack_of(shape, abs(int(header["ZBITPIX"])) // 8, table + len(heap)):
        raise _damaged(lack, name)
    return _Tiles(header, pixels, heap)


def _require_known_integers(header: Any, name: str) -> None:
    """Require the sizes of integers that the library for Rice's method knows."""
    for number in range(1, 1000):
        if (keyword := header.get(f"ZNAME{number}")) is None:
            return
        value = header.get(f"ZVAL{number}")
        if str(keyword).upper() == "BYTEPIX" and value not in {1, 2, 4}:
            raise _damaged(f"its integers have {value} bytes", name)
        if str(keyword).upper() == "BLOCKSIZE" and not (isinstance(value, int) and 1 <= value <= 2**15):
            raise _damaged(f"its blocks have {value} pixels", name)


def _places(descriptors: NDArray[Any], size: int, tiles: _Tiles, name: str) -> tuple[list[tuple[int, int]], list[int]]:
    """Where tiles of values with ``size`` bytes begin and end in the heap, and their pixels; without empty tiles."""
    lengths, starts = descriptors[: len(tiles.pixels)].astype(np.int64).T
    ends = starts + size * lengths
    if len(ends) and (starts.min() < 0 or lengths.min() < 0 or ends[lengths > 0].max(initial=0) > len(tiles.heap)):
        raise _damaged("its tiles lie outside its data", name)
    there = lengths > 0
    return list(zip(starts[there].tolist(), ends[there].tolist(), strict=True)), tiles.pixels[there].tolist()


def _require_short(places: list[tuple[int, int]], pixels: list[int], heap: bytes, name: str) -> None:
    """Require gzip tiles that unpack to their pixels at most."""
    for (start, end), count in zip(places, pixels, strict=True):
        packed, length, most = heap[start:end], 0, _LARGEST_VALUE * count
        while packed:  # gzip allows several pieces
            unpacker = zlib.decompressobj(_GZIP)
            length += len(unpacker.decompress(packed, most + 1 - length))
            if length > most:
                raise _damaged(f"a tile of {count:,} pixels unpacks to more than {most:,} bytes", name)
            packed = unpacker.unused_data.lstrip(b"\0") if unpacker.eof else b""


def _require_plio_lengths(places: list[tuple[int, int]], size: int, heap: bytes, name: str) -> None:
    """Require PLIO tiles that begin with their own lengths: the library reads so far."""
    for start, end in places:
        words = np.frombuffer(heap[start : min(end, start + 10)][: (end - start) // 2 * 2], ">i2").tolist()
        is_old = len(words) > 2 and words[2] > 0
        if size != 2 or len(words) < (3 if is_old else 5) or words[1] < 0:
            raise _damaged("the beginning of a tile is missing", name)
        length = words[2] if is_old else (words[4] << 15) + words[3]
        if 2 * length > end - start:
            raise _damaged("a tile tells of more than it holds", name)


def _require_hcompress_sizes(
    places: list[tuple[int, int]], size: int, pixels: list[int], heap: bytes, name: str
) -> None:
    """Require HCOMPRESS tiles that begin with their own sizes: the library writes so many pixels."""
    for (start, end), count in zip(places, pixels, strict=True):
        if size != 1 or end - start < 10:
            raise _damaged("the beginning of a tile is missing", name)
        one, other = np.frombuffer(heap, ">i4", 2, start + 2).tolist()
        if min(one, other) < 1 or one * other != count:
            raise _damaged("a tile tells of another size than the header", name)


def _damaged(reason: str, name: str) -> UnreadableFile:
    return UnreadableFile(f"The file is damaged or truncated: {reason}.", _REMEDY, name)

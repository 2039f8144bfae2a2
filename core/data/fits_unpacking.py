"""Unpacking compressed FITS files: never more than their headers tell of.

Four hundred bytes of bzip2 can unpack to gigabytes of zeros. The headers say how long each image is, so unpacking
stops where the last one ends, and what would not be a file of cutouts is refused before it is unpacked.
"""

from __future__ import annotations

import gzip
import io
import math
from typing import IO

from core.data.decompression import is_compressed, open_unpacked
from core.data.fits_headers import BLOCK, LONGEST, data_length, holds_end
from core.errors import UnreadableFile

MOST = 256 * 2**20  # bytes, unpacked
_AT_ONCE = 4 * 2**20  # bytes; a cutout is smaller
_SHORT = 2**15  # bytes; gzip packs at most a thousand to one


def unpack(packed: bytes, name: str) -> bytes:
    """The content of a FITS file that may be packed by gzip, bzip2 or xz.

    Raises
    ------
    UnreadableFile
        Its headers tell of more than :data:`MOST` bytes.
    OSError, EOFError, zlib.error, lzma.LZMAError
        It is damaged.
    """
    if not is_compressed(packed[:8]):
        return packed
    if len(packed) <= _SHORT and packed.startswith(b"\x1f\x8b"):
        return gzip.decompress(packed)
    with open_unpacked(io.BytesIO(packed), packed[:8]) as stream:
        content = bytearray(stream.read(_AT_ONCE))
        if len(content) == _AT_ONCE and content.startswith(b"SIMPLE"):
            del content[_read_units(stream, content, name) :]
    return bytes(content)


def _read_units(stream: IO[bytes], content: bytearray, name: str) -> int:
    """Read on to the end of the last header and its data; the length of the file up to there."""
    start = 0
    while True:
        end = _read_header(stream, content, start)
        if not end:
            return start or len(content)
        length = data_length(content[start:end])
        if end + length > MOST:
            raise UnreadableFile(
                f"This compressed file tells of {(end + length) / 2**20:,.0f} MB of pixels; {MOST / 2**20:.0f} MB can "
                "be unpacked in memory.",
                "If they are there, unpack the file first.",
                name,
            )
        start = end + math.ceil(length / BLOCK) * BLOCK
        if not _read_to(stream, content, start + BLOCK):
            return len(content)
        if content[start : start + 8] != b"XTENSION":
            return start


def _read_header(stream: IO[bytes], content: bytearray, start: int) -> int:
    """Where the header that starts here ends; 0 if it does not."""
    for at in range(start, start + LONGEST, BLOCK):
        if not _read_to(stream, content, at + BLOCK):
            return 0
        if holds_end(content, start, at):
            return at + BLOCK
    return 0


def _read_to(stream: IO[bytes], content: bytearray, length: int) -> bool:
    """Unpack up to this length; whether there is so much."""
    while len(content) < length and (more := stream.read(min(length - len(content), _AT_ONCE))):
        content += more
    return len(content) >= length

"""FITS headers as bytes: what they tell of is checked before astropy loops over it or reads so far."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import IO

from core.errors import UnreadableFile

BLOCK = 2880  # bytes
LONGEST = 1000 * BLOCK  # of a header
_MOST = 999  # axes and columns; FITS Standard 4.0, sections 4.4.1.1 and 7.2.1
_COUNTS = {"NAXIS": "axes", "TFIELDS": "columns"}
_END = re.compile(rb"END {77}")
_CARD = re.compile(rb"(BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS) *= +([+-]?\d+) *(/|$)", re.IGNORECASE)


def holds_end(content: bytes | bytearray, start: int, block: int) -> bool:
    """Whether the header that begins at ``start`` ends in the block that begins at ``block``."""
    return any((found.start() - start) % 80 == 0 for found in _END.finditer(content, block, block + BLOCK))


def read_sizes(header: bytes | bytearray) -> dict[str, int]:
    """The cards of a header that tell how long its data are, with their values."""
    cards = (_CARD.match(bytes(header[at : at + 80])) for at in range(0, len(header), 80))
    return {card[1].decode().upper(): int(card[2]) for card in cards if card}


def data_length(header: bytes | bytearray) -> int:
    """Length of the data that a header tells of [bytes]; a header without sizes tells of none."""
    values = read_sizes(header)
    axes = [values.get(f"NAXIS{axis}", 0) for axis in range(1, min(values.get("NAXIS", 0), _MOST) + 1)]
    if axes and axes[0] == 0:  # random groups
        axes.pop(0)
    count = math.prod(axes) + values.get("PCOUNT", 0) if axes else 0
    return max(0, abs(values.get("BITPIX", 8)) // 8 * values.get("GCOUNT", 1) * count)


def require_small_counts(file: IO[bytes], name: str, keys: Iterable[str] = tuple(_COUNTS)) -> None:
    """Require that no header of an open file tells of more axes or columns than FITS allows: astropy loops over them.

    The file is left at its beginning.

    Raises
    ------
    UnreadableFile
        One does.
    """
    start = 0
    while header := _read_header(file, start):
        sizes = read_sizes(header)
        for key in keys:
            if (count := sizes.get(key, 0)) > _MOST:
                sentence = f"Its header tells of {count:,} {_COUNTS[key]}, and FITS has at most {_MOST}."
                raise UnreadableFile(sentence, "Download or copy it again.", name)
        start += len(header) + math.ceil(data_length(header) / BLOCK) * BLOCK
    file.seek(0)


def _read_header(file: IO[bytes], start: int) -> bytes:
    """The header that begins here, to the end of its last block; what there is of one that does not end."""
    file.seek(start)
    header = bytearray()
    while len(header) < LONGEST and (block := file.read(BLOCK)):
        header += block
        if holds_end(header, 0, len(header) - len(block)):
            break
    return bytes(header)

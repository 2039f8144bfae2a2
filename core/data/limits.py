"""How much a file may hold: what it tells of its size is checked before any memory is set aside for it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.errors import UnreadableFile

MOST_VALUES = 2**25
"""Pixel values in all bands of one galaxy. As float32 they take 128 MB, and several times as much while they are made
into a stamp."""

MOST_COLUMN = 2**28
"""Bytes of one column of a file of many galaxies."""

_RATIO = 200  # nothing but repeated values is packed more tightly
_FREE = 2**24  # bytes
_REMEDY = "Cut it into cutouts first, or leave it out."


def require_moderate_size(shape: Sequence[int], name: str) -> None:
    """Require an image that can be that of one galaxy.

    Parameters
    ----------
    shape
        As its header tells, in any order.
    name
        Its file.

    Raises
    ------
    UnreadableFile
        It has more than :data:`MOST_VALUES` values.
    """
    if math.prod(shape) > MOST_VALUES:
        raise UnreadableFile(
            f"It tells of {_told(shape)} pixel values; an image of one galaxy has at most {MOST_VALUES / 1e6:.0f} "
            "million.",
            _REMEDY,
            name,
        )


def too_large(name: str) -> UnreadableFile:
    """The problem with a picture that has so many pixels that its library does not tell how many."""
    return UnreadableFile(
        f"It tells of hundreds of millions of pixels; an image of one galaxy has at most {MOST_VALUES / 1e6:.0f} "
        "million.",
        _REMEDY,
        name,
    )


def lack_of(shape: Sequence[int], size: int, stored: int) -> str:
    """Why an array cannot hold what it tells of, as the end of a sentence; empty if it can.

    Parameters
    ----------
    shape
        As its header tells.
    size
        Of one value [bytes].
    stored
        What the file holds of it, packed or not [bytes].
    """
    if math.prod(shape) * size <= _RATIO * stored + _FREE:
        return ""
    return f"it tells of {_told(shape)} values, of which {stored:,} bytes are in the file"


def _told(shape: Sequence[int]) -> str:
    return " × ".join(f"{length:,}" for length in shape)

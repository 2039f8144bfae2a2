"""Which axis of an array of pixels holds the bands."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_BANDS = 16  # of an image with the bands last: a longer last axis is a row of pixels


def has_bands_last(shape: Sequence[int]) -> bool:
    """Whether an array of three axes is (H, W, bands) rather than (bands, H, W).

    A galaxy has few bands and many pixels: the last axis is that of the bands if it has at most sixteen and fewer
    than both others.
    """
    return shape[2] <= _MOST_BANDS and shape[2] < min(shape[:2])


def is_ambiguous(shape: Sequence[int]) -> bool:
    """Whether (H, W, bands) might as well be (bands, H, W): the first axis is short, too, and no square comes out."""
    return has_bands_last(shape) and shape[0] <= _MOST_BANDS and shape[0] != shape[1]

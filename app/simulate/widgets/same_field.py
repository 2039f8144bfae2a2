"""Pictures of two cameras at the same zoom: the same field on the sky, in pictures of their own pixels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def fit_to_field(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Cut a picture (H, W, 3) about its centre to (side, side, 3), or put it into the middle of a black one."""
    fitted = np.zeros((side, side, picture.shape[2]), np.uint8)
    into, out = [], []
    for length in picture.shape[:2]:
        shared = min(length, side)
        into.append(slice((side - shared) // 2, (side - shared) // 2 + shared))
        out.append(slice((length - shared) // 2, (length - shared) // 2 + shared))
    fitted[into[0], into[1]] = picture[out[0], out[1]]
    return fitted


def pixels_across(side: int, scale: float, other_scale: float) -> int:
    """How many pixels of another scale [arcsec/pixel] see the field of ``side`` pixels; as many if one is unknown."""
    known = all(math.isfinite(each) and each > 0 for each in (scale, other_scale))
    return max(1, round(side * scale / other_scale)) if known else side

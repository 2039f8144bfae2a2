"""Signed patterns, such as filter weights, as RGB pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.data.stretch import colour_planes


def signed_rgb(patterns: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.uint8]:
    """Colour patterns about zero: grey is zero, brighter is more, darker is less.

    Three bands or more are shown in colour, the reddest one as red, so that a pattern in all bands is grey; fewer are
    summed. Each pattern has its own scale, on which its largest value is white or black, or a pure colour.

    Parameters
    ----------
    patterns
        (n, C, h, w).
    bands
        Names of the C bands.

    Returns
    -------
    ndarray
        uint8 (n, h, w, 3).
    """
    planes = colour_planes(bands)
    shown = patterns[:, planes] if planes else patterns.sum(axis=1, keepdims=True).repeat(3, axis=1)
    largest = np.abs(shown).max(axis=(1, 2, 3), keepdims=True)
    shown = shown / np.where(largest > 0, largest, 1)
    return np.moveaxis(np.round(127.5 + 127.5 * shown).astype(np.uint8), 1, -1)

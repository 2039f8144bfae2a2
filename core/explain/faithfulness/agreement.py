r"""How far several methods agree on one galaxy.

Each method has its own blind spots; what several find is more likely what the network uses. Two maps are
compared by Spearman's rank correlation of their strengths (absolute values), and by the overlap of their
brightest tenths, intersection over union. Maps that have nothing to do with each other have a correlation
near 0 and an overlap near :math:`0.1^2 / (2 \cdot 0.1 - 0.1^2) \approx 0.05`.

A coarse map cannot agree with a fine one pixel by pixel, so both are brought to the resolution of the coarser one
first, with signs. Occlusion measures what a square of side :math:`p` covers, and a pixel's value is a mean over the
squares on it: of a linear network, that is the exact map averaged twice over such a square, with a variance of
:math:`2 (p^2 - 1) / 12` along each axis. A Gaussian of the same variance takes any finer map there. All other maps
are as fine as the pixels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from core.errors import NotPossible
from core.explain.explanation import Explanation
from core.explain.faithfulness.map_similarity import rank_correlation
from core.explain.faithfulness.settings import AgreementSettings
from core.explain.settings import OcclusionSettings


@dataclass(frozen=True, eq=False)
class Agreement:
    """How similar the maps of m methods are.

    Attributes
    ----------
    methods
        Names of the methods, with spaces.
    correlation
        float64 (m, m), rank correlation of strengths, from -1 to 1.
    overlap
        float64 (m, m), of the brightest pixels, from 0 to 1.

    Both are NaN where one of the maps is the same everywhere or not finite.
    """

    methods: tuple[str, ...]
    correlation: NDArray[np.float64]
    overlap: NDArray[np.float64]

    def sentence(self) -> str:
        """Mean agreement as text, and which two methods agree least."""
        pairs = list(itertools.combinations(range(len(self.methods)), 2))
        known = [pair for pair in pairs if np.isfinite(self.correlation[pair])]
        if not known:
            return "There are no two maps to compare."
        correlation = np.mean([self.correlation[pair] for pair in known])
        overlap = np.mean([self.overlap[pair] for pair in known])
        numbers = f"rank correlation {correlation:.2f}, overlap of the brightest parts {overlap:.2f}"
        if len(known) == 1:
            first, second = (self.methods[place] for place in known[0])
            return f"Agreement of {first} and {second}: {numbers}."
        least = min(known, key=lambda pair: self.correlation[pair])
        first, second = (self.methods[place] for place in least)
        return (
            f"Mean agreement of {len(self.methods)} methods: {numbers}; "
            f"{first} and {second} agree least ({self.correlation[least]:.2f})."
        )


def measure_agreement(explanations: Sequence[Explanation], settings: AgreementSettings) -> Agreement:
    """Compare maps of one galaxy in pairs.

    Parameters
    ----------
    explanations
        Maps by different methods, or with different settings.
    settings
        Fraction of the brightest pixels, and the finest resolution.

    Raises
    ------
    NotPossible
        The maps have different sizes.
    """
    if len({found.map.shape for found in explanations}) > 1:
        raise NotPossible("These maps have different sizes.", "Compare maps of one galaxy.")
    count = len(explanations)
    correlation, overlap = np.full((2, count, count), np.nan)
    for one, two in itertools.combinations_with_replacement(range(count), 2):
        first, second = _strengths(explanations[one], explanations[two], settings.resolution)
        correlation[one, two] = correlation[two, one] = rank_correlation(first, second)
        if np.isfinite(correlation[one, two]):
            overlap[one, two] = overlap[two, one] = _overlap(first, second, settings.brightest)
    return Agreement(tuple(found.method for found in explanations), correlation, overlap)


def resolution(found: Explanation) -> float:
    """Standard deviation in pixels, along each axis, by which its method blurs a map."""
    settings = found.settings
    return math.sqrt((settings.patch**2 - 1) / 6) if isinstance(settings, OcclusionSettings) else 0.0


def _strengths(first: Explanation, second: Explanation, finest: float) -> list[NDArray[np.float64]]:
    """Strengths (H, W) of two maps at the resolution of the coarser one."""
    common = max(finest, resolution(first), resolution(second))
    return [
        np.abs(gaussian_filter(found.map.astype(np.float64), math.sqrt(common**2 - resolution(found) ** 2)))
        for found in (first, second)
    ]


def _overlap(first: NDArray[np.float64], second: NDArray[np.float64], share: float) -> float:
    bright, bright_too = _brightest_pixels(first, share), _brightest_pixels(second, share)
    return float((bright & bright_too).sum() / (bright | bright_too).sum())


def _brightest_pixels(strengths: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """The pixels (H, W) at or above the quantile that leaves this share, without those of zero strength."""
    return (strengths >= np.quantile(strengths, 1 - share)) & (strengths > 0)

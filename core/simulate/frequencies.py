"""The frequencies at which stamps are summed: nested square grids, fine near zero and coarse beyond.

A grid of spacing 2π/P repeats an image with the period P. Periods long enough for the wings of a large galaxy would
need a fine grid everywhere, though only the lowest frequencies vary so fast. So the plane of frequencies is divided
smoothly: above a few tenths of a radian per pixel a grid whose period P is about the side of the stamp; below it one
twice as fine (period 2P), below half of that frequency one again twice as fine, and so on, as many levels as the light
requires. The window between two levels is ½ erfc(k/d − c), whose transform has the range of the shorter period.

The points lie half a spacing beside zero, at (j + ½) 2π/P along both axes. The first copies of the image then fold back
with the opposite sign; nothing else changes, and no point is on an axis, where it would count half.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

FINER = 2
WIDTH, CENTRE, END = 5.3, 2.8, 5.5  # of a window: d × distance, c, and where it ends, over d


@dataclass(frozen=True)
class Grid:
    """The points of some levels, in one list: level by level, first those of ky > 0, then those of ky < 0; kx > 0.

    The other half of the plane follows from the image being real.

    Attributes
    ----------
    period
        Of the coarsest level in pixels.
    levels
        Their number, at least 1.
    reach
        The highest frequency along an axis, radians per pixel.
    room
        Pixels between a pixel of the stamp and the nearest copy that the coarsest level folds back.
    """

    period: float
    levels: int
    reach: float
    room: float

    def spacing(self, level: int) -> float:
        """Between frequencies of a level, radians per pixel."""
        return 2 * math.pi / (self.period * FINER**level)

    @cached_property
    def axes(self) -> tuple[NDArray[np.float64], ...]:
        """The positive frequencies along an axis, of each level."""
        steps = [np.arange(0.5, self._count(level), dtype=np.float64) for level in range(self.levels)]
        return tuple(np.multiply(step, self.spacing(level)) for level, step in enumerate(steps))

    def _count(self, level: int) -> int:
        end = self.reach if level == 0 else min(self.reach, END * self._width(level - 1))
        return max(1, round(end / self.spacing(level)))

    def _width(self, level: int) -> float:
        return WIDTH / (self.room * FINER**level)

    @property
    def points(self) -> int:
        """How many there are."""
        return 2 * sum(len(axis) ** 2 for axis in self.axes)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """(points,) by which the values are multiplied before they are summed: window and area, for both halves."""
        parts = []
        for level, axis in enumerate(self.axes):
            k = np.hypot(axis[:, None], axis)
            window = np.ones_like(k) if level == 0 else _window(k, self._width(level - 1))
            if level + 1 < self.levels:
                window = window - _window(k, self._width(level))
            parts.append(np.tile(2 * (self.spacing(level) / (2 * math.pi)) ** 2 * window.ravel(), 2))
        return np.concatenate(parts)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """(3, points): kx, ky and the squared length."""
        kx = np.concatenate([np.tile(axis, 2 * len(axis)) for axis in self.axes])
        ky = np.concatenate([np.repeat(np.concatenate([axis, -axis]), len(axis)) for axis in self.axes])
        return np.stack([kx, ky, kx**2 + ky**2]).astype(np.float32)

    def waves(self, size: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """The waves at the pixels of an axis, for each level all cosines, then all sines.

        Returns
        -------
        frequencies, waves
            (rows,); and (2, rows, size): the waves, and minus their derivatives by the phase.
        """
        frequencies = np.concatenate([np.tile(axis, 2) for axis in self.axes])
        quarter = np.concatenate([np.repeat([0, 0.5 * math.pi], len(axis)) for axis in self.axes])
        phase = frequencies[:, None] * (np.arange(size) - (size - 1) / 2) - quarter[:, None]
        return frequencies, np.stack([np.cos(phase), np.sin(phase)]).astype(np.float32)


def _window(k: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    return 0.5 * erfc(k / width - CENTRE)

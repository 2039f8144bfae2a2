"""Random numbers of each galaxy: galaxy i is the same in any block, in a larger set, and for any number of workers."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

# Golden-ratio steps, as in NumPy's PCG64.jumped: multiples of a power of 2 would leave the low bits of the state alike.
_STEP = 0x9E3779B97F4A7C15F39CC0605CEDC835
_PERIOD = 1 << 128


class Purpose(IntEnum):
    """What random numbers are for: each purpose has its own, so that more of one change nothing of another."""

    PARAMETERS = 1
    COMPANIONS = 2
    FEATURES = 3
    NOISE = 4
    SKY = 5
    COSMIC_RAYS = 6
    ARMS = 7
    BARS = 8
    CLUMPS = 9
    TIDAL = 10
    STARS = 11
    PSF = 12


class Streams:
    """The stream of every galaxy for one purpose: far apart in the sequence of one generator.

    To set the generator to a galaxy's stream takes a third of the time of seeding a new one.
    """

    def __init__(self, seed: int, purpose: Purpose) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence((seed, int(purpose))))
        self._start = self._bits.state
        self._generator = np.random.Generator(self._bits)

    def at(self, number: int) -> np.random.Generator:
        """The generator at the beginning of a galaxy's stream; to be used before the next call."""
        self._bits.state = self._start
        self._bits.advance(int(number) * _STEP % _PERIOD)
        return self._generator

    def shares(self, numbers: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """The first ``count`` uniform random numbers of each galaxy's stream, (n, count)."""
        drawn = np.empty((len(numbers), count))
        for row, number in zip(drawn, numbers, strict=True):
            self.at(number).random(out=row)
        return drawn

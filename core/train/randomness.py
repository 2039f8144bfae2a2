"""One seed per run, from which each purpose gets its own random numbers.

The random numbers of a batch are a function of the run's seed, the purpose, the epoch and the batch, and do not depend
on what was drawn before: a resumed run draws the same numbers as one without interruption.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import torch

Purpose = Literal[
    "weights", "order", "augmentation", "dropout", "noise", "sample", "unlabelled", "discriminator", "view"
]
_TOGETHER = 32
_PURPOSES: dict[Purpose, int] = {
    "weights": 1,
    "order": 2,
    "augmentation": 3,
    "dropout": 4,
    "noise": 5,
    "sample": 6,
    "unlabelled": 7,
    "discriminator": 8,
    "view": 9,
}


def numpy_generator(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """A numpy generator for a purpose; ``numbers`` are the epoch and the batch, where they matter."""
    return np.random.default_rng(_sequence(seed, purpose, numbers))


def torch_generator(seed: int, purpose: Purpose, *numbers: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch generator for a purpose."""
    return torch.Generator(device).manual_seed(torch_seed(seed, purpose, *numbers))


def torch_seed(seed: int, purpose: Purpose, *numbers: int) -> int:
    """A seed for one of torch's generators."""
    if not numbers:
        return _torch_seed(seed, purpose, ())
    block, place = divmod(numbers[-1], _TOGETHER)
    return _torch_seeds(seed, purpose, numbers[:-1], block)[place]


@lru_cache(maxsize=16)
def _torch_seeds(seed: int, purpose: Purpose, before: tuple[int, ...], block: int) -> tuple[int, ...]:
    """The seeds of successive batches: together each takes a tenth of the time, since a step clears the caches."""
    return tuple(_torch_seed(seed, purpose, (*before, block * _TOGETHER + place)) for place in range(_TOGETHER))


def _torch_seed(seed: int, purpose: Purpose, numbers: tuple[int, ...]) -> int:
    return int(_sequence(seed, purpose, numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _sequence(seed: int, purpose: Purpose, numbers: tuple[int, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence(seed, spawn_key=(_PURPOSES[purpose], *numbers))

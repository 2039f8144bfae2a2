"""A few simulated galaxies at once, while the settings are being chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.store import Band
from core.simulate.blocks import BlockMaker
from core.simulate.factory import bands_of, recipe_of
from core.simulate.settings import SimulationSettings


@dataclass(frozen=True, eq=False)
class LiveGrid:
    """Simulated galaxies with their true values.

    Attributes
    ----------
    stamps
        (n, C, H, W), in the unit of the dataset.
    columns
        True values (n,) by name.
    units
        The units of those that have one.
    bands
        One for each plane.
    remarks
        What is to be known of the files and priors of the settings, a sentence each.
    """

    stamps: NDArray[np.float32]
    columns: dict[str, NDArray[Any]]
    units: dict[str, str]
    bands: tuple[Band, ...]
    remarks: tuple[str, ...] = ()


def live_grid(settings: SimulationSettings, count: int = 16) -> LiveGrid:
    """Simulate the first galaxies of a dataset.

    Parameters
    ----------
    settings
        As :func:`core.simulate.factory.simulate` takes them; their number of galaxies does not matter.
    count
        How many.

    Raises
    ------
    Problem
        A file that the settings name is not there or damaged.
    """
    settings = settings.model_copy(update={"count": 1})
    maker = _maker(settings, recipe_of(settings))
    made = maker.make(range(count))
    return LiveGrid(made.images, made.truth, made.units, tuple(bands_of(settings)), maker.remarks)


@lru_cache(maxsize=2)
def _maker(settings: SimulationSettings, recipe: str) -> BlockMaker:  # noqa: ARG001 - changes with the files
    return BlockMaker(settings)

"""Another survey of the galaxies of the small one: larger, fainter, noisier, or with other names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from galaxies import ellipse, write_dataset
from small_survey import CLASSES, SIDE

SHAPES = {"disk": (1.0, 0.9), "edge-on": (1.0, 0.25), "spheroid": (0.5, 0.5)}


def write_other(
    path: Path,
    *,
    count: int = 90,
    seed: int = 7,
    larger: float = 1.0,
    dimmer: float = 1.0,
    noise: float = 2.0,
    side: int = SIDE,
    names: Sequence[str] = CLASSES,
    bands: Sequence[str] = ("r",),
    unlabelled: int = 0,
) -> Path:
    """Galaxies as those of the small survey, on a sky of 100 whose light is divided by ``dimmer`` altogether."""
    draw = np.random.default_rng(seed)
    images = np.empty((count, len(bands), side, side), np.float32)
    labels: list[str] = []
    for row in range(count):
        kind = CLASSES[row % len(CLASSES)]
        width = larger * draw.uniform(3.5, 5.5)
        long, short = SHAPES[kind]
        images[row] = 40 * ellipse(side, width * long, width * short, draw.uniform(0, np.pi))
        labels.append(names[row % len(CLASSES)] if row < count - unlabelled else "")
    images = (images + draw.normal(100, noise, images.shape)) / dimmer
    ids = [f"other-{seed}-{row}" for row in range(count)]
    return write_dataset(path, images.astype(np.float32), {"form": labels}, ["form"], bands, ids=ids)


@pytest.fixture
def other(tmp_path: Path) -> Callable[..., Path]:
    """Write another survey with these differences; returns its dataset."""

    def make(**differences: object) -> Path:
        return write_other(tmp_path / "other.h5", **differences)  # type: ignore[arg-type]

    return make

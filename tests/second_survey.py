"""A second survey for the network of ``tests/app``: other sizes, another unit, other names of the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from galaxies import ellipse, write_dataset

SIDE = 24


def write_survey(path: Path, width: float, scale: float, names: tuple[str, str]) -> Path:
    """Galaxies as those of the training, but of another width [pixels] and unit, or by other names."""
    draw = np.random.default_rng(5)
    labels = [names[row % 2] for row in range(80)]
    images = np.array(
        [ellipse(SIDE, width, width * (0.95, 0.3)[row % 2], draw.uniform(0, np.pi)) for row in range(80)], np.float32
    )[:, None]
    images = (images + draw.normal(0, 0.03, images.shape)).astype(np.float32) * np.float32(scale)
    ids = [f"B-{row:04d}" for row in range(80)]
    return write_dataset(path, images, {"kind": labels}, ["kind"], ("r",), ids=ids)

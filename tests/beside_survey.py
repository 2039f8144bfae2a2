"""A planted survey whose classes no image shows: a redshift in the catalogue tells them, together with a flag."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy import units
from astropy.table import Table

from core.data.store import Band, DatasetWriter, Origin

SIDE = 16
CLASSES = ("far", "near")


def write(path: Path, count: int = 240, seed: int = 0, *, missing: float = 0.0, order: tuple[str, ...] = ()) -> Path:
    """A dataset of noise; a galaxy is far if its redshift is above 1, and ``missing`` of them have none.

    Beside it stand a flux, which tells nothing, a constant, and words; ``order`` is that of the columns.
    """
    random = np.random.default_rng(seed)
    redshift = random.uniform(0, 2, count)
    table = Table(
        {
            "id": [f"galaxy {row}" for row in range(count)],
            "distance": np.array(CLASSES)[(redshift < 1).astype(int)],
            "redshift": np.where(random.random(count) < missing, np.nan, redshift),
            "flux": 10 ** random.normal(0, 1, count) * units.uJy,
            "epoch": np.full(count, 2000.0),
            "field": random.choice(["north", "south"], count),
        }
    )
    if order:
        table = table["id", *order]
    images = random.normal(0, 1, (count, 1, SIDE, SIDE)).astype(np.float32)
    with DatasetWriter(path, (1, SIDE, SIDE), [Band("r")], "float32") as writer:
        writer.append(images, list(table["id"]), np.full(count, 0.2), [""] * count, np.zeros(count))
        labels = ["distance"] if "distance" in table.colnames else []
        writer.finish(table, labels, Origin("test", "", "planted", ""), [])
    return path

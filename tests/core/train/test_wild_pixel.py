"""One wild pixel in one galaxy of a dataset that an earlier version imported must not end a training in guessing."""

import threading
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from core.data.store import Band, DatasetWriter, Origin
from core.events import EpochEnded
from core.project.runs import RunFolder
from core.train import loop
from core.train.settings import RunSettings

GALAXIES, SIDE = 80, 16


def write(path: Path, mark: float) -> Path:
    """Two kinds that differ in brightness; galaxy 5 has the mark in a corner."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    fluxes = np.where(np.arange(GALAXIES) % 2, 30.0, 100.0)
    images = fluxes[:, None, None, None] * np.exp(-(x**2 + y**2) / 12)
    images += random.normal(0, 2, images.shape)
    images[5, 0, 2, 2] = mark
    ids = [str(row) for row in range(GALAXIES)]
    with DatasetWriter(path, (1, SIDE, SIDE), [Band("r")], "float32") as writer:
        known = np.full(GALAXIES, 0.4)
        writer.append(images.astype(np.float32), ids, known, [""] * GALAXIES, np.zeros(GALAXIES))
        kinds = np.where(np.arange(GALAXIES) % 2, "a", "b")
        writer.finish(Table({"id": ids, "kind": kinds}), ["kind"], Origin("a test", "", "drawn", ""), [])
    return path


@pytest.mark.parametrize(
    ("normalisation", "mark"), [pytest.param("standard", -1e30, marks=pytest.mark.slow), ("asinh", 1.6e38)]
)
def test_training_beside_one_wild_pixel_is_as_good_as_without(normalisation: str, mark: float, tmp_path: Path) -> None:
    settings = RunSettings.model_validate(
        {
            "device": "cpu",
            "data": {"validation": 0.3, "test": 0.0},
            "network": {"depth": 1, "channels": 8, "normalisation": normalisation},
            "optimiser": {"epochs": 12, "batch_size": 16},
            "stopping": {"patience": 0},
        }
    )
    data = write(tmp_path / "data.h5", mark)
    events = loop.run(settings, data, RunFolder(tmp_path / "run"), threading.Event())
    epochs = [event for event in events if isinstance(event, EpochEnded)]
    assert max(epoch.validation.values["accuracy"] for epoch in epochs[-4:]) >= 0.95
    assert all(np.isfinite(epoch.validation.loss) for epoch in epochs)

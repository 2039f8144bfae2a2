"""A tiny survey of 16-pixel stamps that a tiny network learns in a second."""

from pathlib import Path

import numpy as np
import pytest
import torch
from galaxies import ellipse, write_dataset

from core.train.settings import RunSettings

SIZE = 16


def written(path: Path, images: np.ndarray, kinds: np.ndarray, width: np.ndarray) -> Path:
    columns = {"kind": np.array(["disk", "edge-on", "point"])[kinds], "width": width}
    return write_dataset(path, images, columns, ["kind"], "r")


def blobs(count: int = 240, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (n, 1, SIZE, SIZE) of disks, thin ones and points in unequal numbers, their kinds and widths."""
    random = np.random.default_rng(seed)
    kinds = random.choice(3, count, p=(0.6, 0.25, 0.15))
    width = random.uniform(2, 4, count)
    images = random.normal(10, 1.5, (count, 1, SIZE, SIZE))
    for row, kind in enumerate(kinds):
        images[row] += 8 * ellipse(SIZE, *((width[row], width[row]), (width[row], 0.8), (1.2, 1.2))[kind])
    return images.astype(np.float32), kinds, width


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def draw():
    """Draw blobs, see :func:`blobs`."""
    return blobs


@pytest.fixture(scope="session")
def write():
    """Write a dataset from a path, images and the names of their kinds."""
    return lambda path, images, kinds: write_dataset(path, images, {"kind": kinds}, ["kind"], "r")


@pytest.fixture
def new_dataset(tmp_path: Path):
    """Write a dataset from images, kinds and widths."""
    return lambda *arguments: written(tmp_path / "new.h5", *arguments)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("tiny") / "tiny.h5", *blobs())


@pytest.fixture(scope="session")
def small() -> RunSettings:
    """Settings of a training that takes a fraction of a second."""
    return RunSettings.model_validate(
        {
            "data": {"validation": 0.2, "test": 0.2},
            "network": {"depth": 2, "channels": 6, "dense": 0, "dropout": 0},
            "optimiser": {"epochs": 2, "batch_size": 32, "learning_rate": 0.01},
            "device": "cpu",
        }
    )

from pathlib import Path

import numpy as np
import pytest
import torch
from galaxies import ellipse, write_dataset

from core.project.runs import RunFolder


def shapes(count=240, size=24, seed=0):
    """Point, disk and edge-on blobs (n, 2, size, size) on noise, with their class numbers and widths."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 3, count)
    width = random.uniform(3, 6, count)
    images = random.normal(10, 1, (count, 2, size, size))
    for row, kind in enumerate(kinds):
        images[row] += 15 * ellipse(size, *((2, 2), (width[row], width[row]), (width[row], 1))[kind])
    return images.astype(np.float32), kinds, width


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Sums depend on the number of threads in the last bit: shared runs have as many as the tests."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def blobs(tmp_path_factory) -> Path:
    """A dataset of three classes, a quantity and vote fractions."""
    images, kinds, width = shapes()
    columns = {
        "kind": np.array(["point", "disk", "edge-on"])[kinds],
        "width": np.where(kinds == 0, 2, width),
        "smooth": np.where(kinds == 0, 0.9, 0.2),
        "featured": np.where(kinds == 0, 0.1, 0.8),
    }
    path = tmp_path_factory.mktemp("data") / "blobs.h5"
    return write_dataset(path, images, columns, ["kind"], units={"width": "pix"})


@pytest.fixture
def new_dataset(tmp_path):
    """Write a dataset from images, columns, names of label columns and of bands."""
    return lambda *arguments, **more: write_dataset(tmp_path / "new.h5", *arguments, **more)


@pytest.fixture
def draw():
    """Draw blobs, see :func:`shapes`."""
    return shapes


@pytest.fixture
def new_run(tmp_path):
    """Make an empty run folder by name."""
    return lambda name="run": RunFolder.create(tmp_path / name)

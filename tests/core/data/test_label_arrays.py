"""Labels beside the images of a container, as the usual libraries save them."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.events import result_of

CLASSES = np.arange(12) % 3
SHAPES = {
    "a column": CLASSES[:, None],
    "one-hot": np.eye(3)[CLASSES],
    "one-hot whole": np.eye(3, dtype=np.uint8)[CLASSES],
    "flat": CLASSES,
}


@pytest.mark.parametrize(
    ("name", "shape", "ending"),
    [
        *[(name, "flat", "npz") for name in ("y", "y_train", "targets")],
        *[("labels", shape, ending) for shape in SHAPES for ending in ("npz", "h5")],
    ],
)
def test_labels_are_found_in_their_usual_shapes_and_under_their_usual_names(shape, name, ending, tmp_path):
    images = np.random.default_rng(0).normal(size=(12, 16, 16)).astype(np.float32)
    path = tmp_path / f"galaxies.{ending}"
    if ending == "npz":
        np.savez(path, images=images, **{name: SHAPES[shape]})
    else:
        with h5py.File(path, "w") as file:
            file["images"], file[name] = images, SHAPES[shape]
    report = result_of(importing.run([path], tmp_path / "made.h5", ImportSettings()))
    with Cutouts.open(tmp_path / "made.h5") as cutouts:
        assert cutouts.labels == (name,)
        assert [int(value) for value in cutouts.columns[name]] == CLASSES.tolist()
    assert any("one-hot" in note for note in report.notes) == shape.startswith("one-hot")


def test_an_array_of_fractions_is_no_one_hot_label(tmp_path):
    images = np.random.default_rng(0).normal(size=(12, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "a.npz", images=images, label=np.full((12, 3), 1 / 3))
    result_of(importing.run([tmp_path / "a.npz"], tmp_path / "made.h5", ImportSettings()))
    with Cutouts.open(tmp_path / "made.h5") as cutouts:
        assert "label" not in cutouts.columns


def test_a_position_is_no_label(tmp_path):
    images = np.random.default_rng(0).normal(size=(12, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "a.npz", images=images, x=np.arange(12.0), y=np.arange(12.0))
    result_of(importing.run([tmp_path / "a.npz"], tmp_path / "made.h5", ImportSettings()))
    with Cutouts.open(tmp_path / "made.h5") as cutouts:
        assert cutouts.labels == ()

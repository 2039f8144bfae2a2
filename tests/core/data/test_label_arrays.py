"""Labels beside the images of a container, as the usual libraries save them."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.preview import preview
from core.data.settings import ImportSettings
from core.data.target import Classes, Quantities, recognise
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


DECIMALS = np.linspace(0.5, 4.1, 37)
MISSING = {  # values, what becomes of them, galaxies without a label, what the report says
    "-99 float": (np.r_[DECIMALS, -99.0, -99.0], Quantities, 2, "Taken as missing in “label”: “−99” in 2 rows"),
    "-99 int": (np.r_[np.arange(37) % 3, -99, -99], Classes, 2, "Taken as missing in “label”: “−99” in 2 rows"),
    "-": ([f"{value:.2f}" for value in DECIMALS] + ["-"], Quantities, 1, "Taken as missing in “label”: “-” in 1 row"),
    "0,1": ([f"{value:.2f}".replace(".", ",") for value in DECIMALS], Quantities, 0, "“0,50” is 0.5, with a decimal"),
    "None": (["None", "Weak", "Strong"] * 12, Classes, 0, "“None” in 12 rows of “label” is a class"),
}


@pytest.mark.parametrize(
    ("case", "ending"),
    [*((case, "npz") for case in MISSING), ("-", "h5")]
    + [pytest.param(case, "h5", marks=pytest.mark.slow) for case in MISSING if case != "-"],
)
def test_labels_of_a_container_are_read_as_those_of_a_catalogue(case, ending, tmp_path):
    values, kind, missing, told = MISSING[case]
    images = np.random.default_rng(0).normal(size=(len(values), 8, 8)).astype(np.float32)
    path, text = tmp_path / f"galaxies.{ending}", np.array(values).dtype.kind == "U"
    if ending == "npz":
        np.savez(path, images=images, label=np.array(values))
    else:
        with h5py.File(path, "w") as file:
            file["images"] = images
            file.create_dataset("label", data=values, dtype=h5py.string_dtype() if text else None)
    report = result_of(importing.run([path], tmp_path / "made.h5", ImportSettings()))
    with Cutouts.open(tmp_path / "made.h5") as cutouts:
        target = recognise(cutouts.columns, cutouts.labels)
    assert isinstance(target, kind)
    assert len(report.without_label) == missing
    assert any(told in note for note in report.notes), report.notes
    if isinstance(target, Classes):
        assert len(target.names) == 3 and "-99" not in target.names
    shown = result_of(preview([path], ImportSettings(), None))
    assert any(told in note for note in shown.notes), "and so before the import"


def test_parts_and_labels_of_a_container_stay_with_their_images(tmp_path):
    images = np.random.default_rng(0).normal(size=(12, 8, 8)).astype(np.float32)
    images[:, 0, 0] = CLASSES
    train, test = slice(0, 8), slice(8, 12)
    arrays = {"x_train": images[train], "y_train": CLASSES[train], "x_test": images[test], "y_test": CLASSES[test]}
    np.savez(tmp_path / "a.npz", **arrays)
    report = result_of(importing.run([tmp_path / "a.npz"], tmp_path / "made.h5", ImportSettings()))
    with Cutouts.open(tmp_path / "made.h5") as cutouts:
        assert cutouts.labels == ("y",)
        assert cutouts.images[:][:, 0, 0, 0].tolist() == [float(value) for value in cutouts.columns["y"]]
        assert cutouts.split_column == "split"
        assert cutouts.columns["split"].tolist() == ["train"] * 8 + ["test"] * 4
    assert any("x_train, x_test are put together" in note for note in report.notes)
    assert any("“split”" in note for note in report.notes)


def test_a_wild_pixel_in_a_container_is_a_missing_one_and_is_named(tmp_path):
    images = np.random.default_rng(0).normal(10, 1, size=(12, 8, 8)).astype(np.float32)
    images[3, 2, 2], images[5, 1, 1] = -1e30, 1.6e38
    np.savez(tmp_path / "a.npz", images=images, label=CLASSES)
    report = result_of(importing.run([tmp_path / "a.npz"], tmp_path / "made.h5", ImportSettings()))
    with Cutouts.open(tmp_path / "made.h5") as cutouts:
        assert np.abs(cutouts.images[:]).max() < 20
    told = " ".join(report.notes)
    assert "-1e+30 are taken as missing" in told or "-1e+30" in told
    assert "1.6e+38" in told

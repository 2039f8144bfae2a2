"""A dataset whose metadata are odd is refused in one sentence that names the file and what is odd."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from damage import DAMAGES

from core.data.cutouts import Cutouts
from core.data.images import StoredImages
from core.errors import DatasetReplaced, Problem, UnreadableFile

GOLDEN = Path(__file__).parents[2] / "golden" / "bench" / "datasets" / "survey.h5"
ATTRIBUTES = ("format", "bands", "labels", "origin", "split_column", "stamps", "missing_text")
MEMBERS = (
    "images",
    "pixel_scale",
    "missing",
    "wcs",
    "unusable",
    "catalogue",
    "catalogue/order",
    "catalogue/column0000",
    "catalogue/column0001",
)
ODD = (
    *("", "{", "[]", "{}", "1", "null", '"x"', "[1]", '[{"name": 1}]', '{"a": 1}', "[" * 5000, b"\xff\xfe"),
    *(1, -1.5, np.inf, np.array([1, 2]), np.array(["a", "b"], dtype="S1")),
)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return Path(shutil.copy(GOLDEN, tmp_path / "survey.h5"))


def open_and_read(path: Path) -> Problem | None:
    """Open a dataset and read all of it; a problem that this met."""
    try:
        with Cutouts.open(path) as cutouts:
            _ = cutouts.images[:], cutouts.columns, cutouts.units, cutouts.unusable, cutouts.checksum, cutouts.ids
            for row in range(len(cutouts)):
                cutouts.wcs(row)
    except Problem as problem:
        assert str(path) in problem.where
        assert problem.text.isprintable()
        return problem
    return None


def reshape(name: str, shape: tuple[int, ...], dtype: str = "f4") -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, data=np.zeros(shape, dtype))

    return change


def set_attribute(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file.attrs[name] = value

    return change


def remove(name: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.attrs.pop("bands"), "“bands” is missing"),
        (set_attribute("bands", "[" * 5000), "“bands” is damaged"),
        (set_attribute("bands", '[{"name": "r"}, {"name": "i"}]'), "2 bands are named"),
        (set_attribute("labels", '["colour"]'), "no column “colour”"),
        (set_attribute("labels", '{"a": 1}'), "“labels” is damaged"),
        (set_attribute("origin", b"\xff"), "not UTF-8"),
        (set_attribute("origin", 3), "“origin” is no text"),
        (set_attribute("split_column", "nowhere"), "no column “nowhere”"),
        (set_attribute("stamps", "[]"), ""),
        (set_attribute("format", np.inf), "not written by this program"),
        (set_attribute("format", "9" * 5000), "not written by this program"),
        (reshape("images", (3, 1, 24)), "“images”"),
        (reshape("images", (3, 1, 24, 24)), "there are 3 images"),
        (reshape("pixel_scale", (3,)), "“pixel_scale” has the shape (3,)"),
        (reshape("missing", (2, 2)), "“missing” has the shape"),
        (reshape("catalogue/column0000", (1,)), "the column “id”"),
        (reshape("catalogue/order", (1,)), ""),
        (remove("wcs"), "“wcs”"),
        (remove("catalogue/column0000"), "column0000"),
    ],
)
def test_odd_metadata_are_told_in_one_sentence(dataset: Path, change: Callable[[h5py.File], object], said: str) -> None:
    with h5py.File(dataset, "r+") as file:
        change(file)
    problem = open_and_read(dataset)
    assert isinstance(problem, UnreadableFile)
    assert said in problem.sentence
    with h5py.File(dataset, "r+"):
        pass  # it was closed again


def test_a_whole_dataset_has_no_problem(dataset: Path) -> None:
    assert open_and_read(dataset) is None


def test_pixels_that_are_not_in_the_file_are_told_and_no_defect(dataset: Path) -> None:
    rows = np.array([5, 3])
    with Cutouts.open(dataset) as cutouts, h5py.File(dataset) as file:
        images = StoredImages(file["images"])
        dataset.write_bytes(dataset.read_bytes()[:4000])
        with pytest.raises(UnreadableFile, match="images of this dataset"):
            _ = images[rows]
        with pytest.raises(DatasetReplaced):  # who opened the file knows that it was whole
            _ = cutouts.images[rows]
        images.close()


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_of_the_file_is_told(dataset: Path, damage: str) -> None:
    DAMAGES[damage](dataset)
    assert (open_and_read(dataset) is None) == (damage == "dated beyond every calendar")
    if dataset.is_fifo():
        dataset.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_odd_attribute_is_taken_or_told(dataset: Path, name: str) -> None:
    for value in ODD:
        with h5py.File(dataset, "r+") as file:
            file.attrs[name] = value
        open_and_read(dataset)


@pytest.mark.slow
@pytest.mark.parametrize("name", MEMBERS)
def test_every_odd_member_is_taken_or_told(dataset: Path, name: str, tmp_path: Path) -> None:
    texts = h5py.string_dtype("utf-8")
    arrays = [np.zeros(shape, kind) for shape in ((), (0,), (1,), (90,), (2, 2)) for kind in ("f4", "i8", "u1", "S3")]
    arrays += [np.array(json.dumps(value), dtype=object) for value in ({}, [], {"column0000": 1}, {"x": "y"})]
    for number, array in enumerate(arrays):
        copy = Path(shutil.copy(dataset, tmp_path / f"{number}.h5"))
        with h5py.File(copy, "r+") as file:
            del file[name]
            file.create_dataset(name, data=array, dtype=texts if array.dtype == object else None)
        open_and_read(copy)

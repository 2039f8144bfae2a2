"""A dataset whose images were written beside the HDF5 library is a dataset like any other."""

from pathlib import Path

import h5py
import numpy as np
from astropy.table import Table

from core.data import allocated, fingerprint
from core.data.cutouts import Cutouts
from core.data.store import Band, DatasetWriter, Origin
from core.project import outputs

SHAPE = (7, 2, 50, 60)  # more than the head of the file by which its kind is told
IDS = [f"galaxy {number}" for number in range(SHAPE[0])]
BANDS = (Band("g", "nanomaggy", 22.5), Band("r"))
ORIGIN = Origin("Tuning Fork 1", "2025-01-01T00:00:00+00:00", "tests", "")
CATALOGUE = Table({"magnitude": np.linspace(18, 24, 7), "kind": list("abcdefg")}, units={"magnitude": "mag"})


def write_backwards(path: Path, images: np.ndarray) -> None:
    offset = allocated.allocate(path, SHAPE, 0.2)
    with path.open("r+b") as file:
        for row in reversed(range(len(images))):
            file.seek(offset + row * images[0].nbytes)
            file.write(images[row].tobytes())
    digest = fingerprint.new_digest()
    digest.update(images.data)
    allocated.complete(path, IDS, CATALOGUE, ("kind",), BANDS, ORIGIN, digest.hexdigest())


def test_it_is_the_dataset_that_is_written_stamp_by_stamp(tmp_path: Path) -> None:
    images = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    write_backwards(tmp_path / "a.h5", images)
    with DatasetWriter(tmp_path / "b.h5", SHAPE[1:], BANDS, "float32") as writer:
        writer.append(images, IDS, np.full(7, 0.2), [""] * 7, np.zeros(7))
        writer.finish(CATALOGUE, ("kind",), ORIGIN, [])
    with Cutouts.open(tmp_path / "a.h5") as mine, Cutouts.open(tmp_path / "b.h5") as theirs:
        assert mine.has_all_of(theirs)
        assert mine.units == theirs.units
        assert np.array_equal(mine.images[np.array([5, 0, -1])], images[[5, 0, 6]])
        assert np.array_equal(mine.images[2:4], images[2:4])
        assert mine.images._file is not None, "stamps are read through HDF5, ten times as slowly"
        assert mine.wcs(3) is None
    assert outputs.kind_of(tmp_path / "a.h5") == outputs.DATASET


def test_what_its_digest_says_is_what_reading_all_images_gives(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_backwards(path, np.random.default_rng(1).normal(size=SHAPE).astype(np.float32))
    with Cutouts.open(path) as cutouts:
        believed = cutouts.checksum
    copy = tmp_path / "copy.h5"
    copy.write_bytes(path.read_bytes())  # has another time, so that all is read
    with Cutouts.open(copy) as cutouts:
        assert cutouts.is_known_as(believed)


def test_an_unfinished_file_of_another_shape_or_half_a_file_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    offset = allocated.allocate(path, SHAPE, 0.2)
    assert allocated.offset_of_images(path, SHAPE) == offset
    assert allocated.offset_of_images(path, (8, *SHAPE[1:])) is None
    with h5py.File(path, "r+") as file:
        file.create_group("catalogue")
    assert allocated.offset_of_images(path, SHAPE) is None
    path.write_bytes(path.read_bytes()[:300])
    assert allocated.offset_of_images(path, SHAPE) is None

"""Which dataset a file is: a fingerprint of all of it that costs no reading, and the file that is open."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from galaxies import write_dataset

from core.data import file_identity, fingerprint
from core.data.cutouts import Cutouts
from core.data.images import StoredImages
from core.errors import DatasetReplaced
from core.project.files import write_atomically

COUNT = 200
IMAGES = np.random.default_rng(1).normal(size=(COUNT, 1, 6, 6)).astype(np.float32)


def write(path: Path, images: np.ndarray = IMAGES) -> Path:
    shapes = ["round", "irregular"] * (COUNT // 2)
    return write_dataset(path, images, {"x": np.arange(COUNT), "shape": shapes}, ["x"], ["r"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "survey.h5")


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is read of any images from now on."""
    rows: list[object] = []
    read = StoredImages.read_stored

    def note(self: StoredImages, which: object) -> object:
        rows.append(which)
        return read(self, which)

    monkeypatch.setattr(StoredImages, "read_stored", note)
    return rows


def checksum_of(path: Path) -> str:
    with Cutouts.open(path) as cutouts:
        return cutouts.checksum


def change(path: Path, row: int) -> None:
    with h5py.File(path, "a") as file:
        file["images"][row, 0, 0, 0] += 1


def test_every_image_counts(path: Path, tmp_path: Path) -> None:
    found = {checksum_of(path)}
    for row in (1, 2, COUNT - 2):
        other = IMAGES.copy()
        other[row, 0, 3, 3] += 1e-3
        found.add(checksum_of(write(tmp_path / f"{row}.h5", other)))
    assert len(found) == 4
    assert checksum_of(write(tmp_path / "same.h5")) in found


def test_no_image_is_read_for_it(path: Path, unread: list[object]) -> None:
    assert checksum_of(path)
    assert unread == []


@pytest.mark.parametrize("copy", [shutil.copy, shutil.copy2])
def test_a_copy_has_the_same_whether_it_kept_its_time_or_not(path: Path, tmp_path: Path, copy: object) -> None:
    assert checksum_of(copy(path, tmp_path / "copy.h5")) == checksum_of(path)


def test_a_file_that_somebody_has_changed_is_read_and_not_believed(path: Path) -> None:
    before = checksum_of(path)
    change(path, 1)
    after = checksum_of(path)
    assert after != before
    change(path, 1)
    assert checksum_of(path) not in {before, after}


def test_a_dataset_of_an_earlier_version_is_read_once(path: Path, unread: list[object]) -> None:
    expected = checksum_of(path)
    with h5py.File(path, "a") as file:
        del file.attrs[fingerprint.DIGEST], file.attrs[fingerprint.WRITTEN]
    assert checksum_of(path) == expected
    assert unread
    unread.clear()
    assert checksum_of(path) == expected
    assert unread == []


def test_the_next_program_remembers_what_took_long(
    path: Path, unread: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(path)
    monkeypatch.setattr(fingerprint, "_WORTH_KEEPING", 0)
    before = checksum_of(path)
    unread.clear()
    monkeypatch.setattr(fingerprint, "_known", {})
    monkeypatch.setattr(fingerprint, "checksums", {})
    assert checksum_of(path) == before
    assert unread == []


def test_what_an_earlier_version_has_recorded_is_still_recognised(path: Path) -> None:
    with Cutouts.open(path) as cutouts:
        earlier = cutouts.sample_checksum
        assert cutouts.is_known_as(earlier)
        assert cutouts.is_known_as(cutouts.checksum)
        assert not cutouts.is_known_as(None)
        assert not cutouts.is_known_as("2:0")
    change(path, 0)
    with Cutouts.open(path) as cutouts:
        assert not cutouts.is_known_as(earlier)


@pytest.fixture
def opened(path: Path):
    with Cutouts.open(path) as cutouts:
        file_identity.pin(path, cutouts.identity, cutouts.checksum)
        yield cutouts
        file_identity.unpin(path)


def replace(path: Path) -> None:
    """Import other galaxies into the same file."""
    write(path, IMAGES[::-1])


def overwrite(path: Path) -> None:
    """Copy other galaxies over the file."""
    other = write(path.with_name("other.h5"), IMAGES[::-1])
    path.write_bytes(other.read_bytes())


def relabel(path: Path) -> None:
    """Write another class into the file as it is, and nothing else."""
    path.write_bytes(path.read_bytes().replace(b"irregular", b"spheroids"))


@pytest.mark.parametrize("spoil", [replace, overwrite, relabel])
def test_another_file_in_the_place_of_the_open_one_is_refused(path: Path, opened: Cutouts, spoil: object) -> None:
    with Cutouts.open(path) as again:  # HDF5 has read all of it
        assert np.array_equal(again.images[:], IMAGES)
    spoil(path)
    assert not file_identity.is_as_pinned(path)
    for use in (lambda: Cutouts.open(path), opened.reopen, opened.require_unchanged):
        with pytest.raises(DatasetReplaced, match="no longer the dataset that was opened"):
            use()
    file_identity.unpin(path)
    Cutouts.open(path).close()


def test_the_same_galaxies_are_accepted_in_whatever_file(path: Path, opened: Cutouts) -> None:
    os.utime(path)
    opened.require_unchanged()
    write_atomically(path, path.read_bytes())
    opened.require_unchanged()
    Cutouts.open(path).close()
    assert file_identity.is_as_pinned(path)
    opened.reopen().close()


def test_a_file_that_is_gone_goes_on_being_read(path: Path, opened: Cutouts) -> None:
    path.unlink()
    opened.require_unchanged()
    assert np.array_equal(opened.images[3], IMAGES[3])

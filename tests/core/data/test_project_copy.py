from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import h5py
import pytest

from core.data.cutouts import Cutouts
from core.data.file_identity import FileIdentity
from core.data.project_copy import copy_file, copy_into_project
from core.errors import DatasetReplaced, Stopped, UnreadableFile
from core.events import result_of


@pytest.fixture
def own_dataset(survey_dataset: Path, tmp_path: Path) -> Path:
    """A copy of the survey that a test may change."""
    (tmp_path / "mine").mkdir()
    return Path(shutil.copy2(survey_dataset, tmp_path / "mine" / "survey.h5"))


def change_image(path: Path, row: int) -> None:
    """Change one pixel in the file itself, as a user's script does."""
    with h5py.File(path, "a") as file:
        file["images"][row, 0, 0, 0] += 1


def taken(path: Path, folder: Path) -> Path:
    return result_of(copy_into_project(path, folder, threading.Event()))


def test_a_dataset_from_elsewhere_lies_in_the_folder_and_reads_the_same(survey_dataset: Path, tmp_path: Path) -> None:
    path = taken(survey_dataset, tmp_path / "datasets")
    assert path == tmp_path / "datasets" / "survey.h5"
    with Cutouts.open(path) as copy, Cutouts.open(survey_dataset) as original:
        assert copy.checksum == original.checksum


def test_a_dataset_of_the_folder_stays_where_it_is(survey_dataset: Path) -> None:
    assert taken(survey_dataset, survey_dataset.parent) == survey_dataset
    assert len(list(survey_dataset.parent.iterdir())) == 1


def test_the_same_galaxies_are_not_taken_in_twice(survey_dataset: Path, tmp_path: Path) -> None:
    first = taken(survey_dataset, tmp_path / "datasets")
    moved = shutil.copy(survey_dataset, tmp_path / "survey.h5")
    assert taken(survey_dataset, tmp_path / "datasets") == first
    assert taken(Path(moved), tmp_path / "datasets") == first


def test_other_galaxies_of_the_same_name_are_left_alone(
    survey_dataset: Path, small_dataset: Path, tmp_path: Path
) -> None:
    first = taken(survey_dataset, tmp_path / "datasets")
    before = first.read_bytes()
    assert taken(small_dataset, tmp_path / "datasets").name == "survey (2).h5"
    assert first.read_bytes() == before


@pytest.mark.parametrize("content", ["no galaxies", "cut off", "a folder"])
def test_a_damaged_file_of_the_same_name_is_left_alone(survey_dataset: Path, tmp_path: Path, content: str) -> None:
    there = tmp_path / "datasets" / "survey.h5"
    there.parent.mkdir()
    if content == "a folder":
        there.mkdir()
    else:
        whole = survey_dataset.read_bytes()
        there.write_bytes(whole[: len(whole) // 2] if content == "cut off" else b"no galaxies")
    before = FileIdentity.of(there)
    assert taken(survey_dataset, there.parent).name == "survey (2).h5"
    assert FileIdentity.of(there) == before


def test_what_happens_to_the_original_later_does_not_change_the_copy(own_dataset: Path, tmp_path: Path) -> None:
    path = taken(own_dataset, tmp_path / "datasets")
    assert not path.samefile(own_dataset)
    before = path.read_bytes()
    assert before == own_dataset.read_bytes()
    change_image(own_dataset, 1)
    assert path.read_bytes() == before


def test_a_hard_link_of_an_earlier_version_becomes_a_copy_when_it_is_opened(own_dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "datasets"
    folder.mkdir()
    os.link(own_dataset, folder / "survey.h5")
    assert taken(own_dataset, folder) == folder / "survey.h5"
    assert not (folder / "survey.h5").samefile(own_dataset)


def test_a_corrected_dataset_is_taken_in_beside_the_old_one_wherever_it_differs(
    own_dataset: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "datasets"
    assert taken(own_dataset, folder).name == "survey.h5"
    change_image(own_dataset, 1)  # not among the 64 images that earlier versions looked at
    second = taken(own_dataset, folder)
    assert second.name == "survey (2).h5"
    assert second.read_bytes() == own_dataset.read_bytes()
    with h5py.File(own_dataset, "a") as file:
        file["pixel_scale"][:] = 0.5
    assert taken(own_dataset, folder).name == "survey (3).h5"
    with h5py.File(own_dataset, "a") as file:
        file.attrs["labels"] = "[]"
    assert taken(own_dataset, folder).name == "survey (4).h5"


def test_a_dataset_that_changes_while_it_is_copied_is_not_taken_in(own_dataset: Path, tmp_path: Path) -> None:
    identity = FileIdentity.of(own_dataset)
    os.utime(own_dataset)
    with pytest.raises(DatasetReplaced):
        result_of(copy_file(own_dataset, tmp_path / "copy.h5", identity))
    assert not (tmp_path / "copy.h5").exists()


def test_a_copy_that_is_stopped_leaves_nothing(
    survey_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()

    def refuse(*_arguments: object) -> None:
        stop.set()  # when the copying begins
        raise OSError("it shares no blocks")

    monkeypatch.setattr("fcntl.ioctl", refuse)
    with pytest.raises(Stopped):
        result_of(copy_into_project(survey_dataset, tmp_path / "datasets", stop))
    assert list((tmp_path / "datasets").iterdir()) == []


def test_what_is_no_dataset_is_refused_and_not_taken_in(tmp_path: Path) -> None:
    (tmp_path / "notes.h5").write_text("no galaxies")
    with pytest.raises(UnreadableFile):
        taken(tmp_path / "notes.h5", tmp_path / "datasets")
    assert not (tmp_path / "datasets").exists()


@pytest.fixture
def small_dataset(tmp_path: Path) -> Path:
    """A dataset of the same file name with other galaxies."""
    import numpy as np
    from astropy.table import Table

    from core.data.store import Band, DatasetWriter, Origin

    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "survey.h5"
    with DatasetWriter(path, (1, 8, 8), [Band("r")], "float32") as writer:
        writer.append(np.ones((2, 1, 8, 8), np.float32), ["a", "b"], np.full(2, 0.4), ["", ""], np.zeros(2))
        writer.finish(Table({"id": ["a", "b"]}), [], Origin("test", "2026-01-01", "drawn", ""), [])
    return path

"""A dataset on disk: whole or not there, and its own description."""

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from astropy.units import Unit
from galaxies import write_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import fingerprint
from core.data.cutouts import Cutouts
from core.data.labelled_catalogue import LabelledCatalogue
from core.data.store import FORMAT, Band, DatasetWriter, Origin, open_file
from core.errors import DiskFull, Problem, UnreadableFile, WrongVersion

ORIGIN = Origin("Tuning Fork 1", "2025-01-01T00:00:00+00:00", "tests", "size = 8\n")
BANDS = (Band("r", "nanomaggy", 22.5), Band("g"))
IDS = ["587722953303916935", "587722953303916936", "ngc 4565 ü"]


def images(count: int = 3) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, 2, 8, 9)).astype(np.float32)


def write(path: Path, catalogue: Table | None = None, labels: tuple[str, ...] = ()) -> np.ndarray:
    stamps = images()
    with DatasetWriter(path, (2, 8, 9), BANDS, "float32") as writer:
        for row, name in enumerate(IDS):  # one by one, as an import does
            writer.append(stamps[row : row + 1], [name], np.array([0.4]), [""], np.array([0.25]))
        problems = [Problem("It is empty.", "Fetch it again.", "a.fits")]
        writer.finish(catalogue if catalogue is not None else Table({"id": IDS}), labels, ORIGIN, problems)
    return stamps


def test_everything_comes_back(tmp_path: Path):
    stamps = write(tmp_path / "a.h5")
    with Cutouts.open(tmp_path / "a.h5") as cutouts:
        assert np.array_equal(cutouts.images[:], stamps)
        assert cutouts.ids == IDS
        assert cutouts.bands == BANDS
        assert cutouts.origin == ORIGIN
        assert cutouts.pixel_scale.tolist() == [0.4] * 3
        assert cutouts.missing.tolist() == [0.25] * 3
        assert [str(problem) for problem in cutouts.unusable] == ["a.fits: It is empty. Fetch it again."]


def test_catalogue_columns_keep_kind_unit_name_and_gaps(tmp_path: Path):
    catalogue = Table({"id": IDS})
    catalogue["objid"] = np.array([587722953303916935, 2**62 + 1, -1])
    catalogue["r/R"] = np.array([1.5, np.nan, 2.5], dtype=">f4")
    catalogue["r/R"].unit = "arcsec"
    catalogue["name"] = ["α", "", "a longer one"]
    catalogue["bytes"] = np.array([b"ab", b"c", b""])
    catalogue["edge_on"] = [True, False, True]
    catalogue["count"] = MaskedColumn([1, 2, 3], mask=[False, True, False])
    catalogue["remark"] = MaskedColumn(["x", "y", "z"], mask=[False, True, False])
    write(tmp_path / "a.h5", catalogue, ("name",))
    with Cutouts.open(tmp_path / "a.h5") as cutouts:
        columns = cutouts.columns
        assert list(columns) == ["id", "objid", "r/R", "name", "bytes", "edge_on", "count", "remark"]
        assert columns["objid"].tolist() == [587722953303916935, 2**62 + 1, -1]
        np.testing.assert_array_equal(columns["r/R"], np.float32([1.5, np.nan, 2.5]))
        assert cutouts.units == {"r/R": "arcsec"}
        assert columns["name"].tolist() == ["α", "", "a longer one"]
        assert columns["bytes"].tolist() == ["ab", "c", ""]
        assert columns["edge_on"].tolist() == [True, False, True]
        np.testing.assert_array_equal(columns["count"], [1, np.nan, 3])
        assert columns["remark"].tolist() == ["x", "", "z"]
        assert cutouts.labels == ("name",)


def test_anyone_can_read_it_with_an_hdf5_library(tmp_path: Path):
    stamps = write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["images"].shape == (3, 2, 8, 9)
        assert np.array_equal(file["images"][:], stamps)
        assert int(file.attrs["format"]) == FORMAT


def test_chunks_hold_at_most_64_stamps_and_about_a_megabyte(tmp_path: Path):
    for side, expected in ((16, 64), (256, 4), (1024, 1)):
        with DatasetWriter(tmp_path / f"{side}.h5", (1, side, side), (Band("r"),), "float32") as writer:
            writer.finish(Table({"id": []}), (), ORIGIN, ())
        with h5py.File(tmp_path / f"{side}.h5") as file:
            assert file["images"].chunks[0] == expected


@settings(max_examples=15)
@given(sizes=st.lists(st.sampled_from([1, 3, 63, 64, 65, 130, 192]), min_size=1, max_size=6))
def test_stamps_come_back_in_whatever_portions_they_are_added(
    sizes: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, stamps = tmp_path_factory.mktemp("portions") / "a.h5", images(sum(sizes))
    names = [str(number) for number in range(len(stamps))]
    with DatasetWriter(path, (2, 8, 9), BANDS, "float32") as writer:
        first = 0
        for size in sizes:
            own = slice(first, first + size)
            writer.append(stamps[own], names[own], np.ones(size), [""] * size, np.zeros(size))
            first += size
        writer.finish(Table({"id": names}), (), ORIGIN, [])
    with Cutouts.open(path) as cutouts:
        assert np.array_equal(cutouts.images[:], stamps)
        assert np.array_equal(cutouts.images[np.arange(len(stamps))[::-1]], stamps[::-1])
        kept = cutouts.checksum
    with h5py.File(path, "a") as file:
        del file.attrs[fingerprint.DIGEST]
    with Cutouts.open(path) as cutouts:
        assert cutouts.checksum == kept  # of all images as they are read


def test_pictures_are_stored_in_a_quarter_of_the_room(tmp_path: Path):
    with DatasetWriter(tmp_path / "a.h5", (3, 4, 4), [Band(name) for name in "rgb"], "uint8") as writer:
        writer.append(np.full((1, 3, 4, 4), 255, np.uint8), ["a"], np.array([np.nan]), [""], np.zeros(1))
        writer.finish(Table({"id": ["a"]}), (), ORIGIN, ())
    with Cutouts.open(tmp_path / "a.h5") as cutouts:
        assert cutouts.is_picture
        assert cutouts.images[0].dtype == np.float32
        assert cutouts.images[0].max() == 255


def test_a_broken_off_import_leaves_nothing_and_spares_the_old_dataset(tmp_path: Path):
    path = tmp_path / "a.h5"
    write(path)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), DatasetWriter(path, (2, 8, 9), BANDS, "float32") as writer:
        writer.append(images(), IDS, np.zeros(3), [""] * 3, np.zeros(3))
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_dataset_without_its_catalogue_is_a_defect_and_leaves_nothing(tmp_path: Path):
    with (
        pytest.raises(RuntimeError, match="without its catalogue"),
        DatasetWriter(tmp_path / "a.h5", (2, 8, 9), BANDS, "float32"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_rows_and_images_must_be_as_many(tmp_path: Path):
    with (
        pytest.raises(ValueError, match="2 catalogue rows for 3 images"),
        DatasetWriter(tmp_path / "a.h5", (2, 8, 9), BANDS, "float32") as writer,
    ):
        writer.append(images(), IDS, np.zeros(3), [""] * 3, np.zeros(3))
        writer.finish(Table({"id": IDS[:2]}), (), ORIGIN, ())
    with pytest.raises(ValueError, match="1 bands for 2 planes"):
        DatasetWriter(tmp_path / "b.h5", (2, 8, 9), BANDS[:1], "float32")


def test_more_stamps_than_the_disk_holds_are_refused_before_they_are_written(tmp_path: Path):
    side = 1 << 22
    endless = np.broadcast_to(np.float32(0), (1, 1, side, side))  # 64 TB that take no memory
    with pytest.raises(DiskFull), DatasetWriter(tmp_path / "a.h5", (1, side, side), (Band("r"),), "float32") as writer:
        writer.append(endless, ["a"], np.zeros(1), [""], np.zeros(1))
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_of_a_newer_program_is_told_apart_from_a_damaged_one(tmp_path: Path):
    write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs["format"] = FORMAT + 1
    with pytest.raises(WrongVersion):
        open_file(tmp_path / "a.h5")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x89HDF\r\n\x1a\n", b"SIMPLE  =  T"])
def test_what_is_no_hdf5_file_is_told(tmp_path: Path, content: bytes):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        Cutouts.open(tmp_path / "a.h5")
    assert caught.value.where == str(tmp_path / "a.h5")
    assert caught.value.remedy


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_dataset_is_told(tmp_path: Path, share: float):
    path = tmp_path / "a.h5"
    write(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UnreadableFile):
        Cutouts.open(path)


def test_a_foreign_missing_or_mutilated_dataset_is_told(tmp_path: Path):
    with pytest.raises(UnreadableFile, match="no such dataset"):
        Cutouts.open(tmp_path / "missing.h5")
    with pytest.raises(UnreadableFile):
        Cutouts.open(tmp_path)
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["images"] = np.zeros((2, 4, 4, 3), np.uint8)
        file["ans"] = [0, 1]
    with pytest.raises(UnreadableFile, match="not written by this program"):
        Cutouts.open(tmp_path / "foreign.h5")
    for number, name in enumerate(("pixel_scale", "catalogue/order", "catalogue/column0000")):
        path = tmp_path / f"{number}.h5"
        write(path)
        with h5py.File(path, "a") as file:
            del file[name]
        with pytest.raises(UnreadableFile, match="cannot be read"):
            Cutouts.open(path)
    for number, name in enumerate(("bands", "labels", "origin", "format")):
        path = tmp_path / f"attribute{number}.h5"
        write(path)
        with h5py.File(path, "a") as file:
            file.attrs[name] = "{"
        with pytest.raises(UnreadableFile):
            Cutouts.open(path)


def test_long_numbers_with_gaps_stay_exact(tmp_path: Path):
    catalogue = Table({"objid": MaskedColumn([587722953303916935, -(2**62) - 1, 3], mask=[False, False, True])})
    write(tmp_path / "a.h5", catalogue)
    with Cutouts.open(tmp_path / "a.h5") as cutouts:
        assert cutouts.columns["objid"].tolist() == ["587722953303916935", str(-(2**62) - 1), ""]


def test_what_hdf5_has_no_type_for_is_kept_as_text(tmp_path: Path):
    catalogue = Table(
        {"night": np.array(["2025-01-01", "2025-01-02", "NaT"], "M8[D]"), "odd": ["a\0b", "c\udcff", "d"]}
    )
    catalogue["odd"].unit = Unit("mag\0s", parse_strict="silent")
    write(tmp_path / "a.h5", catalogue)
    with Cutouts.open(tmp_path / "a.h5") as cutouts:
        assert cutouts.columns["night"].tolist() == ["2025-01-01", "2025-01-02", ""]
        assert cutouts.columns["odd"].tolist() == ["ab", r"c\udcff", "d"]
        assert cutouts.units["odd"] == "mags"


def test_one_long_text_of_a_dataset_is_in_memory_once(tmp_path: Path):
    count = 3000  # as an array of fixed width, 1.2 GB
    remarks = np.array(["short"] * (count - 1) + ["x" * 100_000], dtype=object)
    ids = [f"G{row}" for row in range(count)]
    path = write_dataset(
        tmp_path / "a.h5", np.zeros((count, 1, 4, 4), np.float32), {"remark": remarks}, ["remark"], "r", ids=ids
    )
    tracemalloc.start()
    with Cutouts.open(path) as cutouts:
        assert len(cutouts.columns["remark"][-1]) == 100_000
        assert cutouts.checksum
        assert cutouts.sample_checksum
        catalogue = LabelledCatalogue(cutouts.ids, cutouts.columns, cutouts.labels)
        assert (texts := catalogue.texts("remark")) is not None
        assert len(texts.present) == 2
        catalogue.set_labels("remark", [0], ["y" * 200_000])
        assert len(texts.present) == 3
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 100 * 2**20

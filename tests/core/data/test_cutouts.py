"""Images come as they are asked for, in any order, from any number of threads with their own file."""

import threading
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from core.data.cutouts import Cutouts
from core.data.store import Band, DatasetWriter, Origin

COUNT, SHAPE = 300, (2, 12, 10)
STAMPS = np.random.default_rng(3).normal(size=(COUNT, *SHAPE)).astype(np.float32)
IDS = [str(587722953303916935 + number) for number in range(COUNT)]


def header() -> fits.Header:
    sky = WCS(naxis=2)
    sky.wcs.ctype, sky.wcs.crpix, sky.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [5.5, 6.5], [-1e-4, 1e-4]
    sky.wcs.crval = [187.5, 12.25]
    return sky.to_header()


def write(path: Path, stamps: np.ndarray = STAMPS, ids: list[str] = IDS) -> Path:
    with DatasetWriter(path, stamps.shape[1:], [Band("r")] * stamps.shape[1], "float32") as writer:
        for start in range(0, len(stamps), 70):
            part = stamps[start : start + 70]
            texts = [header().tostring() if row % 2 == 0 else "" for row in range(start, start + len(part))]
            names = ids[start : start + 70]
            writer.append(part, names, np.full(len(part), np.nan), texts, np.zeros(len(part)))
        writer.finish(Table({"id": ids, "x": np.arange(len(ids))}), (), Origin("", "", "", ""), ())
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("cutouts") / "a.h5")


rows = st.lists(st.integers(-COUNT, COUNT - 1), max_size=200)
ends = st.none() | st.integers(-2 * COUNT, 2 * COUNT)


@given(rows)
def test_any_rows_in_any_order_are_those_of_the_array(path: Path, rows: list[int]):
    with Cutouts.open(path) as cutouts:
        read = cutouts.images[np.array(rows, dtype=np.int64)]
    assert read.dtype == np.float32
    assert np.array_equal(read, STAMPS[np.array(rows, dtype=np.int64)])


@given(ends, ends, st.none() | st.sampled_from([1, 2, 7, -1, -3]))
def test_any_slice_is_that_of_the_array(path: Path, start: int | None, stop: int | None, step: int | None):
    with Cutouts.open(path) as cutouts:
        assert np.array_equal(cutouts.images[start:stop:step], STAMPS[start:stop:step])


@pytest.mark.parametrize("row", [0, 299, -1, -300, np.int32(7), np.uint8(200)])
def test_one_row_is_one_image(path: Path, row: int):
    with Cutouts.open(path) as cutouts:
        assert np.array_equal(cutouts.images[row], STAMPS[row])
        assert cutouts.shape == cutouts.images.shape == (COUNT, *SHAPE)
        assert len(cutouts) == len(cutouts.images) == COUNT


@pytest.mark.parametrize("row", [300, -301, np.array([0, 300]), np.array([-301])])
def test_rows_that_do_not_exist_are_refused(path: Path, row: int):
    with Cutouts.open(path) as cutouts, pytest.raises(IndexError):
        cutouts.images[row]


@pytest.mark.parametrize(
    "options", [{"compression": "gzip"}, {"dtype": ">f4"}, {"chunks": None}, {"chunks": (9, 1, 5, 5)}]
)
def test_a_dataset_that_was_repacked_reads_the_same(tmp_path: Path, options: dict):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        del file["images"]
        file.create_dataset("images", data=STAMPS, **options)
    rows = np.array([299, 0, 7, 7, -2])
    with Cutouts.open(path) as cutouts:
        assert np.array_equal(cutouts.images[rows], STAMPS[rows])
        assert np.array_equal(cutouts.images[5], STAMPS[5])
        assert np.array_equal(cutouts.images[3:9], STAMPS[3:9])


def test_a_dataset_without_images_can_be_opened(tmp_path: Path):
    with Cutouts.open(write(tmp_path / "a.h5", STAMPS[:0], [])) as cutouts:
        assert len(cutouts) == 0
        assert cutouts.images[np.array([], dtype=int)].shape == (0, *SHAPE)
        assert cutouts.images[:].shape == (0, *SHAPE)
        assert cutouts.checksum


def test_opening_reads_no_images(tmp_path: Path):
    side = 2000
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        del file["images"]
        file.create_dataset("images", (COUNT, 2, side, side), "f4", chunks=(1, 2, side, side))  # 10 GB of holes
    tracemalloc.start()
    with Cutouts.open(path) as cutouts:
        cutouts.images[np.array([5, 250])]
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2 * side * side * 4


def test_each_thread_reads_its_own_open_file(path: Path):
    wrong: list[int] = []

    def read(seed: int) -> None:
        random = np.random.default_rng(seed)
        with Cutouts.open(path) as cutouts:
            for _ in range(20):
                rows = random.integers(0, COUNT, 30)
                if not np.array_equal(cutouts.images[rows], STAMPS[rows]):
                    wrong.append(seed)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_sky_position_of_a_pixel_is_that_of_the_file(path: Path):
    with Cutouts.open(path) as cutouts:
        sky = cutouts.wcs(0)
        assert cutouts.wcs(1) is None
        assert cutouts.header(1) == ""
    position = sky.pixel_to_world(4.5, 5.5)
    assert position.ra.deg == pytest.approx(187.5)
    assert position.dec.deg == pytest.approx(12.25)
    assert (sky.pixel_to_world(4.5, 6.5).dec - position.dec).to_value(units.arcsec) == pytest.approx(0.36)


def test_long_ids_stay_text(path: Path):
    with Cutouts.open(path) as cutouts:
        assert cutouts.ids == IDS
        assert cutouts.catalogue["id"].dtype.kind == "U"
        assert np.array_equal(cutouts.columns["x"], np.arange(COUNT))


def test_the_fingerprint_is_of_the_content_and_not_of_the_file(path: Path, tmp_path: Path):
    other = STAMPS.copy()
    other[0, 0, 0, 0] += 1
    same, images, ids = (
        write(tmp_path / "b.h5"),
        write(tmp_path / "c.h5", other),
        write(tmp_path / "d.h5", ids=["x", *IDS[1:]]),
    )
    found = []
    for file in (path, same, images, ids):
        with Cutouts.open(file) as cutouts:
            found.append(cutouts.checksum)
    assert found[0] == found[1]
    assert len(set(found)) == 3

"""What a file tells of its size, and of other files, is never simply believed."""

import bz2
import gzip
import io
import lzma
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from galaxies import write_dataset
from PIL import Image

from core.data import containers, fits_unpacking, importing
from core.data.cutouts import Cutouts
from core.data.discovery import discover
from core.data.fits import read_image, read_images
from core.data.pictures import read_picture
from core.data.readers import Member, read
from core.data.settings import ImportSettings
from core.data.table_fits import read_fits
from core.errors import Problem, UnreadableFile
from core.events import result_of

PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
IMAGES = np.random.default_rng(0).normal(size=(5, 8, 8)).astype(np.float32)


@contextmanager
def at_most(megabytes: float) -> Iterator[None]:
    """Require that no more memory than this is taken inside."""
    tracemalloc.start()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] - before < megabytes * 2**20
    finally:
        tracemalloc.stop()


def fits_bytes(image: np.ndarray, **cards: object) -> bytes:
    unit = fits.PrimaryHDU(image)
    content = io.BytesIO()
    unit.writeto(content)
    made = content.getvalue()
    for keyword, value in cards.items():
        at = made.index(f"{keyword:8}=".encode())
        made = made[:at] + f"{keyword:8}= {value:>20}".encode().ljust(80) + made[at + 80 :]
    return made


def members(path: Path) -> list[Member]:
    (source,) = result_of(discover([path], ImportSettings())).sources
    return list(read(source, ImportSettings()))


# --- packed FITS files


@pytest.mark.parametrize("ending", PACKERS)
def test_no_more_is_unpacked_than_the_headers_tell_of(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits_unpacking, "_AT_ONCE", 2**18)
    monkeypatch.setattr(fits_unpacking, "_SHORT", 0)
    packed = PACKERS[ending](fits_bytes(IMAGES[0]) + bytes(16 * 2**20))
    (tmp_path / "a.fits").write_bytes(packed)
    with at_most(14):
        assert np.array_equal(read_image(tmp_path / "a.fits").image[0], IMAGES[0])


@pytest.mark.parametrize("ending", PACKERS)
def test_what_would_not_fit_into_memory_is_not_unpacked(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits_unpacking, "_AT_ONCE", 2**18)
    monkeypatch.setattr(fits_unpacking, "_SHORT", 0)
    packed = PACKERS[ending](fits_bytes(IMAGES[0], NAXIS1=30_000, NAXIS2=30_000) + bytes(16 * 2**20))
    (tmp_path / "a.fits").write_bytes(packed)
    with at_most(14), pytest.raises(UnreadableFile, match="tells of 3,433 MB of pixels"):
        read_image(tmp_path / "a.fits")


@pytest.mark.parametrize("ending", PACKERS)
def test_long_packed_files_are_read_whole_and_truncated_ones_are_reported(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits_unpacking, "_AT_ONCE", 5000)
    monkeypatch.setattr(fits_unpacking, "_SHORT", 0)
    images = np.random.default_rng(1).integers(0, 3, (3, 40, 50)).astype(np.int16)
    units = [fits.PrimaryHDU(), *(fits.ImageHDU(image, name=f"galaxy {n}") for n, image in enumerate(images))]
    content = io.BytesIO()
    fits.HDUList(units).writeto(content)
    packed = PACKERS[ending](content.getvalue())
    (tmp_path / "a.fits").write_bytes(packed)
    assert np.array_equal([cutout.image[0] for cutout in read_images(tmp_path / "a.fits")], images)
    (tmp_path / "b.fits").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UnreadableFile, match="damaged or truncated"):
        list(read_images(tmp_path / "b.fits"))


# --- claimed sizes of images


@pytest.mark.parametrize("cards", [{"NAXIS1": 10**5, "NAXIS2": 10**5}, {"NAXIS1": 10**9, "NAXIS2": 10**9}])
def test_a_fits_header_that_tells_of_gigabytes_takes_none(cards: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "a.fits").write_bytes(fits_bytes(IMAGES[0], **cards))
    with at_most(2), pytest.raises(UnreadableFile, match="million"):
        read_image(tmp_path / "a.fits")


def test_tiles_that_tell_of_gigabytes_take_none(tmp_path: Path) -> None:
    fits.CompImageHDU(IMAGES[0].astype(np.int32), compression_type="RICE_1").writeto(tmp_path / "a.fits")
    content = (tmp_path / "a.fits").read_bytes()
    for keyword in (b"ZNAXIS1 =", b"ZNAXIS2 =", b"ZTILE1  =", b"ZTILE2  ="):
        at = content.index(keyword)
        content = content[:at] + keyword + b" 100000".rjust(21).ljust(71) + content[at + 80 :]
    (tmp_path / "a.fits").write_bytes(content)
    with at_most(2), pytest.raises(UnreadableFile, match="million"):
        read_image(tmp_path / "a.fits")


@pytest.mark.parametrize("size", [(8000, 8000), (60_000, 60_000)])
def test_a_picture_that_tells_of_gigabytes_is_not_unpacked(size: tuple[int, int], tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", *size)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    with at_most(2), pytest.raises(UnreadableFile, match="an image of one galaxy has at most 34 million"):
        read_picture(tmp_path / "a.png")


# --- claimed sizes of containers


def npy(shape: tuple[int, ...], kind: str, content: bytes = b"") -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": kind, "fortran_order": False, "shape": shape})
    return header.getvalue() + content


def claimed_by_npz(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", npy((10**9, 8, 8), "<f4", IMAGES.tobytes()))


def packed_in_npz(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", npy((2**21, 4, 4), "|u1", bytes(2**25)))


def claimed_by_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (10**9, 8, 8), "f4", chunks=(1000, 8, 8))


def never_written(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (10**9, 8, 8), "f4")


def packed_in_one_part(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (2**24, 8, 8), "f4", chunks=(2**22, 8, 8), compression="gzip")[:1] = 1


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.npz", claimed_by_npz),
        ("a.npz", packed_in_npz),
        ("a.h5", claimed_by_hdf5),
        ("a.h5", never_written),
    ],
)
def test_images_that_are_not_in_the_file_are_not_read(name: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / name)
    with at_most(2), pytest.raises(UnreadableFile, match=r"no images.*images .it tells of"):
        members(tmp_path / name)


@pytest.mark.parametrize("column", ["claimed", "external", "virtual", "soft", "cyclic", "link", "odd"])
def test_what_cannot_be_read_beside_the_images_is_named_and_the_rest_is_imported(column: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(bytes(range(65, 70)))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(5)
    (tmp_path / "in").mkdir()
    with h5py.File(tmp_path / "in/a.h5", "w") as file:
        file["images"], file["label"] = IMAGES, np.arange(5)
        match column:
            case "claimed":
                file.create_dataset(column, (10**9,), "f8")
            case "external":
                file.create_dataset(column, (5,), "u1", external=[(str(secret), 0, 5)])
            case "virtual":
                layout = h5py.VirtualLayout((5,), "i8")
                layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (5,))
                file.create_virtual_dataset(column, layout)
            case "soft":
                file[column] = h5py.SoftLink("/label")
            case "cyclic":
                file[column] = h5py.SoftLink("/cyclic")
            case "link":
                file[column] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
            case _:
                h5py.h5d.create(file.id, column.encode(), h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((5,)))
    report = result_of(importing.run(tmp_path / "in", tmp_path / "out.h5"))
    assert report.imported == 5
    assert any(f"not read: {column} (" in note for note in report.notes)
    with Cutouts.open(tmp_path / "out.h5") as cutouts:
        assert {"label"} <= set(cutouts.columns)
        assert column not in cutouts.columns


@pytest.mark.parametrize("kind", ["external", "link"])
def test_a_text_file_named_in_a_container_never_becomes_pixels(kind: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(b"secret " * 100)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        if kind == "external":
            file.create_dataset("images", (5, 8, 8), "u1", external=[(str(tmp_path / "secret.txt"), 0, 320)])
        else:
            file["images"] = h5py.ExternalLink(str(tmp_path / "secret.txt"), "images")
    with pytest.raises(UnreadableFile, match=r"holds no images.*images .*secret\.txt"):
        members(tmp_path / "a.h5")


@pytest.mark.parametrize("name", ["images", "catalogue/column0000", "pixel_scale"])
@pytest.mark.parametrize("kind", ["external", "virtual", "soft", "link", "claimed"])
def test_a_dataset_of_ours_does_not_lead_to_other_files_either(name: str, kind: str, tmp_path: Path) -> None:
    path = write_dataset(tmp_path / "a.h5", IMAGES[:, None], {"kind": list("ababa")}, ["kind"], ["r"])
    with h5py.File(path, "r+") as file:
        del file[name]
        match kind:
            case "external":
                file.create_dataset(name, (5,), "u1", external=[("/etc/hostname", 0, 5)])
            case "virtual":
                layout = h5py.VirtualLayout((5,), "i8")
                layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (5,))
                file.create_virtual_dataset(name, layout)
            case "soft":
                file[name] = h5py.SoftLink(f"/{name}")
            case "link":
                file[name] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
            case _:
                file.create_dataset(name, (10**9, 1, 8, 8), "f4", chunks=(1000, 1, 8, 8))
    with at_most(2), pytest.raises(UnreadableFile, match=r"not followed|cannot be read"):
        Cutouts.open(path)


def test_a_file_whose_images_are_too_small_or_too_large_is_one_problem(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.ones((100, 2, 2)))
    with pytest.raises(UnreadableFile, match="only 2 × 2 pixels"):
        containers.inspect_container(tmp_path / "a.npz")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", (2, 8000, 8000), "u1", chunks=(1, 500, 500), compression="gzip")[
            :, ::500, ::500
        ] = 1
    with at_most(2), pytest.raises(UnreadableFile, match=r"million|tells of"):
        containers.inspect_container(tmp_path / "a.h5")


def test_a_column_that_takes_too_much_memory_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = np.random.default_rng(0).integers(0, 255, (300, 8, 8)).astype(np.uint8)
        file.create_dataset("text", (300,), "S1000000", chunks=(1,), compression="gzip", compression_opts=1)[:9] = b"x"
    with at_most(4):
        container = containers.inspect_container(tmp_path / "a.h5")
    assert "text (it has 286 MB" in container.remark or "text (it tells of" in container.remark
    assert not container.columns


def test_a_billion_columns_of_a_compressed_image_are_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "odd.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.ones((16, 16), np.int32))]).writeto(file)
    content = file.read_bytes()
    at = content.index(b"TFIELDS =")
    file.write_bytes(content[:at] + b"TFIELDS =           2147483648" + content[at + 30 :])
    with pytest.raises(UnreadableFile, match="2,147,483,648 columns"):
        read_image(file)


@pytest.mark.parametrize("kind", ["image", "extension", "table"])
def test_a_billion_axes_are_refused_at_once(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.fits"
    columns = [fits.Column("id", "J", array=np.arange(3))]
    second = fits.BinTableHDU.from_columns(columns) if kind == "table" else fits.ImageHDU(np.ones((8, 8), np.float32))
    fits.HDUList([fits.PrimaryHDU(np.ones((8, 8), np.float32)), second]).writeto(file)
    content, old = file.read_bytes(), b"NAXIS   =                    2"
    first, last = content.index(old), content.rindex(old)
    at = first if kind == "image" else last
    file.write_bytes(content[:at] + b"NAXIS   =           1000000000" + content[at + 30 :])
    with pytest.raises(Problem, match="1,000,000,000 axes"):
        list(read_fits(file)) if kind == "table" else list(read_images(file, "*"))


def test_texts_of_an_array_that_are_no_letters_do_not_end_the_import(tmp_path: Path) -> None:
    names = np.array(["spiral", "disk", "spiral", "disk", "disk"])
    names.view(np.uint32)[1] = 0x7FFFFFFF
    np.savez(tmp_path / "x.npz", images=IMAGES, names=names)
    report = result_of(importing.run(tmp_path / "x.npz", tmp_path / "x.h5", ImportSettings()))
    assert report.imported == 5


@pytest.mark.parametrize("shape", [(5000, 8), (8, 5000)])
def test_a_narrow_picture_is_a_galaxy_like_any_other(shape: tuple[int, int], tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    report = result_of(importing.run(tmp_path / "x.png", tmp_path / "x.h5", ImportSettings(size=16)))
    assert report.imported == 1

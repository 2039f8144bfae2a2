import threading
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.data import bands, containers
from core.data.discovery import Found, discover, stem_of
from core.data.readers import Member, read
from core.data.settings import ImportSettings
from core.data.walk import natural_key
from core.errors import SettingsProblem, Stopped, UnreadableFile
from core.events import result_of

CANDELS = Path(__file__).parents[4] / "shared" / "data" / "candels"
PICTURE = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)  # the top row first


def find(*sources: Path, **settings: object) -> Found:
    return result_of(discover(sources, ImportSettings(**settings), threading.Event()))


def members(found: Found, **settings: object) -> list[Member]:
    return [member for source in found.sources for member in read(source, ImportSettings(**settings))]


def cutout(path: Path, value: float = 0, **cards: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unit = fits.PrimaryHDU(np.arange(30, dtype=np.float32).reshape(5, 6) + value)
    unit.header.update(cards)
    unit.writeto(path)


def test_folders_are_searched_in_natural_order(tmp_path: Path) -> None:
    for name in ("g10.fits", "g9.fits", "b/g2.fit", "b/g1.fits.gz", "a/deep/g0.FITS"):
        cutout(tmp_path / name)
    assert [source.relative for source in find(tmp_path).sources] == [
        "a/deep/g0.FITS",
        "b/g1.fits.gz",
        "b/g2.fit",
        "g9.fits",
        "g10.fits",
    ]


def test_hidden_files_tables_and_others_are_told_apart(tmp_path: Path) -> None:
    cutout(tmp_path / "a.fits")
    for name in (".hidden.fits", "labels.csv", "catalogue.fits", "readme.txt", "LICENSE"):
        (tmp_path / name).write_text("x")
    found = find(tmp_path)
    assert [source.stem for source in found.sources] == ["a"]
    assert {Path(path).name for path in found.tables} == {"labels.csv", "catalogue.fits"}
    assert found.others == {".txt": 1, "without an ending": 1}


def test_the_same_file_is_found_once(tmp_path: Path) -> None:
    cutout(tmp_path / "b" / "a.fits")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    assert len(find(tmp_path, tmp_path / "b", tmp_path / "b" / "a.fits").sources) == 1


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file") as problem:
        find(tmp_path / "gone")
    assert "gone" in problem.value.where


def test_searching_stops_when_asked(tmp_path: Path) -> None:
    cutout(tmp_path / "a.fits")
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(discover([tmp_path], ImportSettings(), stop))


@given(st.lists(st.integers(0, 10**6)))
def test_the_natural_order_sorts_numbers_as_numbers(numbers: list[int]) -> None:
    names = sorted((f"galaxy {number}.fits" for number in numbers), key=natural_key)
    assert names == [f"galaxy {number}.fits" for number in sorted(numbers)]


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("/a/587722953303916935.jpg", "587722953303916935"),
        ("x.fits.fz", "x"),
        ("J1234.5+67.8.fits.gz", "J1234.5+67.8"),
        ("Galaxy10.h5", "Galaxy10"),
    ],
)
def test_a_galaxys_name_is_its_files_without_folder_and_ending(path: str, stem: str) -> None:
    assert stem_of(path) == stem


def test_classes_come_from_folders_and_not_for_files_that_lie_loose_beside_them(tmp_path: Path) -> None:
    for name in ("spiral/1.fits", "elliptical/2.fits", "loose.fits"):
        cutout(tmp_path / name)
    found = find(tmp_path)
    assert {source.stem: found.folder_class(source) for source in found.sources} == {
        "1": "spiral",
        "2": "elliptical",
        "loose": "",
    }
    alone = find(tmp_path / "spiral", tmp_path / "elliptical")
    assert [alone.folder_class(source) for source in alone.sources] == ["spiral", "elliptical"]


# --- one file per band


@pytest.mark.parametrize(
    ("pattern", "relative", "expected"),
    [
        ("*_{band}.fits", "s/GDS_deep2_10673_h.fits", ("s/GDS_deep2_10673", "h")),
        ("GDS_*_{band:v,h}.fits", "GDS_1_h.fits.gz", ("GDS_1", "h")),
        ("GDS_*_{band:v,h}.fits", "GDS_1_segmap.fits", None),
        ("{band}/*.fits", "x/F606W/12.fits", ("x/12", "F606W")),
        ("{band:g,r}-*.png", "r-77.png", ("77", "r")),
        ("a[1]_{band}.fits", "a[1]_r.fits", ("a[1]", "r")),
    ],
)
def test_a_pattern_splits_a_name_into_galaxy_and_band(
    pattern: str, relative: str, expected: tuple[str, str] | None
) -> None:
    parsed = bands.parse(pattern)
    assert parsed is not None
    assert parsed.match(relative) == expected


@pytest.mark.parametrize("pattern", ["{band}_{band}.fits", "*_{bands}.fits", "*_{band.fits", "*_{band:r,r}.fits"])
def test_a_pattern_that_makes_no_sense_is_refused(pattern: str) -> None:
    with pytest.raises(SettingsProblem) as problem:
        bands.parse(pattern)
    assert problem.value.where == "bands"


def test_files_of_the_bands_become_one_cutout_and_the_rest_is_reported(tmp_path: Path) -> None:
    for galaxy in ("1", "2", "3"):
        for value, band in enumerate("gr"):
            cutout(tmp_path / f"x_{galaxy}_{band}.fits", value, PIXSCALE=0.2)
        cutout(tmp_path / f"x_{galaxy}_segmap.fits")
    (tmp_path / "x_2_r.fits").unlink()
    found = find(tmp_path, bands="*_{band:r,g}.fits")
    read_in = members(found, bands="*_{band:r,g}.fits")
    assert [member.name for member in read_in] == ["x_1", "x_3"]
    assert read_in[0].cutout.bands == ("r", "g")
    assert read_in[0].cutout.image[:, 0, 0].tolist() == [1, 0]
    assert read_in[0].cutout.pixel_scale == 0.2
    told = {problem.where: problem.sentence for problem in found.problems}
    assert set(told) == {"x_1_segmap.fits", "x_2_segmap.fits", "x_3_segmap.fits", "x_2_g.fits"}
    assert "segmentation map" in told["x_1_segmap.fits"]
    assert "no file for band r" in told["x_2_g.fits"]


def test_bands_are_recognised_in_names_when_there_is_no_doubt() -> None:
    names = [f"g{galaxy}_{band}.fits" for galaxy in (1, 2) for band in ("h", "v", "z", "j", "segmap")]
    assert bands.suggest(names) == "*_{band:v,z,j,h}.fits"
    assert bands.suggest(names[:5]) == ""  # one galaxy only
    assert bands.suggest(names[1:]) == ""  # a band is missing
    assert bands.suggest(["spiral_1.fits", "spiral_2.fits"]) == ""
    assert (
        bands.suggest(["a_F160W.fits", "a_F606W.fits", "b_F160W.fits", "b_F606W.fits"]) == "*_{band:F606W,F160W}.fits"
    )


def test_bands_that_do_not_fit_each_other_are_refused(tmp_path: Path) -> None:
    cutout(tmp_path / "a_g.fits", PIXSCALE=0.2)
    cutout(tmp_path / "a_r.fits", PIXSCALE=0.3)
    fits.PrimaryHDU(np.ones((9, 9))).writeto(tmp_path / "b_g.fits")
    cutout(tmp_path / "b_r.fits")
    sources = find(tmp_path, bands="*_{band}.fits").sources
    for source, words in zip(sources, ("arcsec wide", "pixels, and the first"), strict=True):
        with pytest.raises(UnreadableFile, match=words):
            list(read(source, ImportSettings()))


@pytest.mark.skipif(not CANDELS.is_dir(), reason="no CANDELS cutouts here")
def test_candels_cutouts_come_as_four_bands_and_their_segmentation_maps_are_reported() -> None:
    for pattern in ("", "GDS_*_{band:v,z,j,h}.fits"):
        found = find(CANDELS, bands=pattern)
        assert len(found.sources) == len(found.problems) == 17
        member = next(read(found.sources[0], ImportSettings()))
        assert member.cutout.image.shape == (4, 84, 84)
        assert member.cutout.pixel_scale == pytest.approx(0.06)


# --- pictures


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_pictures_are_turned_so_that_row_0_is_the_bottom(ending: str, tmp_path: Path) -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[:8, :, 0] = 200  # the upper half is red
    Image.fromarray(image).save(tmp_path / f"a.{ending}")
    (member,) = members(find(tmp_path))
    assert member.cutout.image.dtype == np.uint8
    assert member.cutout.image.shape == (3, 16, 16)
    assert member.cutout.bands == ("red", "green", "blue")
    assert member.cutout.image[0, 2].mean() < 20 < 180 < member.cutout.image[0, -3].mean()


def test_pictures_of_other_modes_are_read_too(tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "1.png")
    Image.fromarray(grey.astype(np.uint16) * 500).save(tmp_path / "2.png")
    Image.fromarray(PICTURE).convert("RGBA").save(tmp_path / "3.png")
    Image.fromarray(PICTURE).quantize(16).save(tmp_path / "4.png")
    one, two, three, four = (member.cutout.image for member in members(find(tmp_path)))
    assert np.array_equal(one[0, ::-1], grey)
    assert np.array_equal(two[0, ::-1], grey * np.float32(500))
    assert np.array_equal(three[:, ::-1], PICTURE.transpose(2, 0, 1))
    assert four.shape == (3, 5, 6)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<html>Object not found</html>", "web page"),
        (b"SIMPLE  =                    T", "a FITS file and not a JPEG or PNG picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture"),
    ],
)
def test_a_picture_that_is_none_says_what_it_is(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(UnreadableFile) as problem:
        members(find(tmp_path))
    assert words in problem.value.sentence or "damaged" in problem.value.sentence


def test_a_truncated_picture_is_reported(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableFile, match="damaged or truncated"):
        members(find(tmp_path))


# --- many in one file


def galaxy10(path: Path, count: int = 7) -> np.ndarray:
    images = np.random.default_rng(1).integers(0, 255, (count, 12, 13, 3)).astype(np.uint8)
    with h5py.File(path, "w") as file:
        file["images"] = images
        file["ans"] = np.arange(count, dtype=np.uint8) % 3
        file["ra"], file["pxscale"] = np.linspace(0, 9, count), np.full(count, 0.262)
        file["note"] = np.arange(2)
    return images


def test_galaxy10_files_give_their_images_and_columns(tmp_path: Path) -> None:
    images = galaxy10(tmp_path / "Galaxy10.h5")
    found = find(tmp_path)
    read_in = members(found)
    assert [member.name for member in read_in][:2] == ["Galaxy10_0", "Galaxy10_1"]
    assert all(np.array_equal(m.cutout.image[:, ::-1], images[m.row].transpose(2, 0, 1)) for m in read_in)
    assert read_in[0].cutout.pixel_scale == 0.262
    container = containers.inspect_container(tmp_path / "Galaxy10.h5")
    assert set(container.columns) == {"ans", "ra", "pxscale"}
    assert container.columns["ans"].tolist() == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("shape", "stamp"), [((9, 3, 8, 8), (3, 8, 8)), ((9, 8, 8, 3), (3, 8, 8)), ((9, 8, 7), (1, 8, 7))]
)
def test_npz_files_are_read_row_by_row(
    compressed: bool, shape: tuple[int, ...], stamp: tuple[int, ...], tmp_path: Path
) -> None:
    images = np.random.default_rng(1).normal(size=shape)
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "a.npz", images=images, label=np.array(list("abcabcabc")))
    read_in = members(find(tmp_path))
    expected = images if len(shape) == 3 or shape[1] == 3 else images.transpose(0, 3, 1, 2)
    assert [member.cutout.image.shape for member in read_in] == [stamp] * 9
    got = np.stack([member.cutout.image for member in read_in])
    assert np.array_equal(got, expected.reshape(got.shape).astype(np.float32))
    assert containers.inspect_container(tmp_path / "a.npz").columns["label"].tolist() == list("abcabcabc")
    part = containers.read_cutouts(containers.inspect_container(tmp_path / "a.npz"), 4, 6)
    assert np.array_equal(np.stack([cutout.image for _, cutout in part]), got[4:6])


def test_a_fortran_ordered_array_gives_the_same_images(tmp_path: Path) -> None:
    images = np.random.default_rng(1).normal(size=(4, 6, 5)).astype(np.float32)
    np.savez(tmp_path / "a.npz", images=np.asfortranarray(images))
    assert np.array_equal(np.concatenate([member.cutout.image for member in members(find(tmp_path))]), images)


def npz_parts(folder: Path, parts: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> None:
    named = {f"x_{part}": images for part, images in parts.items()} | {f"y_{p}": kinds for p, kinds in labels.items()}
    np.savez(folder / "a.npz", **named)


def groups(folder: Path, parts: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        for part, images in parts.items():
            file[f"{part}/images"] = images
        for part, kinds in labels.items():
            file[f"{part}/y"] = kinds


@pytest.mark.parametrize("write", [npz_parts, groups])
@pytest.mark.parametrize("last", [(), (3,)])
def test_the_parts_of_a_container_are_put_together_with_their_own_labels(
    write: Callable[..., None], last: tuple[int, ...], tmp_path: Path
) -> None:
    random = np.random.default_rng(1)
    parts = {"test": random.normal(size=(3, 8, 8, *last)), "train": random.normal(size=(5, 8, 8, *last))}
    write(tmp_path, parts, {"train": np.arange(5), "test": np.arange(10, 13)})
    (source,) = find(tmp_path).sources
    container = containers.inspect_container(source.path)
    assert container.columns["y"].tolist() == [0, 1, 2, 3, 4, 10, 11, 12]
    assert container.columns["split"].tolist() == ["train"] * 5 + ["test"] * 3
    read_in = members(find(tmp_path))
    both = np.concatenate([parts["train"], parts["test"]])
    expected = both.transpose(0, 3, 1, 2) if last else both[:, None]
    assert np.array_equal(np.stack([member.cutout.image for member in read_in]), expected.astype(np.float32))
    assert "put together" in read_in[0].cutout.remarks[0]
    inside = list(containers.read_cutouts(container, 4, 6))
    assert np.array_equal([cutout.image for _, cutout in inside], expected[4:6].astype(np.float32))


def test_a_part_without_labels_has_none_and_other_arrays_of_images_are_named(tmp_path: Path) -> None:
    npz_parts(tmp_path, {"train": np.ones((4, 8, 8)), "test": np.ones((2, 8, 8))}, {"train": np.array(list("abab"))})
    assert containers.inspect_container(tmp_path / "a.npz").columns["y"].tolist() == ["a", "b", "a", "b", "", ""]
    np.savez(tmp_path / "b.npz", mask=np.ones((4, 8, 8)), images=np.ones((4, 8, 8)))
    container = containers.inspect_container(tmp_path / "b.npz")
    assert container.images == (("images", 4),)
    assert "left out: mask 4×8×8" in container.remark


def test_the_ids_of_a_container_keep_all_digits(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.ones((2, 4, 4)), objid=np.array([587722953303916935, 587722953303916936]))
    assert [member.name for member in members(find(tmp_path))] == ["587722953303916935", "587722953303916936"]


def dataset_of_this_program(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["images"] = np.ones((2, 1, 4, 4))
        file.attrs["format"], file.attrs["bands"] = 1, "[]"


def without_images(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["ra"] = np.ones(3)


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("a.h5", dataset_of_this_program, "a dataset of this program already"),
        ("a.h5", without_images, "no images; its arrays are ra"),
        ("a.h5", lambda path: path.write_bytes(b"\x89HDF nonsense"), "damaged"),
        ("a.h5", lambda path: path.write_bytes(b""), "empty"),
        ("a.npz", lambda path: path.write_bytes(b"PK nonsense"), "damaged"),
        ("a.npz", lambda path: np.savez(path, images=np.array([object()] * 3)), "no images"),
    ],
)
def test_a_container_that_cannot_be_used_says_why(name: str, make, words: str, tmp_path: Path) -> None:
    make(tmp_path / name)
    with pytest.raises(UnreadableFile) as problem:
        members(find(tmp_path))
    assert words in problem.value.sentence

import bz2
import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.data.axes import has_bands_last
from core.data.fits import read_image, read_images
from core.errors import UnreadableFile

SHAPES = st.one_of(st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(1, 5)] * 3))
TYPES = st.sampled_from(["u1", ">i2", ">i4", ">i8", ">f4", ">f8"])


def same_as_astropy(path: Path) -> None:
    expected = np.asarray(fits.getdata(path, uint=False))
    if expected.ndim == 3 and has_bands_last(expected.shape):
        expected = np.moveaxis(expected, 2, 0)
    ours = read_image(path).image
    assert ours.dtype == (np.uint8 if expected.dtype == np.uint8 else np.float32)
    assert ours.dtype.isnative
    with np.errstate(over="ignore"):
        expected = expected.astype(ours.dtype).reshape(ours.shape)
    np.testing.assert_array_equal(ours, expected)


@settings(max_examples=60)
@given(data=st.data(), pad=st.integers(0, 80), comment=st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_files_read_as_astropy_reads_them(
    data: st.DataObject, pad: int, comment: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    array = data.draw(hnp.arrays(data.draw(TYPES), data.draw(SHAPES)))
    unit = fits.PrimaryHDU(array)
    for number in range(pad):
        unit.header[f"KEY{number}"] = (number, comment[:20])
    path = tmp_path_factory.mktemp("plain") / "a.fits"
    unit.writeto(path, output_verify="ignore")
    same_as_astropy(path)


@settings(max_examples=60)
@given(
    data=st.data(),
    scale=st.sampled_from([1.0, 2.0, 0.5, -0.1]),
    zero=st.sampled_from([0.0, 32768.0, -128.0, 2.0**31, 12.3]),
    blank=st.none() | st.integers(0, 5),
)
def test_scaled_integers_and_blanks_read_as_astropy_reads_them(
    data: st.DataObject, scale: float, zero: float, blank: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    array = data.draw(hnp.arrays(data.draw(st.sampled_from(["u1", ">i2", ">i4"])), data.draw(SHAPES)))
    unit = fits.PrimaryHDU(array)
    header = unit.header.copy()
    header["BSCALE"], header["BZERO"] = scale, zero
    if blank is not None:
        header["BLANK"] = blank
    path = tmp_path_factory.mktemp("scaled") / "a.fits"
    content = header.tostring().encode() + array.tobytes()
    path.write_bytes(content + bytes(-len(content) % 2880))
    same_as_astropy(path)


def sky(crpix: tuple[float, float] = (5, 6)) -> fits.Header:
    coordinates = WCS(naxis=2)
    coordinates.wcs.ctype, coordinates.wcs.crval = ["RA---TAN", "DEC--TAN"], [150.1, 2.2]
    coordinates.wcs.crpix, coordinates.wcs.cdelt = crpix, [-0.06 / 3600, 0.06 / 3600]
    return coordinates.to_header()


def test_coordinates_scale_band_and_unit_are_kept(tmp_path: Path) -> None:
    header = sky()
    header["FILTER"], header["BUNIT"] = "F160W", "electrons/s"
    fits.PrimaryHDU(np.ones((8, 9), np.float32), header).writeto(tmp_path / "a.fits")
    image = read_image(tmp_path / "a.fits")
    assert (image.bands, image.unit) == (("F160W",), "electrons/s")
    assert image.pixel_scale == pytest.approx(0.06)
    kept = WCS(fits.Header.fromstring(image.wcs, sep="\n"))
    whole = WCS(header)
    assert kept.all_pix2world([[0, 0], [7, 3]], 0) == pytest.approx(whole.all_pix2world([[0, 0], [7, 3]], 0), abs=1e-12)


def test_coordinates_of_two_files_are_not_mixed_up(tmp_path: Path) -> None:
    for name, crpix in (("a", (1.0, 2.0)), ("b", (30.0, -4.0))):
        fits.PrimaryHDU(np.ones((4, 4)), sky(crpix)).writeto(tmp_path / f"{name}.fits")
    for name, crpix in (("a", (1.0, 2.0)), ("b", (30.0, -4.0))):
        text = read_image(tmp_path / f"{name}.fits").wcs
        assert tuple(WCS(fits.Header.fromstring(text, sep="\n")).wcs.crpix) == crpix


@pytest.mark.parametrize(
    ("cards", "scale"),
    [
        ({"PIXSCALE": 0.262}, 0.262),
        ({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": 0.0, "CD1_2": 1e-4, "CD2_1": 1e-4, "CD2_2": 0.0}, 0.36),
        ({"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CDELT1": -1.0, "CDELT2": 1.0, "CUNIT1": "arcsec"}, 1.0),
        ({"CTYPE1": "WAVE", "CDELT1": 2.0, "CDELT2": 2.0}, math.nan),
        ({}, math.nan),
    ],
)
def test_the_pixel_scale_comes_from_the_coordinates_or_a_keyword(
    cards: dict[str, str | float], scale: float, tmp_path: Path
) -> None:
    unit = fits.PrimaryHDU(np.ones((4, 4)))
    unit.header.update(cards)
    unit.writeto(tmp_path / "a.fits")
    assert read_image(tmp_path / "a.fits").pixel_scale == pytest.approx(scale, nan_ok=True)


@pytest.mark.parametrize("cards", [{"BANDS": "irg"}, {"BANDS": "i,r,g"}, {"BAND0": "i", "BAND1": "r", "BAND2": "g"}])
def test_planes_of_a_cube_get_the_names_in_the_header(cards: dict[str, str], tmp_path: Path) -> None:
    unit = fits.PrimaryHDU(np.ones((3, 4, 5)))
    unit.header.update(cards)
    unit.writeto(tmp_path / "a.fits")
    assert read_image(tmp_path / "a.fits").bands == ("i", "r", "g")


def test_row_0_stays_the_bottom_row(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    fits.PrimaryHDU(array).writeto(tmp_path / "a.fits")
    assert read_image(tmp_path / "a.fits").image[0, 0].tolist() == [0, 1, 2, 3]


def multi_extension(path: Path, names: tuple[str, ...] = ("SCI", "ERR")) -> np.ndarray:
    image = np.arange(20, dtype=np.int16).reshape(4, 5)
    units = [fits.PrimaryHDU(), *(fits.ImageHDU(image + 100 * n, name=name) for n, name in enumerate(names))]
    units[0].header["FILTER"] = "F814W"
    fits.HDUList(units).writeto(path)
    return image


def test_the_first_image_extension_is_the_default_with_the_primary_headers_filter(tmp_path: Path) -> None:
    image = multi_extension(tmp_path / "a.fits")
    read = read_image(tmp_path / "a.fits")
    assert np.array_equal(read.image[0], image)
    assert read.bands == ("F814W",)
    assert len(list(read_images(tmp_path / "a.fits"))) == 1


@pytest.mark.parametrize("hdu", ["ERR", "2", "err"])
def test_an_extension_is_chosen_by_name_or_number(hdu: str, tmp_path: Path) -> None:
    image = multi_extension(tmp_path / "a.fits")
    assert np.array_equal(read_image(tmp_path / "a.fits", hdu).image[0], image + 100)


def test_a_missing_extension_is_reported_with_those_that_are_there(tmp_path: Path) -> None:
    multi_extension(tmp_path / "a.fits")
    with pytest.raises(UnreadableFile, match=r"no extension “DQ”.*1 SCI, 2 ERR"):
        read_image(tmp_path / "a.fits", "DQ")


def test_unnamed_extensions_are_a_stack_and_a_star_makes_one_of_any(tmp_path: Path) -> None:
    multi_extension(tmp_path / "stack.fits", ("", "", ""))
    assert [image.extension for image in read_images(tmp_path / "stack.fits")] == ["1", "2", "3"]
    multi_extension(tmp_path / "named.fits")
    assert len(list(read_images(tmp_path / "named.fits", "*"))) == 2


def test_tile_compressed_gzip_and_bzip2_files_hold_the_same_image(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 2000, (40, 50)).astype(np.int16)
    fits.PrimaryHDU(image, sky()).writeto(tmp_path / "a.fits")
    content = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(content))
    (tmp_path / "a.fits.bz2").write_bytes(bz2.compress(content))
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(image, sky())]).writeto(tmp_path / "a.fits.fz")
    for ending in ("", ".gz", ".bz2", ".fz"):
        read = read_image(tmp_path / f"a.fits{ending}")
        assert np.array_equal(read.image[0], image), ending
        assert read.pixel_scale == pytest.approx(0.06)


def test_axes_of_length_one_in_front_are_left_out(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.ones((1, 1, 6, 7), np.float32)).writeto(tmp_path / "a.fits")
    assert read_image(tmp_path / "a.fits").image.shape == (1, 6, 7)


def test_distortion_polynomials_are_kept(tmp_path: Path) -> None:
    header = sky()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    header["A_ORDER"], header["B_ORDER"], header["A_2_0"], header["B_0_2"] = 2, 2, 1e-3, -1e-3
    fits.PrimaryHDU(np.ones((8, 8)), header).writeto(tmp_path / "a.fits")
    kept = WCS(fits.Header.fromstring(read_image(tmp_path / "a.fits").wcs, sep="\n"))
    assert kept.all_pix2world([[0, 7]], 0) == pytest.approx(WCS(header).all_pix2world([[0, 7]], 0), abs=1e-12)


def awkward(folder: Path) -> dict[str, Path]:
    fits.PrimaryHDU(np.ones((64, 64))).writeto(folder / "whole.fits")
    whole = (folder / "whole.fits").read_bytes()
    (folder / "truncated.fits").write_bytes(whole[:20000])
    (folder / "header only.fits").write_bytes(whole[:1000])
    (folder / "empty.fits").write_bytes(b"")
    (folder / "web.fits").write_bytes(b"<!DOCTYPE html><html><body>404 Not Found</body></html>")
    (folder / "text.fits").write_bytes(b"hello there")
    (folder / "half.fits.gz").write_bytes(gzip.compress(whole)[:200])
    (folder / "picture.fits").write_bytes(b"\xff\xd8\xff\xe0 and so on")
    table = fits.BinTableHDU.from_columns([fits.Column("a", "K", array=np.arange(3))])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(folder / "table.fits")
    fits.PrimaryHDU(np.ones(50)).writeto(folder / "line.fits")
    fits.PrimaryHDU(np.ones((2, 3, 4, 5))).writeto(folder / "four.fits")
    fits.PrimaryHDU().writeto(folder / "nothing.fits")
    return {path.name: path for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("truncated.fits", "truncated: 20,000 of"),
        ("header only.fits", "truncated"),
        ("empty.fits", "is empty"),
        ("web.fits", "a web page"),
        ("text.fits", "not a FITS file"),
        ("half.fits.gz", "damaged or truncated"),
        ("picture.fits", "a JPEG picture and not a FITS file"),
        ("table.fits", "a table and no image"),
        ("line.fits", "1-D data"),
        ("four.fits", "4-D data"),
        ("nothing.fits", "holds no pixels"),
    ],
)
def test_an_unusable_file_says_what_is_wrong_and_what_to_do(name: str, words: str, tmp_path: Path) -> None:
    path = awkward(tmp_path)[name]
    with pytest.raises(UnreadableFile) as problem:
        read_image(path)
    assert words in problem.value.sentence
    assert problem.value.remedy
    assert problem.value.where == str(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="does not exist"):
        read_image(tmp_path / "gone.fits")


def test_a_line_break_in_a_coordinate_makes_no_card_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.ones((8, 8), np.float32), sky()).writeto(path)
    content = path.read_bytes()
    at = content.index(b"CRVAL1  =") + 10
    path.write_bytes(content[:at] + b"1\nCTYPE1\x1b" + content[at + 9 :])
    kept = read_image(path).wcs
    assert all(letter.isprintable() or letter == "\n" for letter in kept)
    assert [line[:8] for line in kept.split("\n") if line.startswith("CRVAL1")] == ["CRVAL1  "]
    assert "1?CTYPE1?" in kept


@settings(max_examples=150)
@given(place=st.integers(0, 5759), letter=st.integers(0, 255), cut=st.none() | st.integers(0, 8639))
def test_a_damaged_header_never_raises_anything_but_a_problem(
    place: int, letter: int, cut: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    good = folder / "good for damage.fits"
    if not good.exists():
        fits.PrimaryHDU(np.ones((8, 8), np.float32), sky()).writeto(good)
    content = bytearray(good.read_bytes())
    content[place % len(content)] = letter
    path = folder / "damaged.fits"
    path.write_bytes(bytes(content[:cut]))
    try:
        image = read_image(path)
    except UnreadableFile:
        return
    assert image.image.ndim == 3

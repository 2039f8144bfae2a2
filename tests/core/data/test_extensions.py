"""Files with several extensions: which are galaxies, which are bands, and which only belong to one."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.fits import read_images
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.events import result_of

RANDOM = np.random.default_rng(0)


def image(value: float = 0, side: int = 12) -> np.ndarray:
    return (value + RANDOM.normal(size=(side, side))).astype(np.float32)


def write(path: Path, *units: tuple[np.ndarray | None, dict[str, object]]) -> Path:
    """Write a file with these arrays and cards; the first is the primary HDU."""
    made: list[fits.PrimaryHDU | fits.ImageHDU] = []
    for array, cards in units:
        made.append(fits.ImageHDU(array) if made else fits.PrimaryHDU(array))
        made[-1].header.update(cards)
    fits.HDUList(made).writeto(path)
    return path


def sky(ra: float, dec: float = 2.0) -> dict[str, object]:
    cards: dict[str, object] = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": ra, "CRVAL2": dec}
    return cards | {"CRPIX1": 6.5, "CRPIX2": 6.5, "CDELT1": -1e-4, "CDELT2": 1e-4}


def run(folder: Path, **choices: object) -> tuple[ImportReport, Cutouts]:
    output = folder.parent / "out.h5"
    report = result_of(importing.run(folder, output, ImportSettings.model_validate(choices)))
    return report, Cutouts.open(output)


BESIDE = {
    "galfit": ("OBJECT", ("[1:12,1:12]", "model", "residual map")),
    "LSST": ("EXTTYPE", ("IMAGE", "MASK", "VARIANCE")),
    "LSST by name": ("EXTNAME", ("IMAGE", "MASK", "VARIANCE")),
    "HST": ("EXTNAME", ("SCI", "ERR", "DQ")),
    "drizzled": ("EXTNAME", ("SCI", "WHT", "CTX")),
    "JWST": ("EXTNAME", ("SCI", "VAR_POISSON", "WHT")),
    "DES": ("EXTNAME", ("SCI", "MSK", "WGT")),
    "Legacy Survey": ("IMAGETYP", ("IMAGE", "INVVAR", "maskbits")),
    "MUSE": ("EXTNAME", ("DATA", "STAT", "DQ")),
    "ESO": ("HDUCLAS2", ("DATA", "ERROR", "QUALITY")),
    "own": ("EXTNAME", ("my galaxy", "galaxy_sigma", "seg map")),
    "fit": ("EXTNAME", ("INPUT", "BEST-FIT MODEL", "PSF")),
}


@pytest.mark.parametrize("convention", BESIDE)
def test_what_only_belongs_to_an_image_is_left_out_and_named(convention: str, tmp_path: Path) -> None:
    keyword, words = BESIDE[convention]
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(4):
        parts = [(image(100 * place), {keyword: word}) for place, word in enumerate(words)]
        write(folder / f"g{number}.fits", (None, {}), *parts)
    report, cutouts = run(folder)
    with cutouts:
        assert cutouts.ids == ["g0", "g1", "g2", "g3"]
        assert cutouts.shape == (4, 1, 12, 12)
        assert abs(cutouts.images[:].mean()) < 1  # the images and not what lies beside them
    (note,) = [note for note in report.notes if "left out" in note]
    assert "all 4" in note
    assert "--hdu" in note
    report.save(tmp_path / "report.csv")
    assert "left out" in (tmp_path / "report.csv").read_text()


def test_a_cube_beside_its_weights_is_one_galaxy_with_bands(tmp_path: Path) -> None:
    cube = np.stack([image(), image(), image()])
    path = write(tmp_path / "a.fits", (cube, {"IMAGETYP": "IMAGE", "BANDS": "grz"}), (cube, {"IMAGETYP": "INVVAR"}))
    (read,) = read_images(path)
    assert read.bands == ("g", "r", "z")


@pytest.mark.parametrize(
    ("cards", "bands"),
    [
        ([{"EXTNAME": name} for name in ("VIS", "NIR-Y", "NIR-J", "NIR-H")], ("VIS", "NIR-Y", "NIR-J", "NIR-H")),
        ([{"EXTNAME": name} for name in ("g", "r", "F160W_SCI")], ("g", "r", "F160W_SCI")),
        ([{"FILTER": name} for name in ("F606W", "F814W")], ("F606W", "F814W")),
        ([{"EXTNAME": "SCI", "FILTER": name, **sky(150)} for name in ("a band", "another")], ("a band", "another")),
    ],
)
def test_extensions_of_different_bands_are_the_bands_of_one_galaxy(
    cards: list[dict[str, object]], bands: tuple[str, ...], tmp_path: Path
) -> None:
    parts = [(image(100 * place), card) for place, card in enumerate(cards)]
    path = write(tmp_path / "a.fits", (None, {"FILTER": "none"}), *parts, (image(), {"EXTNAME": "MASK"}))
    (read,) = read_images(path)
    assert read.bands == bands
    assert np.array_equal(read.image, [array for array, _ in parts])
    assert "MASK (a mask)" in " ".join(read.remarks)


@pytest.mark.parametrize(
    "cards",
    [
        [{"EXTNAME": f"GAL{number:03d}"} for number in range(5)],
        [{"EXTNAME": name, **sky(place)} for place, name in enumerate(("M51", "antennae", "NGC 1", "sombrero", "x"))],
        [{"OBJECT": f"J10{number}"} for number in range(5)],
    ],
)
def test_extensions_of_different_objects_are_galaxies_with_their_names(
    cards: list[dict[str, object]], tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "all.fits", (None, {}), *[(image(), card) for card in cards])
    report, cutouts = run(folder)
    with cutouts:
        assert cutouts.ids == [card.get("EXTNAME") or card["OBJECT"] for card in cards]
    assert any("5 image extensions" in note for note in report.notes)


def test_a_stack_is_joined_by_the_names_of_its_galaxies_and_never_by_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "all.fits", (None, {}), *[(image(), {"EXTNAME": f"G{number}"}) for number in range(3)])
    catalogue = tmp_path / "c.csv"
    catalogue.write_text("name,shape\nG2,disk\nG0,round\nall,wrong\n")
    settings = ImportSettings(labels=("shape",))
    result_of(importing.run(folder, tmp_path / "out.h5", settings, catalogue))
    with Cutouts.open(tmp_path / "out.h5") as cutouts:
        assert dict(zip(cutouts.ids, cutouts.columns["shape"].tolist(), strict=True)) == {
            "G0": "round",
            "G1": "",
            "G2": "disk",
        }


@pytest.mark.parametrize(
    "cards",
    [
        [{"EXTNAME": name} for name in ("SCIENCE", "TEMPLATE", "DIFFERENCE")],  # of an alert
        [sky(150), sky(150), sky(150)],
    ],
)
def test_where_headers_do_not_tell_the_first_image_is_taken_and_the_others_are_named(
    cards: list[dict[str, object]], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.fits", (None, {}), *[(image(100 * place), card) for place, card in enumerate(cards)])
    (read,) = read_images(path)
    assert abs(read.image.mean()) < 1
    assert "left out" in " ".join(read.remarks)


def test_unnamed_images_of_different_types_are_not_taken_for_a_stack(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", (image(), {}), ((image() > 0).astype(np.int16), {}))
    (read,) = read_images(path)
    assert "left out: 1" in " ".join(read.remarks)


def test_a_compressed_image_is_nameless_and_a_table_beside_it_is_named(tmp_path: Path) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("a", "K", array=np.arange(3))], name="SOURCES")
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(image()), fits.CompImageHDU(image()), table]).writeto(
        tmp_path / "a.fits.fz"
    )
    stack = list(read_images(tmp_path / "a.fits.fz"))
    assert len(stack) == 2
    assert "SOURCES (a table)" in " ".join(stack[0].remarks)


def test_several_chosen_extensions_are_bands_and_a_star_makes_galaxies(tmp_path: Path) -> None:
    names = ("VIS", "MODEL", "NIR-Y")
    path = write(
        tmp_path / "a.fits", (None, {}), *[(image(100 * n), {"EXTNAME": name}) for n, name in enumerate(names)]
    )
    (read,) = read_images(path, "NIR-Y, MODEL,1")
    assert read.bands == ("NIR-Y", "MODEL", "VIS")
    assert read.image.mean(axis=(1, 2)) == pytest.approx([200, 100, 0], abs=1)
    assert [one.extension for one in read_images(path, "*")] == ["1", "2", "3"]


def test_chosen_bands_of_different_sizes_are_refused_with_both_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", (None, {}), (image(), {"EXTNAME": "A"}), (image(side=14), {"EXTNAME": "B"}))
    with pytest.raises(Exception, match=r"“B” holds 1 planes of 14 × 14 pixels, and the first 12 × 12"):
        next(read_images(path, "A,B"))


@pytest.mark.parametrize(("bands", "side"), [(3, 48), (5, 48), (4, 20)])
def test_an_image_with_its_bands_last_is_read_as_such_and_said_so(bands: int, side: int, tmp_path: Path) -> None:
    planes = np.stack([image(100 * band, side) for band in range(bands)])
    path = write(tmp_path / "a.fits", (planes.transpose(1, 2, 0), {}))
    (read,) = read_images(path)
    assert np.array_equal(read.image, planes)
    assert f"NAXIS1 = {bands}" in read.remarks[0]


def test_the_axes_of_the_sky_decide_where_the_header_names_them(tmp_path: Path) -> None:
    planes = np.stack([image(100 * band, 20) for band in range(3)])
    cards = {"CTYPE1": "BAND", "CTYPE2": "RA---TAN", "CTYPE3": "DEC--TAN", "CRVAL2": 150.0, "CRVAL3": 2.0}
    steps = {"CRPIX2": 5.0, "CRPIX3": 6.0, "CDELT2": -1e-4, "CDELT3": 1e-4}
    (read,) = read_images(write(tmp_path / "last.fits", (planes.transpose(1, 2, 0), cards | steps)))
    assert np.array_equal(read.image, planes)
    assert read.pixel_scale == pytest.approx(0.36)
    header = fits.Header.fromstring(read.wcs, sep="\n")
    assert (header["CTYPE1"], header["CRVAL1"], header["CRPIX2"]) == ("RA---TAN", 150.0, 6.0)
    wide = np.stack([image(side=20)[:, :9]] * 12)  # twelve bands of nine columns
    (read,) = read_images(write(tmp_path / "first.fits", (wide, sky(1))))
    assert read.image.shape == (12, 20, 9)


def test_a_shape_that_may_be_meant_either_way_is_said_to_be(tmp_path: Path) -> None:
    (read,) = read_images(write(tmp_path / "a.fits", (np.ones((10, 14, 6), np.float32), {})))
    assert read.image.shape == (6, 10, 14)
    assert "NAXIS3 = 10" in read.remarks[0]

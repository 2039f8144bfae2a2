"""The field of a stamp is cut first and then resampled: in pixels, in arcsec, or in multiples of a catalogue column."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits import Header
from astropy.wcs import WCS
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.data.cutouts import Cutouts
from core.data.importing import run
from core.data.preview import preview
from core.data.report import ImportReport
from core.data.settings import ImportSettings
from core.data.stamps import Cutout, prepare
from core.errors import CatalogueProblem, SettingsProblem, UnreadableFile
from core.events import result_of

RANDOM = np.random.default_rng(4)
CARDS = "\n".join(
    [
        "CTYPE1  = 'RA---TAN'",
        "CTYPE2  = 'DEC--TAN'",
        *(f"{name:8}= {value:>20}" for name, value in {"CRVAL1": 10.0, "CRVAL2": -20.0, "CRPIX1": 7.0}.items()),
        *(f"{name:8}= {value:>20}" for name, value in {"CRPIX2": 9.0, "CDELT1": -1e-4, "CDELT2": 1e-4}.items()),
    ]
)


def noise(*shape: int) -> np.ndarray:
    return RANDOM.normal(5, 1, shape).astype(np.float32)


def sky(text: str, x: float, y: float) -> list[float]:
    return [float(value) for value in WCS(Header.fromstring(text, sep="\n")).all_pix2world(x, y, 0)]


def test_the_central_128_pixels_become_64() -> None:
    image = noise(2, 212, 212)
    stamp = prepare(Cutout(image, pixel_scale=0.4), 64, ImportSettings(field=128))
    expected = image[:, 42:170, 42:170].reshape(2, 64, 2, 64, 2).mean(axis=(2, 4))
    assert stamp.image == pytest.approx(expected, abs=1e-5)
    assert (stamp.pixel_scale, stamp.missing) == (0.8, 0)


def test_a_field_of_the_stamps_own_size_leaves_the_pixels_as_they_are() -> None:
    image = noise(1, 11, 9)
    assert np.array_equal(prepare(Cutout(image), 5, ImportSettings(field=5)).image, image[:, 3:8, 2:7])


tenths = st.integers(40, 240).map(lambda number: number / 10)


@settings(max_examples=50)
@given(height=st.integers(6, 24), width=st.integers(6, 24), size=st.integers(4, 24), field=tenths)
def test_a_place_keeps_its_coordinates_and_a_field_its_scale(height: int, width: int, size: int, field: float) -> None:
    assume(field <= 1.3 * min(height, width))
    stamp = prepare(Cutout(noise(1, height, width), wcs=CARDS, pixel_scale=0.36), size, ImportSettings(field=field))
    assert stamp.image.shape == (1, size, size)
    assert np.isfinite(stamp.image).all()
    assert stamp.pixel_scale == pytest.approx(0.36 * field / size, rel=1e-5)
    assert scale_of(stamp.wcs) == pytest.approx(stamp.pixel_scale, rel=1e-5)
    middle = (size - 1) / 2, (size - 1) / 2
    exact = (width - 1) / 2, (height - 1) / 2
    shift = 0 if field != round(field) else 0.5  # whole fields stay on the grid of the pixels
    there, here = sky(stamp.wcs, *middle), sky(CARDS, *exact)
    assert abs(there[0] - here[0]) * math.cos(math.radians(20)) <= (shift + 1e-3) * 1e-4
    assert abs(there[1] - here[1]) <= (shift + 1e-3) * 1e-4


def scale_of(text: str) -> float:
    """Side of a pixel in arcsec, as the coordinates have it."""
    (x, y), (other, _) = sky(text, 3, 3), sky(text, 4, 3)
    return abs(other - x) * math.cos(math.radians(y)) * 3600


@settings(max_examples=50)
@given(field=tenths.filter(lambda side: side < 20 and side % 1), size=st.integers(4, 24))
def test_a_field_between_pixels_conserves_the_flux_inside_it(field: float, size: int) -> None:
    image = noise(1, 20, 20)
    stamp = prepare(Cutout(image, pixel_scale=1.0), size, ImportSettings(field=field))
    edges = np.clip(10 + np.array([[-0.5], [0.5]]) * field - np.arange(20), 0, 1)
    share = edges[1] - edges[0]  # of each row and column that lies in the field
    inside = float(share @ image[0].astype(np.float64) @ share)
    assert float(stamp.image.sum()) * stamp.pixel_scale**2 == pytest.approx(inside, rel=1e-5)


def test_a_field_beyond_the_file_is_padded() -> None:
    image = noise(1, 12, 12)
    stamp = prepare(Cutout(image), 12, ImportSettings(field=24, fill="zero"))
    assert stamp.missing == pytest.approx(0.75)
    assert stamp.image[0, 0, 0] == 0


# --- of an import


def write(folder: Path, count: int = 4, side: int = 20, **cards: object) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        fits.writeto(folder / f"g{number}.fits", noise(side, side), fits.Header(cards))


def imported(source: Path, output: Path, catalogue: Path | None = None, **settings: object) -> ImportReport:
    return result_of(run([source], output, ImportSettings(**settings), catalogue))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "files", PIXSCALE=0.5)
    return tmp_path / "files"


def radii(tmp_path: Path, text: str) -> Path:
    table = tmp_path / "radii.csv"
    table.write_text("id,radius,kind\n" + text)
    return table


def test_without_a_size_the_stamps_have_that_of_the_field(folder: Path, tmp_path: Path) -> None:
    imported(folder, tmp_path / "d.h5", field=12)
    imported(folder, tmp_path / "e.h5", field=7, field_unit="arcsec")
    with Cutouts.open(tmp_path / "d.h5") as pixels, Cutouts.open(tmp_path / "e.h5") as arcsec:
        assert (pixels.shape[2:], arcsec.shape[2:]) == ((12, 12), (14, 14))
        assert pixels.pixel_scale.tolist() == arcsec.pixel_scale.tolist() == [0.5] * 4


def test_a_field_of_radii_has_another_scale_for_each_galaxy(folder: Path, tmp_path: Path) -> None:
    table = radii(tmp_path, "g0,2,a\ng1,3,a\ng2,2.5,b\ng3,1.5,b\n")
    imported(folder, tmp_path / "d.h5", table, field=4, field_unit="arcsec", field_column="radius", size=8)
    with Cutouts.open(tmp_path / "d.h5") as cutouts:
        assert cutouts.pixel_scale.tolist() == pytest.approx([1.0, 1.5, 1.25, 0.75])
        assert cutouts.recipe is not None
        assert "central 4 × “radius” arcsec, resampled to 8 px" in cutouts.recipe.describe()


def test_a_galaxy_without_a_radius_is_reported(folder: Path, tmp_path: Path) -> None:
    table = radii(tmp_path, "g0,2,a\ng1,,a\ng2,-99,b\n")
    report = imported(folder, tmp_path / "d.h5", table, field=4, field_column="radius", size=8)
    assert report.imported == 1
    told = {problem.where: problem.sentence for problem in report.unusable}
    assert "“radius” is nan" in told["g1.fits"]
    assert "“radius” is -99" in told["g2.fits"]
    assert "no row in the catalogue" in told["g3.fits"]


def test_radii_in_a_file_of_many_galaxies_are_used(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file["images"], file["radius"], file["pxscale"] = noise(3, 20, 20), [2.0, 3.0, 2.5], [1.0, 1.0, 1.0]
    imported(tmp_path / "all.h5", tmp_path / "d.h5", field=4, field_column="radius", size=8)
    with Cutouts.open(tmp_path / "d.h5") as cutouts:
        assert cutouts.pixel_scale.tolist() == pytest.approx([1.0, 1.5, 1.25])


def test_what_is_missing_for_a_field_is_said(folder: Path, tmp_path: Path) -> None:
    table = radii(tmp_path, "g0,2,a\ng1,3,a\ng2,2.5,b\n")
    of_radii = {"field": 4, "size": 8, "field_column": "radius"}
    with pytest.raises(SettingsProblem, match="column “radius”, and there is no catalogue"):
        imported(folder, tmp_path / "d.h5", **of_radii)
    with pytest.raises(CatalogueProblem, match="no column “width”"):
        imported(folder, tmp_path / "d.h5", table, **of_radii | {"field_column": "width"})
    with pytest.raises(CatalogueProblem, match="“kind” holds no numbers"):
        imported(folder, tmp_path / "d.h5", table, **of_radii | {"field_column": "kind"})
    write(tmp_path / "no scale")
    with pytest.raises(UnreadableFile, match="pixel scale is unknown, and the field is in arcsec"):
        imported(tmp_path / "no scale", tmp_path / "d.h5", field=6, field_unit="arcsec")
    with pytest.raises(UnreadableFile, match=r"only 2\.5 pixels wide"):
        imported(folder, tmp_path / "d.h5", field=2.5)
    assert not (tmp_path / "d.h5").exists()


def test_the_preview_shows_the_stamps_as_they_will_be(folder: Path, tmp_path: Path) -> None:
    seen = result_of(preview([folder], ImportSettings(field=10, size=5), None))
    imported(folder, tmp_path / "d.h5", field=10, size=5)
    with Cutouts.open(tmp_path / "d.h5") as cutouts:
        assert np.array_equal(np.stack(seen.stamps), cutouts.images[:])
    seen = result_of(preview([folder], ImportSettings(field=10, size=5, field_column="radius"), None))
    assert any(isinstance(problem, SettingsProblem) for problem in seen.problems)

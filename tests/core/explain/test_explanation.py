from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from matplotlib._pylab_helpers import Gcf
from PIL import Image

from core.errors import NotPossible, SettingsProblem
from core.events import result_of
from core.explain import methods
from core.explain.explanation import Explanation
from core.explain.settings import GradientSettings, OcclusionSettings


def explanation(**changes) -> Explanation:
    random = np.random.default_rng(0)
    values = {
        "galaxy_id": "587736618793959865",
        "method": "occlusion",
        "target_name": "edge-on",
        "map": random.normal(0, 1, (20, 30)).astype(np.float32),
        "score": 2.5,
        "baseline_score": -0.5,
        "error": None,
        "settings": OcclusionSettings(patch=6, stride=3),
        "probability": 0.9,
    }
    return Explanation(**(values | changes))


def sky() -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [150.1, 2.2], [15.5, 10.5], [-1e-4, 1e-4]
    return wcs


def test_a_fits_map_keeps_values_coordinates_and_how_it_was_made(tmp_path) -> None:
    made = explanation()
    made.save_fits(tmp_path / "map.fits", sky())
    with fits.open(tmp_path / "map.fits") as file:
        header, data = file[0].header, file[0].data
        assert data.dtype == np.dtype(">f4")
        np.testing.assert_array_equal(data, made.map)
        assert header["OBJECT"] == "587736618793959865"
        assert (header["METHOD"], header["TARGET"], header["FILL"]) == ("occlusion", "edge-on", "background")
        assert (header["SCORE"], header["BASESCOR"], header["PROB"]) == (2.5, -0.5, 0.9)
        assert (header["PATCH"], header["STRIDE"]) == (6, 3)
        assert header["COMPLERR"] is None
        assert header["EVIDFOR"] == pytest.approx(made.map.clip(min=0).sum())
        assert header["EVIDAGNS"] == pytest.approx(made.map.clip(max=0).sum())
        found = WCS(header)
    assert np.allclose(found.wcs_pix2world([[3, 4]], 0), sky().wcs_pix2world([[3, 4]], 0))


def test_a_map_by_bands_is_kept_beside_the_whole(tmp_path) -> None:
    bands = np.random.default_rng(1).normal(0, 1, (3, 20, 30)).astype(np.float32)
    made = explanation(
        method="integrated gradients",
        map=bands.sum(axis=0),
        bands_map=bands,
        error=0.004,
        settings=GradientSettings(),
    )
    made.save_fits(tmp_path / "map.fits")
    with fits.open(tmp_path / "map.fits") as file:
        np.testing.assert_array_equal(file["BANDS"].data, bands)
        assert file[0].header["COMPLERR"] == 0.004
        assert (file[0].header["BASELINE"], file[0].header["TOLERANC"]) == ("background", 0.01)


def test_long_ids_other_letters_and_an_infinite_error_fit_into_a_header(tmp_path) -> None:
    made = explanation(galaxy_id="folder/" * 20, target_name="spirale barrée ★", error=float("inf"), unit="arcsec")
    made.save_fits(tmp_path / "map.fits")
    header = fits.getheader(tmp_path / "map.fits")
    assert header["OBJECT"] == "folder/" * 20
    assert header["TARGET"] == "spirale barr?e ?"
    assert header["COMPLERR"] is None


@pytest.mark.parametrize("bands", [1, 3, pytest.param(5, marks=pytest.mark.slow)])
def test_a_picture_shows_galaxy_and_map(tmp_path, bands) -> None:
    image = np.random.default_rng(2).normal(0, 1, (bands, 20, 30)).astype(np.float32)
    image[:, 8:12, 12:18] += 30
    path = tmp_path / "map.png"
    explanation(galaxy_id="$strange$ id").save_picture(path, image)
    with Image.open(path) as picture:
        assert picture.size == (1200, 600)
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    coloured = np.ptp(pixels, axis=2) > 60
    assert coloured[:, 600:].mean() > 0.05  # the map is red and blue
    assert not Gcf.get_all_fig_managers()  # none is kept alive
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]


def test_an_empty_map_can_be_drawn(tmp_path) -> None:
    explanation(map=np.zeros((20, 30), np.float32), probability=None, unit="arcsec").save_picture(
        tmp_path / "map.png", np.zeros((1, 20, 30), np.float32)
    )
    assert (tmp_path / "map.png").stat().st_size > 1000


def test_a_map_of_another_image_is_refused_and_the_old_picture_kept(tmp_path) -> None:
    path = tmp_path / "map.png"
    path.write_bytes(b"old")
    with pytest.raises(NotPossible):
        explanation().save_picture(path, np.zeros((1, 21, 30), np.float32))
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_name_decides_how_the_picture_is_written(tmp_path, kind) -> None:
    path = tmp_path / f"map.{kind}"
    explanation().save_picture(path, np.zeros((1, 20, 30), np.float32))
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert path.read_bytes().startswith(begins[kind])


def test_the_colours_of_a_map_without_sign_begin_at_zero() -> None:
    strength = explanation(map=np.abs(explanation().map), is_signed=False)
    figure = strength._figure(np.zeros((1, 20, 30), np.float32), np.zeros((20, 30, 3), np.uint8))
    assert figure.axes[1].images[1].get_clim() == pytest.approx((0.0, np.percentile(strength.map, 99.5)))


def test_a_method_that_does_not_exist_is_a_problem_that_names_those_that_do(make, galaxy) -> None:
    with pytest.raises(SettingsProblem, match="integrated_gradients") as caught:
        result_of(methods.explain("integrated_gradients", make((1, 24, 24)), galaxy((1, 24, 24))))
    assert "integrated-gradients" in caught.value.remedy

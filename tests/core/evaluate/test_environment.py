"""Neighbours whose places and fluxes are known, because GalSim drew them there."""

from __future__ import annotations

import threading
from pathlib import Path

import galsim
import numpy as np
import pytest
from galaxies import write_dataset
from pydantic import ValidationError

from core.errors import NotPossible, Stopped
from core.evaluate import environment
from core.evaluate.environment import BRIGHT, FAINT, ISOLATED, UNKNOWN, classify, find_neighbours
from core.evaluate.settings import EnvironmentSettings
from core.events import result_of

SIZE = 64
FLUX = 20_000.0
DEFAULT = EnvironmentSettings()


def galaxy(flux: float = FLUX, radius: float = 4, index: float = 2) -> galsim.GSObject:
    return galsim.Sersic(index, half_light_radius=radius, flux=flux).shear(q=0.7, beta=0.4 * galsim.radians)


def drawn(*profiles: tuple[galsim.GSObject, float, float], seed: int = 0) -> np.ndarray:
    """Profiles at offsets (x, y) in pixels from the centre, in seeing of 3 pixels and noise of 1, float32 (1, H, W)."""
    stamp = galsim.ImageF(SIZE, SIZE, scale=1.0)
    for profile, x, y in profiles:
        galsim.Convolve(profile.shift(x, y), galsim.Gaussian(fwhm=3)).drawImage(stamp, add_to_image=True)
    return (stamp.array + np.random.default_rng(seed).normal(0, 1, (SIZE, SIZE))).astype(np.float32)[None]


def class_of(image: np.ndarray, settings: EnvironmentSettings = DEFAULT, scale: float = np.nan) -> str:
    return classify(find_neighbours(image, settings), settings, scale)[0]


def test_a_galaxy_alone_is_isolated_whatever_its_shape() -> None:
    for seed, (index, radius, flux) in enumerate([(1, 3, 3e3), (1, 10, 1e6), (4, 3, 1e6), (4, 10, 1e5)]):
        assert class_of(drawn((galaxy(flux, radius, index), 0, 0), seed=seed)) == ISOLATED


@pytest.mark.parametrize(
    ("fainter", "apart", "expected"),
    [(0, 22, BRIGHT), (1, 20, BRIGHT), (2, 20, FAINT), (4, 25, FAINT), (7, 25, ISOLATED)],
)
def test_a_neighbour_apart_is_measured_and_classified(fainter: float, apart: float, expected: str) -> None:
    x, y = apart * np.cos(0.3), apart * np.sin(0.3)
    found = find_neighbours(drawn((galaxy(), 0, 0), (galaxy(FLUX * 10 ** (-0.4 * fainter), 3, 1.5), x, y)), DEFAULT)
    name, counted = classify(found, DEFAULT, np.nan)
    assert name == expected
    assert len(counted) == (expected != ISOLATED)
    for neighbour in counted:
        assert neighbour.distance == pytest.approx(apart, abs=1)
        assert -2.5 * np.log10(neighbour.flux_ratio) == pytest.approx(fainter, abs=0.2)


@pytest.mark.parametrize(("fainter", "apart", "expected"), [(0, 10, BRIGHT), (1, 10, BRIGHT), (2, 12, FAINT)])
def test_a_blended_neighbour_is_told_apart(fainter: float, apart: float, expected: str) -> None:
    """Two and a half half-light radii apart: their light overlaps wholly."""
    x, y = apart * np.cos(2.3), apart * np.sin(2.3)
    found = find_neighbours(drawn((galaxy(), 0, 0), (galaxy(FLUX * 10 ** (-0.4 * fainter), 3, 1.5), x, y)), DEFAULT)
    name, counted = classify(found, DEFAULT, np.nan)
    assert name == expected
    assert counted[0].touches
    assert counted[0].distance == pytest.approx(apart, abs=1.5)
    assert -2.5 * np.log10(counted[0].flux_ratio) == pytest.approx(fainter, abs=0.35)


@pytest.mark.parametrize(
    ("what", "neighbour"),
    [
        ("closer than the half-light radius", (galaxy(FLUX / 2, 3), 3, 0)),
        ("lost in the noise", (galaxy(40, 3), 22, 10)),
        ("off the stamp", (galaxy(FLUX, 3), 55, 0)),
    ],
)
def test_what_it_cannot_see_as_its_documentation_says(what: str, neighbour: tuple[galsim.GSObject, float, float]):
    assert class_of(drawn((galaxy(), 0, 0), neighbour)) == ISOLATED


def test_the_brightest_neighbour_that_is_near_enough_decides() -> None:
    image = drawn((galaxy(), 0, 0), (galaxy(FLUX / 2, 2), 26, 24), (galaxy(FLUX / 12, 2), -17, 8))
    near = EnvironmentSettings(distance=25, distance_unit="pixels")
    far = EnvironmentSettings(distance=45, distance_unit="pixels")
    assert class_of(image, near) == FAINT
    assert class_of(image, far) == BRIGHT
    assert class_of(image, near.model_copy(update={"distance": 10.0})) == ISOLATED
    assert class_of(image, EnvironmentSettings(distance=45, distance_unit="pixels", bright=0.8)) == FAINT
    assert class_of(image, EnvironmentSettings(distance=45, distance_unit="pixels", faint=0.8, bright=0.9)) == ISOLATED


def test_a_distance_in_arcsec_needs_the_pixel_scale() -> None:
    settings = EnvironmentSettings(distance=4, distance_unit="arcsec")
    pair = drawn((galaxy(), 0, 0), (galaxy(FLUX / 2, 3), 18, 0))
    assert class_of(pair, settings, 0.2) == BRIGHT
    assert class_of(pair, settings, 0.3) == ISOLATED
    assert class_of(pair, settings, np.nan) == UNKNOWN
    assert class_of(drawn((galaxy(), 0, 0)), settings, np.nan) == ISOLATED


def test_thresholds_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="smaller than"):
        EnvironmentSettings(faint=0.5, bright=0.3)
    assert "0.25" in DEFAULT.rule and "0.01" in DEFAULT.rule and "1.5" in DEFAULT.rule


@pytest.fixture
def data(tmp_path: Path) -> Path:
    images = np.stack(
        [
            drawn((galaxy(), 0, 0)),
            drawn((galaxy(), 0, 0), (galaxy(FLUX / 2, 3), 20, 0)),
            drawn((galaxy(), 0, 0), (galaxy(FLUX / 20, 3), -20, 4)),
            drawn(),
        ]
    )
    return write_dataset(tmp_path / "pairs.h5", images, {"width": [1.0, 2.0, 3.0, 4.0]}, ["width"], bands=("r",))


def test_a_dataset_is_classified_row_by_row_and_what_has_no_class_is_told(data: Path) -> None:
    found = result_of(environment.run(data))
    assert found.classes.tolist() == [ISOLATED, BRIGHT, FAINT, UNKNOWN]
    assert found.counts.tolist() == [0, 1, 1, 0]
    assert found.distance_arcsec[1] == pytest.approx(0.4 * 20, abs=0.4)  # of 0.4 arcsec/pixel
    assert found.magnitude_difference[2] == pytest.approx(-2.5 * np.log10(1 / 20), abs=0.2)
    assert np.isnan(found.distance[[0, 3]]).all()
    assert len(found.problems) == 1 and "1 of 4 stamps have no galaxy" in found.problems[0].text
    values, unit = found.columns["neighbour_distance"]
    assert unit == "arcsec" and len(values) == len(found) == 4


def test_rows_may_come_in_any_order(data: Path) -> None:
    found = result_of(environment.run(data, np.array([2, 0])))
    assert found.classes.tolist() == [FAINT, ISOLATED]
    assert found.ids == ("galaxy 0002", "galaxy 0000")


def test_it_can_be_cancelled_and_says_which_band_there_is_not(data: Path) -> None:
    stop = threading.Event()
    work = environment.run(data, stop=stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)
    with pytest.raises(NotPossible, match="no band 2"):
        segmentation = DEFAULT.segmentation.model_copy(update={"band": 2})
        result_of(environment.run(data, settings=EnvironmentSettings(segmentation=segmentation)))

"""Cutouts are cropped where the galaxies fit into the stamps, and resampled where they do not."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from galaxies import ellipse

from core.data.automatic_fit import MOST_CUT, MOST_LOST, decide, look_at, lost_light
from core.data.cutouts import Cutouts
from core.data.importing import run
from core.data.preview import preview
from core.data.settings import ImportSettings
from core.events import result_of

SIDE, SIZE = 80, 32
RANDOM = np.random.default_rng(2)


def planted(sigma: float, side: int = SIDE, planes: int = 1) -> np.ndarray:
    """A round Gaussian galaxy over noise, with a bright neighbour at the border that is not to count."""
    light = 400 * ellipse(side, sigma, sigma)
    light[4:7, 4:7] += 900
    return (light + RANDOM.normal(20, 1, (planes, side, side))).astype(np.float32)


def outside(sigma: float, size: int) -> float:
    """The share of a Gaussian's light outside a square."""
    return 1 - math.erf(size / 2 / sigma / math.sqrt(2)) ** 2


@pytest.mark.parametrize("sigma", [3, 6, 9, 12])
@pytest.mark.parametrize("planes", [1, 3])
def test_the_lost_light_of_a_known_galaxy(sigma: float, planes: int) -> None:
    assert lost_light(look_at(planted(sigma, planes=planes)), SIZE) == pytest.approx(outside(sigma, SIZE), abs=0.02)


def test_large_and_oblong_files_are_measured_as_well() -> None:
    image = planted(60, side=500)
    assert lost_light(look_at(image), 200) == pytest.approx(outside(60, 200), abs=0.02)
    assert lost_light(look_at(planted(9)[:, 10:71]), SIZE) == pytest.approx(outside(9, SIZE), abs=0.02)


def test_without_a_galaxy_nothing_can_be_measured() -> None:
    assert lost_light(look_at(RANDOM.normal(size=(1, SIDE, SIDE))), SIZE) is None


@pytest.mark.parametrize(("cut", "fit"), [(0, "crop or pad"), (2, "crop or pad"), (3, "resample"), (20, "resample")])
def test_the_criterion(cut: int, fit: str) -> None:
    """Of 20 galaxies, more than a tenth has to lose more than a twentieth of its light."""
    assert outside(9, SIZE) > MOST_LOST > outside(6, SIZE)
    assert 2 <= MOST_CUT * 20 < 3
    looks = [look_at(planted(9 if number < cut else 6)) for number in range(20)]
    settings, sentence = result_of(decide(ImportSettings(), SIZE, looks))
    assert settings.fit == fit
    assert f"{cut or 'none'} of 20 sampled galaxies" in sentence


def test_the_median_is_said_to_be_over_all_sampled_galaxies() -> None:
    """It may lie below the limit that is named beside it."""
    looks = [look_at(planted(9 if number < 3 else 6)) for number in range(20)]
    _, sentence = result_of(decide(ImportSettings(), SIZE, looks))
    middle = float(np.median([lost_light(look, SIZE) or 0.0 for look in looks]))
    assert middle < MOST_LOST
    assert f"3 of 20 sampled galaxies by more than 5% of their light; over all 20, they lose {middle:.0%}" in sentence


def test_nothing_is_measured_where_there_is_nothing_to_decide() -> None:
    looks = [look_at(planted(9))] * 3
    assert result_of(decide(ImportSettings(), SIDE, looks)) == (ImportSettings(fit="crop or pad"), "")
    for settled in (ImportSettings(fit="resample"), ImportSettings(fit="crop or pad"), ImportSettings(field=20)):
        assert result_of(decide(settled, SIZE, looks)) == (settled, "")


def test_a_decision_that_could_not_be_measured_is_told() -> None:
    empty = [look_at(RANDOM.normal(size=(1, SIDE, SIDE))) for _ in range(4)]
    settings, sentence = result_of(decide(ImportSettings(), SIZE, empty))
    assert settings.fit == "crop or pad"
    assert "is not known, since only 0 of 4 sampled ones" in sentence


@pytest.mark.parametrize(("sigma", "fit"), [(4, "crop or pad"), (12, "resample")])
def test_the_decision_is_in_the_preview_the_report_and_the_dataset(sigma: float, fit: str, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(6):
        fits.writeto(folder / f"{number}.fits", planted(sigma)[0])
    settings = ImportSettings(size=SIZE)
    seen = result_of(preview([folder], settings, None))
    report = result_of(run([folder], tmp_path / "d.h5", settings))
    verb = "resampled as a whole" if fit == "resample" else "cropped or padded about their centre"
    assert verb in seen.notes[0]
    assert seen.notes[0] in report.notes
    with Cutouts.open(tmp_path / "d.h5") as cutouts:
        assert cutouts.recipe is not None
        assert (cutouts.recipe.settings.fit, cutouts.recipe.settings.size) == (fit, SIZE)
        assert f'fit = "{fit}"' in cutouts.origin.settings
        assert np.array_equal(cutouts.images[:], np.stack(seen.stamps))


def test_files_of_the_usual_size_lose_nothing(tmp_path: Path) -> None:
    for number in range(3):
        fits.writeto(tmp_path / f"{number}.fits", planted(12)[0])
    report = result_of(run([tmp_path], tmp_path / "d.h5"))
    assert not any("resampled" in note or "cropped" in note for note in report.notes)

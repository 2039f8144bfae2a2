"""Zero points of imported images: from their headers, as given, and of resampled stamps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.errors import SettingsProblem
from core.events import result_of

HST = {"BUNIT": "ELECTRONS/S", "PHOTFLAM": 1.9106045e-20, "PHOTPLAM": 15369.172}


def write(folder: Path, *headers: dict[str, Any]) -> Path:
    folder.mkdir()
    random = np.random.default_rng(3)
    for number, header in enumerate(headers):
        unit = fits.PrimaryHDU(random.normal(size=(16, 16)).astype(np.float32))
        unit.header.update(header)
        unit.writeto(folder / f"galaxy{number}.fits")
    return folder


def imported(folder: Path, **settings: Any) -> tuple[float | None, str, ImportSettings | None]:
    report = result_of(importing.run(folder, folder.parent / "made.h5", ImportSettings(**settings)))
    with Cutouts.open(folder.parent / "made.h5") as cutouts:
        recipe = None if cutouts.recipe is None else cutouts.recipe.settings
        return cutouts.bands[0].zero_point, " ".join(report.notes), recipe


@pytest.mark.parametrize(
    ("header", "zero_point"),
    [
        (HST, 25.956),
        ({**HST, "BUNIT": "ELECTRONS"}, None),
        ({"BUNIT": "nanomaggy"}, 22.5),
        ({"BUNIT": "mJy"}, 16.4),
        ({"BUNIT": "MJy/sr", "PIXAR_SR": 2.29e-14}, 28.0),
        ({"FLUXMAG0": 63095734448.0194}, 27.0),
        ({"MAGZERO": 30.0}, 30.0),
        ({"MAGZERO": 0.0}, None),
        ({"MAGZP": "unknown"}, None),
        ({}, None),
    ],
)
def test_headers_tell_what_one_unit_of_the_pixels_is_worth(tmp_path: Path, header: dict[str, Any], zero_point) -> None:
    found, notes, _ = imported(write(tmp_path / "cutouts", header, header))
    assert found == (None if zero_point is None else pytest.approx(zero_point, abs=2e-3))
    assert ("from the headers" in notes) == (zero_point is not None)


def test_one_that_is_given_counts_for_these_files_only_and_a_contradiction_is_said(tmp_path: Path) -> None:
    folder = write(tmp_path / "cutouts", {}, {"MAGZERO": 30.0})
    assert imported(folder)[0] is None
    found, notes, recipe = imported(folder, zero_point="25.94")
    assert found == 25.94 and "was given: 25.94 mag" in notes
    assert "headers say otherwise than the zero point that was given: 30" in notes
    assert recipe is not None and recipe.zero_point == ()
    with pytest.raises(SettingsProblem, match="2 zero points for 1 band"):
        imported(folder, zero_point=(25, 26))
    with pytest.raises(ValueError, match="“bright” is no zero point"):
        ImportSettings(zero_point="bright")


def test_resampled_stamps_have_larger_pixels_and_files_that_differ_have_none(tmp_path: Path) -> None:
    folder = write(tmp_path / "cutouts", {"MAGZERO": 30.0}, {"MAGZERO": 30.0})
    found, _, _ = imported(folder, size=8, field=16)
    assert found == pytest.approx(30 - 5 * np.log10(2), abs=1e-4)
    found, notes, _ = imported(write(tmp_path / "others", {"MAGZERO": 30.0}, {"MAGZERO": 31.0}))
    assert found is None and "not the same for all stamps, 30 to 31 mag" in notes
    found, notes, _ = imported(write(tmp_path / "some", {"MAGZERO": 30.0}, {}))
    assert found is None and "1 file of 2 says none" in notes

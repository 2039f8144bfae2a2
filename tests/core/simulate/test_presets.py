import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from core.errors import NotPossible
from core.settings import toml
from core.simulate import presets
from core.simulate.settings import SimulationSettings

FILES = [file for file in (resources.files("resources") / "presets").iterdir() if file.name.endswith(".toml")]


def numbers(values: dict[str, Any], prefix: str = "") -> set[str]:
    """Dotted names of all numbers."""
    found: set[str] = set()
    for name, value in values.items():
        if isinstance(value, dict):
            found |= numbers(value, f"{prefix}{name}.")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found.add(f"{prefix}{name}")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_number_of_a_preset_has_a_source(file: Any):
    content = tomllib.loads(file.read_text("utf-8"))
    name = content["name"]
    stated = {key: value for key, value in content.items() if key != "sources"}
    assert numbers(stated) == set(presets.preset_sources(name))
    assert all(len(source) > 10 for source in presets.preset_sources(name).values())
    needed = {f"instrument.{key}" for key in ("pixel_scale", "zero_point", "exposure", "exposures", "sky", "gain")}
    assert needed | {"instrument.read_noise", "psf.fwhm"} <= numbers(stated)


def test_there_is_a_preset_for_every_survey_and_the_course_is_the_default():
    names = presets.preset_names()
    asked = {"HST/WFC3 F160W", "HST/ACS F814W", "SDSS r", "DES r", "DES i", "HSC i", "Rubin/LSST i", "Euclid VIS"}
    assert asked | {"JWST/NIRCam F200W"} <= set(names)
    assert names[0] == presets.DEFAULT
    assert presets.load_preset(presets.DEFAULT) == SimulationSettings()
    assert len(
        {(settings.instrument.name, settings.instrument.band) for settings in map(presets.load_preset, names)}
    ) == len(names)


def test_a_preset_is_found_whatever_its_case_and_a_wrong_name_is_answered_with_the_right_ones():
    assert presets.load_preset("sdss R") == presets.load_preset("SDSS r")
    with pytest.raises(NotPossible, match="Euclid VIS"):
        presets.load_preset("Euclid NISP")


def test_the_files_that_settings_name_are_looked_for_beside_them(tmp_path: Path):
    (tmp_path / "sky").mkdir()
    (tmp_path / "psf.fits").write_bytes(b"")
    (tmp_path / "mags.csv").write_bytes(b"")
    text = '[noise]\nkind = "real sky"\nsky = "sky"\n[psf]\nkind = "image"\npath = "psf.fits"\n'
    text += '[galaxies.magnitude]\nkind = "column"\ntable = "mags.csv"\ncolumn = "m"\n'
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
    settings = toml.load(SimulationSettings, tmp_path / "settings.toml")
    assert settings.noise.sky == str(tmp_path / "sky")
    assert settings.psf.path == str(tmp_path / "psf.fits")
    assert settings.galaxies.magnitude.table == str(tmp_path / "mags.csv")


def test_stamps_are_in_the_unit_that_is_asked_for():
    sdss = presets.load_preset("SDSS r")
    assert sdss.stored_zero_point == 22.5
    assert SimulationSettings().stored_zero_point == SimulationSettings().instrument.zero_point
    assert sdss.band_names == ("r",)

"""``tuningfork simulate`` and the settings that it begins with."""

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from core.cli.main import main, parser
from core.cli.setting_options import resolve_settings
from core.data.cutouts import Cutouts
from core.settings import toml
from core.simulate import presets
from core.simulate.settings import SimulationSettings


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_presets_are_listed_and_each_is_printed_as_a_file_of_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("settings", "presets") == 0
    listed = capsys.readouterr().out
    for name in presets.preset_names():
        assert f"\n{name}  " in f"\n{listed}"
    for name in (presets.preset_names()[1], presets.preset_names()[2].upper()):
        assert run("settings", name) == 0
        file = tmp_path / "settings.toml"
        file.write_text(capsys.readouterr().out, encoding="utf-8")
        assert toml.load(SimulationSettings, file) == presets.load_preset(name)
    assert run("settings", "simulate") == 0
    assert toml.loads(SimulationSettings, capsys.readouterr().out) == SimulationSettings()


def test_a_settings_file_changes_what_it_names_of_the_preset_and_options_change_both(tmp_path: Path) -> None:
    name = "SDSS r"
    file = tmp_path / "mine.toml"
    file.write_text("count = 7\nsize = 32\nseed = 3\n[psf]\nfwhm = 2.5\n[galaxies.magnitude]\nlow = 15.0\n")
    given = ["simulate", "--preset", name, "--settings", str(file), "--set", "size=48", "-n", "9", "-o", "a.h5"]
    options = parser().parse_args(given)
    settings = resolve_settings(SimulationSettings, options, presets.load_preset(name), count=options.count)
    preset = presets.load_preset(name)
    assert (settings.count, settings.size, settings.seed) == (9, 48, 3)
    assert settings.instrument == preset.instrument
    assert settings.psf == preset.psf.model_copy(update={"fwhm": 2.5})
    assert settings.galaxies.magnitude == preset.galaxies.magnitude.model_copy(update={"low": 15.0})
    assert settings.galaxies.bulge_index == preset.galaxies.bulge_index


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("-o new.h5 --preset Hubble", "There is no preset “Hubble”."),
        ("-o new.h5 --preset=", "There is no preset “”."),
        ("-o psf.fits", "This is a FITS image"),
        ("-o psf.fits --force --set psf.kind=image --set psf.path=psf.fits", "This is an input"),
        ("-o link.h5 --force --set psf.kind=image --set psf.path=psf.fits", "This is an input"),
        ("-o new.h5 --workers 0", "at least one process"),
        ("-o new.h5 -n 0", "count"),
        ("-o . ", "is a folder"),
    ],
)
def test_what_cannot_be_simulated_or_would_be_lost_is_refused(
    arguments: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fits.writeto("psf.fits", np.ones((5, 5), np.float32))
    Path("link.h5").symlink_to("psf.fits")
    before = Path("psf.fits").read_bytes()
    assert run("simulate", "-n", "5", *arguments.split(), "--quiet") == 1
    assert said in capsys.readouterr().err
    assert Path("psf.fits").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.h5", "psf.fits"]


@pytest.mark.slow
def test_it_says_what_it_has_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", "--preset", "DES i", "-n", 20, "-o", tmp_path / "a.h5", "--quiet") == 0
    said = capsys.readouterr().out
    zero_point = presets.load_preset("DES i").stored_zero_point
    assert "20 galaxies of 64 × 64 pixels of 0.263 arcsec" in said
    assert f"has the magnitude {zero_point:g}" in said
    assert "To be learned: magnitude, half_light_radius" in said
    assert run("simulate", "--preset", "DES i", "-n", 20, "-o", tmp_path / "b.h5", "--quiet", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["galaxies"], values["zero_point"], values["pixel_scale"]) == (20, zero_point, 0.263)
    with Cutouts.open(tmp_path / "a.h5") as one, Cutouts.open(tmp_path / "b.h5") as other:
        assert one.has_all_of(other)

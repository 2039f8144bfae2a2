"""``tuningfork fit``: from a dataset to a table of radii with error bars."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from astropy.table import Table
from galaxies import write_dataset

from core.cli.main import main
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.project.runs import RunFolder
from core.simulate.profiles import Profiles
from core.simulate.psf import build_psf
from core.simulate.psf_settings import PsfSettings
from core.simulate.renderer import render


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two galaxies in noise of 1, and a stamp without one; 0.4 arcsec/pixel."""
    shape = (np.array([3.0, 4.0]), np.array([1.0, 2.0]), np.array([0.5, 0.8]), np.array([0.3, 1.2]))
    profiles = Profiles(np.arange(2), np.array([2e4, 4e4]), *shape, np.zeros(2), np.zeros(2))
    clean = render(profiles, build_psf(PsfSettings(kind="gaussian", fwhm=1.0), 0.4), 3, 40).numpy()
    images = (clean + np.random.default_rng(1).normal(0, 1, clean.shape)).astype(np.float32)[:, None]
    return write_dataset(tmp_path / "galaxies.h5", images, {"width": np.ones(3)}, ["width"], bands=("r",))


def test_a_table_has_values_with_errors_units_and_the_environment(data: Path, tmp_path: Path, capsys) -> None:
    table = tmp_path / "fits.xml"
    assert main(["fit", str(data), "-o", str(table), "--psf", "gaussian:1.0", "--zero-point", "25"]) == 0
    found = Table.read(table)
    assert str(found["half_light_radius"].unit) == "arcsec" and str(found["magnitude_error"].unit) == "mag"
    radius, error = found["half_light_radius"][:2], found["half_light_radius_error"][:2]
    assert np.abs((radius - [1.2, 1.6]) / error).max() < 4
    assert list(found["environment"]) == ["isolated", "isolated", ""]
    assert found["fit"][2] == "no galaxy at the centre"
    assert not found["half_light_radius"][2] > 0  # empty in a VOTable
    said = capsys.readouterr().out
    assert "2 of 3 galaxies were fitted" in said and "no galaxy at the centre" in said


def test_a_missing_or_odd_point_spread_function_is_refused(data: Path, tmp_path: Path, capsys) -> None:
    for given in ([], ["--psf", "moffat:wide"], ["--psf", "nowhere.fits"]):
        assert main(["fit", str(data), "-o", str(tmp_path / "fits.csv"), *given]) == 1
        assert "moffat:1.1" in capsys.readouterr().err
    assert main(["fit", str(data), "-o", str(tmp_path / "fits.csv"), "--preset", ""]) == 1
    assert "There is no preset “”" in capsys.readouterr().err
    assert not (tmp_path / "fits.csv").exists()


def test_an_instrument_gives_zero_point_and_point_spread_function(data: Path, tmp_path: Path, capsys) -> None:
    table = tmp_path / "fits.csv"
    assert main(["fit", str(data), "-o", str(table), "--preset", "SDSS r"]) == 0
    found = Table.read(table)
    assert 10 < found["magnitude"][0] < 15  # 22.5 of a nanomaggy
    said = capsys.readouterr().err
    assert "no zero point: magnitudes are for that of the preset, 22.5" in said
    assert "arcsec/pixel" not in said, "0.4 is 0.396, nearly"


def test_a_preset_of_other_pixels_and_a_poor_fit_are_told_of(data: Path, tmp_path: Path, capsys) -> None:
    table = tmp_path / "fits.csv"
    assert main(["fit", str(data), "-o", str(table), "--preset", "HSC i", "--set", "noise=0.1"]) == 0
    out, err = capsys.readouterr()
    assert "The preset has 0.168 arcsec/pixel, and these galaxies 0.4" in err
    assert "the column “fit” says what is wrong" in out
    assert all("poor fit" in each for each in Table.read(table)["fit"][:2])


@pytest.mark.slow
def test_a_simulated_dataset_knows_its_own_point_spread_function(tmp_path: Path, capsys) -> None:
    data, table = tmp_path / "simulated.h5", tmp_path / "fits.fits"
    assert main(["simulate", "-n", "3", "-o", str(data), "--set", "size=48", "--workers", "1"]) == 0
    assert main(["fit", str(data), "-o", str(table)]) == 0
    said = capsys.readouterr().err
    assert "PSF, photon noise and zero point are those of the simulation" in said
    found = Table.read(table)
    assert "magnitude" in found.colnames and "airy" in found.meta["PSF"]


def test_only_some_galaxies_of_the_test_part_are_fitted_if_so_wished(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "golden" / "measured", tmp_path / "project")
    data, run = tmp_path / "project" / "datasets" / "measured.h5", next((tmp_path / "project" / "runs").iterdir())
    options = ["fit", str(data), "--psf", "gaussian:0.15", "--test-part-of", str(run)]
    with Cutouts.open(data) as cutouts:
        test = {cutouts.ids[row] for row in splits.load(RunFolder(run).split_file, cutouts.ids).test}
    assert main([*options, "-o", str(tmp_path / "all.csv")]) == 0
    assert set(Table.read(tmp_path / "all.csv")["id"]) == test
    assert main([*options, "-o", str(tmp_path / "few.csv"), "-n", "3"]) == 0
    few = Table.read(tmp_path / "few.csv")
    assert len(few) == 3 and set(few["id"]) < test
    assert main([*options, "-o", str(tmp_path / "none.csv"), "-n", "0"]) == 1


def test_a_test_part_of_other_galaxies_is_refused(data: Path, tmp_path: Path, capsys) -> None:
    golden = Path(__file__).parents[2] / "golden" / "measured" / "runs"
    options = ["--psf", "gaussian:1", "--test-part-of", str(next(golden.iterdir()))]
    assert main(["fit", str(data), "-o", str(tmp_path / "fits.csv"), *options]) == 1
    assert "This split was drawn for another dataset" in capsys.readouterr().err


@pytest.mark.parametrize("way", [["--preset", "KiDS r"], ["--psf", "gaussian:1", "--zero-point", "25"]])
def test_one_zero_point_is_refused_where_pixels_are_of_several_sizes(
    data: Path, tmp_path: Path, capsys, way: list[str]
) -> None:
    with h5py.File(data, "r+") as file:
        file["pixel_scale"][:] = [0.4, 0.4, 0.5]
    assert main(["fit", str(data), "-o", str(tmp_path / "fits.csv"), *way]) == 1
    assert "one zero point cannot be that of all" in capsys.readouterr().err

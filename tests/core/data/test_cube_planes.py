"""Cubes whose planes may be bands or galaxies: it is said how they were read, and both can be had."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from astropy.io import fits

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.preview import preview
from core.data.settings import ImportSettings
from core.events import result_of

BANDS = ("Y", "g", "i", "r", "z")


@pytest.fixture
def folder(tmp_path):
    """46 galaxies in five files, one for each band, each a cube of 46 planes, as surveys hand out stacks of cutouts."""
    there = tmp_path / "stack"
    there.mkdir()
    for place, band in enumerate(BANDS):
        planes = np.arange(46)[:, None, None] + 100 * place + np.linspace(0, 1, 12) + np.zeros((46, 12, 12))
        fits.writeto(there / f"{band}.fits", planes.astype(np.float32))
    return there


def told(folder, **settings):
    seen = result_of(preview([folder], ImportSettings(**settings), None, threading.Event()))
    report = result_of(importing.run([folder], folder.parent / "made.h5", ImportSettings(**settings)))
    return seen, report, folder.parent / "made.h5"


def test_files_called_after_bands_with_many_planes_are_never_taken_for_galaxies_in_silence(folder):
    seen, report, _ = told(folder)
    for notes in (seen.notes, report.notes):
        note = next(note for note in notes if "46 planes" in note)
        assert "taken as the bands of one galaxy" in note
        assert "5 files are called after bands (Y, g, i, r, z)" in note
        assert "--hdu planes" in note


def test_each_plane_can_be_a_galaxy_and_each_file_a_band(folder):
    seen, report, made = told(folder, hdu="planes")
    assert seen.count == report.imported == 46
    assert seen.bands == ("g", "r", "i", "z", "Y")
    assert any("Each plane of a cube is taken as a galaxy" in note for note in report.notes)
    with Cutouts.open(made) as cutouts:
        assert cutouts.shape == (46, 5, 12, 12)
        assert cutouts.ids[6] == "stack_07"
        assert cutouts.images[6][:, 0, 0].tolist() == [106, 306, 206, 406, 6]


def test_a_single_cube_can_be_many_galaxies_with_a_catalogue(folder, tmp_path):
    catalogue = tmp_path / "labels.csv"
    rows = "\n".join(f"g_{number:02d},{'spiral' if number % 2 else 'elliptical'}" for number in range(1, 47))
    catalogue.write_text("id,shape\n" + rows)
    settings = ImportSettings(hdu="planes", labels=("shape",))
    report = result_of(importing.run([folder / "g.fits"], tmp_path / "one.h5", settings, catalogue))
    assert report.imported == 46
    with Cutouts.open(tmp_path / "one.h5") as cutouts:
        assert cutouts.catalogue["shape"][2] == "spiral"
        assert not report.without_label


def test_a_usual_cube_says_how_its_planes_were_read_and_one_that_names_them_says_nothing(tmp_path):
    for name, header in {"plain": {}, "named": {"BANDS": "gri"}, "waves": {"CTYPE3": "WAVE"}}.items():
        path = tmp_path / f"{name}_1.fits"
        fits.writeto(path, np.arange(432.0).reshape(3, 12, 12).astype(np.float32), fits.Header(header))
        report = result_of(importing.run([path], tmp_path / "made.h5", ImportSettings()))
        assert any("3 planes" in note for note in report.notes) == (name == "plain")


def test_cubes_of_different_length_are_reported_by_their_names(folder):
    fits.writeto(folder / "z.fits", np.arange(6480.0).reshape(45, 12, 12), overwrite=True)
    with pytest.raises(Exception, match="45 × 12 × 12"):
        told(folder, hdu="planes")

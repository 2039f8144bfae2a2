"""One galaxy with an odd id or odd pixels is one line more or less; the others get their maps."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from galaxies import write_dataset

from core.cli.main import main
from core.data.cutouts import Cutouts

ODD = ("\x1b[31m../N\nS", "x" * 300, "a b", "a_b")


@pytest.fixture
def odd(survey_dataset: Path, tmp_path: Path) -> Path:
    """Galaxies with odd ids, and one whose pixels are no numbers."""
    with Cutouts.open(survey_dataset) as cutouts:
        images = cutouts.images[: len(ODD) + 1]
    images[-1] = np.nan
    return write_dataset(tmp_path / "odd.h5", images, {}, [], "r", ids=[*ODD, "bad"])


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_every_map_has_a_file_of_its_own_which_the_table_names(
    survey_run: Path, odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "maps"
    assert run("explain", survey_run, odd, "-o", out, "--method", "grad-cam") == 1, "one could not be explained"
    said = capsys.readouterr()
    assert "bad" in said.err
    assert f"{len(ODD)} maps" in said.out
    with (out / "grad-cam.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["id"] for line in lines] == list(ODD)
    files = [line[kind] for line in lines for kind in ("fits", "png")]
    assert len(set(files)) == 2 * len(ODD)
    assert {path.name for path in out.iterdir()} == {*files, "grad-cam.csv"}


@pytest.mark.slow
def test_a_galaxy_without_finite_responses_is_left_out_of_the_strongest(
    survey_run: Path, survey_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copy(survey_dataset, tmp_path / "other.h5"))
    with h5py.File(other, "r+") as file:
        file["images"][3] = np.nan
    with Cutouts.open(other) as cutouts:
        bad = cutouts.ids[3]
    assert run("top", survey_run, other, "-o", tmp_path / "top", "--layer", "activation2") == 1
    said = capsys.readouterr()
    assert bad in said.err
    assert "89 galaxies" in said.out
    assert bad not in next((tmp_path / "top").glob("*.csv")).read_text()

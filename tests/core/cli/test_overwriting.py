"""A command never writes over what it reads, nor over a file of another kind unless it is told to."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from core.cli.main import main, parser
from core.cli.overwriting import GALAXIES, SETTINGS
from core.data.cutouts import Cutouts

_GOLDEN = Path(__file__).parents[2] / "golden" / "decision"
_SIDE = 24


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with galaxies, a catalogue under several names, a dataset and a run."""
    draw = np.random.default_rng(0)
    for name in ("a", "b", "last"):
        fits.PrimaryHDU(draw.normal(size=(_SIDE, _SIDE)).astype(np.float32)).writeto(tmp_path / f"{name}.fits")
    (tmp_path / "c.csv").write_text("id,shape\na,round\nb,edge-on\nlast,round\n")
    (tmp_path / "linked.csv").symlink_to("c.csv")
    os.link(tmp_path / "c.csv", tmp_path / "twin.csv")
    Image.fromarray(np.zeros((_SIDE, _SIDE), np.uint8)).save(tmp_path / "plate.h5", format="png")
    for name in ("d.h5", "d.csv"):
        shutil.copyfile(_GOLDEN / "datasets" / "survey.h5", tmp_path / name)
    shutil.copytree(next((_GOLDEN / "runs").iterdir()), tmp_path / "r")
    (tmp_path / "mine.toml").write_text("")
    (tmp_path / "thesis.txt").write_text("Galaxies are large.\n")
    for ending, kind in (("fits", "fits"), ("xml", "votable"), ("parquet", "parquet")):
        Table({"id": ["a"], "shape": ["round"]}).write(tmp_path / f"t.{ending}", format=kind)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("import a.fits b.fits --catalogue c.csv -o c.csv", "-o c.csv: This is an input"),
        ("import a.fits b.fits --catalogue c.csv -o linked.csv --force", "is an input"),
        ("import a.fits b.fits --catalogue c.csv -o ../{here}/twin.csv", "is an input"),
        ("import a.fits --catalogue c.csv -o n.h5 --report c.csv --force", "is an input"),
        ("import a.fits b.fits last.fits -o last.fits --force", "is an input"),
        ("import . -o last.fits --force", "is an input"),
        ("import d.h5 -o d.h5 --force", "is an input"),
        ("import a.fits -o n.h5 --report N.h5", "would be written twice"),
        ("import a.fits -o .", "is a folder, and a file is to be written"),
        ("import a.fits -o c.csv/n.h5", "is a file, and no folder"),
        ("import a.fits -o b.fits", "-o b.fits: This is a FITS image, and a dataset of Tuning Fork would replace it"),
        ("import a.fits -o plate.h5", "This is a PNG picture"),
        ("import a.fits -o n.h5 --report r/history.csv", "is a part of the run “r”"),
        ("predict r d.h5 -o d.h5", "is an input"),
        ("predict r d.csv -o d.csv --force", "is an input"),
        ("predict r d.h5 -o d.csv", "This is a dataset of Tuning Fork, and a table of text would replace it"),
        ("predict r d.h5 -o r/split.csv --force", "is a part of the run “r”"),
        ("predict r a.fits b.fits -o b.fits", "is an input"),
        ("believe r d.h5 -o r/best.safetensors", "is a part of the run “r”"),
        ("rate d.h5 -o d.h5 --force", "is an input"),
        ("rate d.h5 --settings mine.toml -o mine.toml --force", "is an input"),
        ("explain r d.h5 --method occlusion -o c.csv", "is a file, and a folder is to be written"),
        ("import a.fits -o n.h5 --report c.csv", "--report c.csv: This is a table of text, and not one of Tuning Fork"),
        ("import a.fits -o n.h5 --report thesis.txt", "and not one of Tuning Fork"),
        ("predict r d.h5 -o c.csv", "and not one of Tuning Fork"),
        ("predict r d.h5 -o t.fits", "This is a FITS table, and not one of Tuning Fork"),
        ("predict r d.h5 -o t.xml", "This is a VOTable, and not one of Tuning Fork"),
        ("predict r d.h5 -o t.parquet", "This is a Parquet table, and not one of Tuning Fork"),
        ("believe r d.h5 -o c.csv", "and not one of Tuning Fork"),
        ("train d.h5 -o d.h5", "is an input"),
        ("train d.h5 -o r", "holds a run already"),
        ("search d.h5 -o c.csv", "is a file, and a folder is to be written"),
        ("demo -o c.csv", "is a file, and a folder is to be written"),
    ],
)
def test_nothing_is_lost(command: str, said: str, place: Path, capsys: pytest.CaptureFixture[str]):
    before = contents(place)
    assert run(*command.format(here=place.name).split()) == 1
    told = capsys.readouterr().err.splitlines()
    assert said in told[-1]
    assert contents(place) == before


def test_a_map_is_not_written_over_a_galaxy_that_is_read(place: Path):
    command = ("explain", "r", "a.fits", "--method", "grad-cam", "--output-name", "disk", "-o", "maps")
    assert run(*command) == 0
    (made,) = (place / "maps").glob("*.fits")
    before = contents(place)
    assert run(*command[:3], made, *command[3:]) == 1
    assert contents(place) == before
    assert run(*command) == 0


def test_the_other_galaxies_are_explained_where_the_map_of_one_would_replace_an_input(place: Path):
    first = place / "a_grad-cam_disk.fits"
    shutil.copyfile(place / "a.fits", first)
    before = contents(place)
    command = ("explain", "r", ".", "--id", "a", "b", "--method", "grad-cam", "--output-name", "disk", "-o", ".")
    assert run(*command) == 1
    assert before.items() <= contents(place).items()
    assert (place / "b_grad-cam_disk.fits").exists()


def _first_id(place: Path) -> str:
    with Cutouts.open(place / "d.h5") as cutouts:
        return cutouts.ids[0]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("explain r d.h5 --id {id} --method grad-cam --output-name disk -o e", marks=pytest.mark.slow),
        pytest.param(
            "explain r d.h5 --id {id} --method occlusion --film --set patch=12 --set stride=12 --output-name disk -o e",
            marks=pytest.mark.slow,
        ),
        pytest.param("explain r d.h5 --method dream --output-name disk --set steps=2 -o e", marks=pytest.mark.slow),
        "top r d.h5 --layer activation1 --number 1 -o e",
        pytest.param("top r d.h5 --layer activation1 --number 1 --format svg -o e", marks=pytest.mark.slow),
        pytest.param("top r d.h5 --layer activation1 --number 1 --format pdf -o e", marks=pytest.mark.slow),
    ],
    ids=["map", "film", "dream", "top", "svg", "pdf"],
)
def test_another_file_in_a_folder_of_outputs_is_replaced_only_by_force(command: str, place: Path):
    words = command.format(id=_first_id(place)).split()
    assert run(*words) == run(*words) == 0, "its own earlier outputs are replaced"
    mine = {".csv": place / "c.csv", ".fits": place / "a.fits", ".png": place / "plate.h5"}
    texts = {".gif": b"GIF89a mine", ".svg": b"<svg>mine</svg>", ".pdf": b"%PDF-1.4 mine"}
    made = sorted((place / "e").iterdir())
    assert len(made) > 1
    for path in made:
        written = path.read_bytes()
        path.write_bytes(texts.get(path.suffix) or mine[path.suffix].read_bytes())
        before = path.read_bytes()
        assert run(*words) == 1
        assert path.read_bytes() == before, path.name
        assert run(*words, "--force") == 0
        assert path.read_bytes()[:8] == written[:8], path.name


def test_nothing_is_explained_where_the_table_of_maps_would_replace_another(
    place: Path, capsys: pytest.CaptureFixture[str]
):
    (place / "e").mkdir()
    shutil.copyfile(place / "c.csv", place / "e" / "grad-cam.csv")
    before = contents(place)
    assert run("explain", "r", "d.h5", "--method", "grad-cam", "-o", "e") == 1
    assert "grad-cam.csv: This is a table of text, and not one of Tuning Fork" in capsys.readouterr().err
    assert contents(place) == before


def test_ones_own_earlier_output_is_replaced_and_another_file_by_force(place: Path):
    command = ("import", "a.fits", "b.fits", "--catalogue", "c.csv", "-o", "n.h5", "--report", "report.csv")
    assert run(*command) == run(*command) == 0
    assert run("import", ".", "--catalogue", "c.csv", "--id", "id", "--set", "size=24", "-o", "n.h5") == 0
    (place / "old.h5").write_bytes((place / "plate.h5").read_bytes())
    assert run("import", "a.fits", "-o", "old.h5") == 1
    assert run("import", "a.fits", "-o", "old.h5", "--force") == 0


@pytest.mark.parametrize("ending", ["csv", "fits", "xml", "parquet"])
def test_an_earlier_table_of_predictions_is_replaced(ending: str, place: Path):
    command = ("predict", "r", "d.h5", "-o", f"predicted.{ending}")
    assert run(*command) == run(*command) == 0


def _commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def test_every_path_of_every_command_is_known_as_read_or_written():
    for name, command in _commands():
        writes = set(command.get_default("writes") or ())
        paths = {action.dest for action in command._actions if action.type is Path}
        assert paths - writes <= {*GALAXIES, *SETTINGS, "folder", "project", "package"}, name
        assert "output" not in paths or "output" in writes, name
        assert not writes & {*GALAXIES, *SETTINGS}, name

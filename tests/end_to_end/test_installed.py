"""What an installed program could lack: libraries imported by name, processes of its own, data files, a window.

With ``-m slow`` the program of this folder is tested; ``TUNINGFORK=… pytest -m installed`` tests an installed one.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import INSTALLED, PROGRAM, environment, program

from core.errors import FolderInUse
from core.project.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.installed, pytest.mark.timeout(900)]

FEW = ["optimiser.epochs=2", "optimiser.repeats=1", "device=cpu"]
SMALL = ["network.depth=2", "network.channels=8"]


def options(*changes: str) -> list[str]:
    return [word for change in changes for word in ("--set", change)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, survey_dataset: Path) -> Path:
    """A folder with a trained run."""
    folder = tmp_path_factory.mktemp("place")
    program("train", survey_dataset, "-o", "run", "--seed", 1, *options(*FEW, *SMALL, "tensorboard=true"), cwd=folder)
    return folder


def test_a_training_writes_what_tensorboard_shows(place: Path):
    assert list((place / "run" / "tensorboard").rglob("events.out.tfevents.*"))


def first_galaxy(place: Path) -> str:
    with (place / "run" / "split.csv").open(encoding="utf-8", newline="") as file:
        return next(csv.DictReader(line for line in file if not line.startswith("#")))["id"]


def torchvision_fits_torch() -> bool:
    """Whether torchvision can be imported where the tests run, the environment of which the program is frozen."""
    probe = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, check=False)
    return probe.returncode == 0


def test_a_backbone_is_trained(place: Path, survey_dataset: Path):
    command = [*PROGRAM, "train", str(survey_dataset), "-o", "resnet", *options(*FEW, "network.backbone=resnet18")]
    done = subprocess.run(
        command, cwd=place, env=environment(), capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode and "torchvision::nms" in done.stderr and not torchvision_fits_torch():
        pytest.skip(f"torchvision and torch are of different builds, here as in the program: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert (place / "resnet" / "best.safetensors").stat().st_size > 10_000_000


@pytest.mark.parametrize("ending", ["csv", "fits", "xml", "parquet", "h5"])
def test_predictions_are_written_in_every_format(place: Path, survey_dataset: Path, ending: str):
    program("predict", "run", survey_dataset, "-o", f"table.{ending}", cwd=place)
    heads = {"csv": b"id", "fits": b"SIMPLE", "xml": b"<?xml", "parquet": b"PAR1", "h5": b"\x89HDF"}
    assert (place / f"table.{ending}").read_bytes().startswith(heads[ending])


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_figures_are_drawn_in_every_format(place: Path, kind: str):
    program("evaluate", "run", "--figures", f"charts-{kind}", "--format", kind, cwd=place)
    heads = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    pictures = list((place / f"charts-{kind}").glob(f"*.{kind}"))
    assert pictures
    assert all(picture.read_bytes().startswith(heads[kind]) for picture in pictures)


def test_a_network_is_handed_on(place: Path):
    done = program("export", "run", "-o", "for others", cwd=place)
    assert "gives the network's answers" in done.stderr
    names = {path.suffix for path in (place / "for others").iterdir()}
    assert {".onnx", ".py", ".md", ".bib", ".safetensors"} <= names
    program("report", "run", "-o", "report.html", cwd=place)
    assert "data:image/" in (place / "report.html").read_text("utf-8")


@pytest.mark.parametrize("method", ["occlusion", "integrated-gradients", "grad-cam", "guided-backprop"])
def test_maps_are_made(place: Path, survey_dataset: Path, method: str):
    galaxy = first_galaxy(place)
    program("explain", "run", survey_dataset, "--id", galaxy, "--method", method, "-o", method, cwd=place)
    assert {path.suffix for path in (place / method).iterdir()} >= {".png", ".fits"}


def test_a_search_is_done_by_two_processes(place: Path, survey_dataset: Path):
    few = ["--coarse", 3, "--fine", 0, "--workers", 2, "--knob", "optimiser.learning_rate=1e-3:1e-1"]
    program("search", survey_dataset, "-o", "search", *few, *options(*FEW, *SMALL), cwd=place)
    with (place / "search" / "trials.csv").open(encoding="utf-8", newline="") as file:
        assert [trial["state"] for trial in csv.DictReader(file)] == ["finished"] * 3


def test_galaxies_are_simulated_by_two_processes_and_fitted(place: Path):
    program("simulate", "--preset", "KiDS r", "-n", 40, "--workers", 2, "-o", "made.h5", cwd=place)
    program("fit", "made.h5", "-o", "fits.csv", "--psf", "moffat:0.7", cwd=place)
    with (place / "fits.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 40


def test_it_starts_from_a_network_that_came_along(place: Path, survey_dataset: Path):
    begin = ["--start-from", "base:simulated-classes", *options(*FEW)]
    program("train", survey_dataset, "-o", "tuned", *begin, cwd=place)
    assert json.loads((place / "tuned" / "metrics.json").read_text("utf-8"))["baseline"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows names that folder otherwise")
def test_no_temporary_file_is_left(place: Path, survey_dataset: Path, tmp_path: Path):
    command = [*PROGRAM, "similar", "run", str(survey_dataset), "--to", first_galaxy(place), "-n", "3"]
    subprocess.run(command, cwd=place, env=environment(TMPDIR=str(tmp_path)), check=True, capture_output=True)
    assert not list(tmp_path.iterdir())


def test_the_window_opens_a_project_and_holds_it(tmp_path: Path):
    Project.create(tmp_path / "mine", "mine").close()
    command = [*PROGRAM, "--no-reopen", str(tmp_path / "mine" / "project.toml")]
    with subprocess.Popen(command, env=environment(QT_QPA_PLATFORM="offscreen"), cwd=tmp_path) as window:
        end = time.monotonic() + 120
        while not is_held(tmp_path / "mine") and window.poll() is None and time.monotonic() < end:
            time.sleep(0.2)
        held = is_held(tmp_path / "mine")
        window.terminate()
    assert held


def is_held(folder: Path) -> bool:
    try:
        Project.open(folder).close()
    except FolderInUse:
        return True
    return False


@pytest.mark.skipif(not INSTALLED, reason="no program is named: TUNINGFORK=/opt/tuning-fork/tuningfork")
def test_it_brings_the_licences_of_what_came_along():
    names = {path.name for path in (Path(INSTALLED).resolve().parent / "licences").iterdir()}
    assert {"LICENSE", "torch", "numpy", "astropy"} <= names

"""Every command makes raw files into the stamps of the training: its output is that of the dataset made of them."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.io import fits
from small_survey import Survey

from core.cli.main import main
from core.data import importing
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.data.target import Classes
from core.events import result_of
from core.nets import cnn, normalisation
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings

COUNT = 4
COMMANDS: dict[str, tuple[str, ...]] = {
    "predict": ("predict", "RUN", "SOURCE", "-o", "OUT/predict.csv"),
    "maps": ("explain", "RUN", "SOURCE", "--method", "integrated-gradients", "--set", "steps=4", "-o", "OUT"),
    "dreams": ("explain", "RUN", "SOURCE", "--method", "dream", "--set", "steps=3", "-o", "OUT"),
    "deep dreams": ("explain", "RUN", "SOURCE", "--method", "deep-dream", "--set", "steps=2", "-o", "OUT"),
    "top": ("top", "RUN", "SOURCE", "--layer", "activation1", "--number", "1", "-o", "OUT"),
    "believe": ("believe", "RUN", "SOURCE", "-o", "OUT/believe.csv", "--split", "all", "--set", "deletion.steps=4"),
}


@dataclass(frozen=True)
class Case:
    folder: Path
    dataset: Path
    run: Path


@pytest.fixture(scope="module")
def case(survey: Survey, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Files of 24 pixels, the dataset made of them with 12 pixels, and a network with random weights for that."""
    place = tmp_path_factory.mktemp("raw stamps")
    (place / "files").mkdir()
    for name in survey.ids[:COUNT]:
        shutil.copy(survey.folder / f"{name}.fits", place / "files")
    dataset = place / "small.h5"
    result_of(importing.run([place / "files"], dataset, ImportSettings(size=12, fit="resample", fill="zero")))
    plan = NetworkSettings(depth=1, channels=4, dense=0, dropout=0)
    with Cutouts.open(dataset) as cutouts:
        shape = cutouts.shape[1:]
        network = cnn.build(plan, shape, 2, torch.Generator().manual_seed(1)).eval().requires_grad_(requires_grad=False)
        bands, scale = tuple(band.name for band in cutouts.bands), cutouts.median_pixel_scale
        scaling = normalisation.fit(cutouts.images[:], "standard")
        predictor = Predictor(network, scaling, Classes("kind", ("a", "b")), bands, shape, scale, stamps=cutouts.recipe)
    run = RunFolder.create(place / "run")
    predictor.save(run.best)
    run.settings_file.write_text(toml.dumps(RunSettings(network=plan)), encoding="utf-8")
    return Case(place / "files", dataset, run.path)


def written(folder: Path) -> dict[str, object]:
    """Rows of tables without the order in which files were read, and arrays of images, by file name."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".csv":
            with path.open() as file:
                found[path.name] = sorted(tuple(row) for row in csv.reader(file))
        elif path.suffix == ".fits":
            with fits.open(path) as file:
                found[path.name] = [np.asarray(unit.data).tobytes() for unit in file if unit.data is not None]
    return found


@pytest.mark.parametrize(
    "command",
    [pytest.param(name, marks=pytest.mark.slow if "dreams" in name else ()) for name in COMMANDS],
)
def test_every_command_sees_files_as_the_network_did(
    command: str, case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for source, out in ((case.dataset, tmp_path / "a"), (case.folder, tmp_path / "b")):
        out.mkdir()
        words = {"RUN": str(case.run), "SOURCE": str(source)}
        assert main([words.get(word, word.replace("OUT", str(out))) for word in COMMANDS[command]]) == 0
        found.append(written(out))
    assert found[0] and found[0] == found[1]
    said = capsys.readouterr().err
    assert "each file as a whole (of 24 px in training), resampled to 12 px" in said
    assert command == "predict" or said.count("weights: ") == 2, "which epoch is explained"

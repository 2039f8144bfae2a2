"""Small real data: a folder of FITS cutouts with a catalogue, the dataset made of it, a network trained on that."""

from __future__ import annotations

import csv
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from galaxies import ellipse

if TYPE_CHECKING:
    from core.project.labels import LabelJournal
    from core.project.runs import RunFolder

SIDE = 24
CLASSES = ("disk", "edge-on", "spheroid")


@dataclass(frozen=True)
class Survey:
    """Cutouts as an astronomer has them on disk.

    ``folder`` holds one FITS file a galaxy, named by an 18-digit id; ``catalogue`` is a CSV table with the columns
    ``objid``, ``shape`` and ``width`` [pixels].
    """

    folder: Path
    catalogue: Path
    ids: tuple[str, ...]
    shapes: tuple[str, ...]


def draw(kind: str, width: float, angle: float, random: np.random.Generator) -> np.ndarray:
    """One galaxy as float32 (SIDE, SIDE): a spheroid is round and steep, a disk round and wide, edge-on is thin."""
    axes = {"spheroid": (0.5 * width, 0.5 * width), "disk": (width, 0.9 * width), "edge-on": (width, 0.25 * width)}
    galaxy = 40 * ellipse(SIDE, *axes[kind], angle)
    return (galaxy + random.normal(100, 2, (SIDE, SIDE))).astype(np.float32)


def write_survey(folder: Path, count: int = 90, seed: int = 1) -> Survey:
    """Write ``count`` cutouts and their catalogue."""
    from astropy.io import fits

    random = np.random.default_rng(seed)
    cutouts = folder / "cutouts"
    cutouts.mkdir(parents=True)
    ids, shapes, widths = [], [], []
    for number in range(count):
        kind, width = CLASSES[number % len(CLASSES)], random.uniform(3.5, 5.5)
        name = str(587722981742084100 + 1000 * seed + number)  # beyond what a float can tell apart
        header = fits.Header()
        header["CRPIX1"] = header["CRPIX2"] = (SIDE + 1) / 2
        header["CRVAL1"], header["CRVAL2"] = 150 + 0.01 * number, 2.0
        header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
        header["CDELT1"], header["CDELT2"] = -0.4 / 3600, 0.4 / 3600
        header["FILTER"] = "r"
        fits.writeto(cutouts / f"{name}.fits", draw(kind, width, random.uniform(0, np.pi), random), header)
        ids.append(name)
        shapes.append(kind)
        widths.append(round(width, 3))
    catalogue = folder / "galaxies.csv"
    with catalogue.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("objid", "shape", "width"))
        table.writerows(zip(ids, shapes, widths, strict=True))
    return Survey(cutouts, catalogue, tuple(ids), tuple(shapes))


@pytest.fixture(scope="session")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """90 cutouts of three classes and their catalogue; to be read only."""
    return write_survey(tmp_path_factory.mktemp("survey"))


@pytest.fixture
def own_survey(survey: Survey, tmp_path: Path) -> Survey:
    """A copy of the survey that a test may damage."""
    folder = tmp_path / "own survey"
    shutil.copytree(survey.folder.parent, folder)
    return Survey(folder / survey.folder.name, folder / survey.catalogue.name, survey.ids, survey.shapes)


@pytest.fixture(scope="session")
def survey_dataset(survey: Survey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset made of the survey."""
    from core.data import importing
    from core.data.settings import ImportSettings
    from core.events import result_of

    path = tmp_path_factory.mktemp("datasets") / "survey.h5"
    settings = ImportSettings(catalogue_id="objid", labels=("shape",))
    result_of(importing.run([survey.folder], path, settings, survey.catalogue, threading.Event()))
    return path


@pytest.fixture(scope="session")
def survey_run(survey_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a little network that has learned the survey; to be read only."""
    from core.events import result_of
    from core.project.runs import RunFolder
    from core.train import loop
    from core.train.settings import RunSettings

    settings = RunSettings.model_validate(
        {
            "network": {"depth": 2, "channels": 8, "dense": 8, "dropout": 0},
            "optimiser": {"epochs": 6, "batch_size": 16, "learning_rate": 0.01},
            "device": "cpu",
        }
    )
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "first")
    result_of(loop.run(settings, survey_dataset, folder, threading.Event()))
    return folder.path


def label_wrongly(run: RunFolder, data: Path, journal: LabelJournal) -> LabelJournal:
    """Give wrong labels to some validation galaxies, so that no network is right on all of them."""
    from core.data import split as splits
    from core.data.cutouts import Cutouts

    with Cutouts.open(data) as cutouts:
        shapes = [str(shape) for shape in cutouts.catalogue["shape"]]
        for row in splits.load(run.split_file, cutouts.ids).validation[::6].tolist():
            wrong = "disk" if shapes[row] != "disk" else "spheroid"
            journal.record(cutouts.ids[row], "shape", shapes[row], wrong)
    return journal

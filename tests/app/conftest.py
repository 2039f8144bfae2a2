"""A small real dataset, a project with it, and a network that was trained on it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from galaxies import ellipse, write_dataset

from app.jobs.job import Job
from app.session.session import Session
from core.events import result_of
from core.project.project import Project
from core.train import loop
from core.train.settings import RunSettings

SIDE = 24


def small_settings(**optimiser: object) -> RunSettings:
    """A network that learns in a second."""
    return RunSettings.model_validate(
        {
            "network": {"depth": 2, "channels": 6, "dense": 8, "dropout": 0.0},
            "optimiser": {"epochs": 3, "batch_size": 16, "learning_rate": 0.01} | optimiser,
            "device": "cpu",
            "precision": "float32",
        }
    )


def write_galaxies(path: Path, count: int = 120, seed: int = 0, edge_on: float = 0.3) -> Path:
    """Round and edge-on Gaussian galaxies with a little noise; the label and the axis ratio are known."""
    draw = np.random.default_rng(seed)
    names = np.where(np.arange(count) % 2 == 0, "round", "edge-on")
    ratio = np.where(names == "round", 0.95, edge_on) + draw.uniform(-0.04, 0.04, count)
    angle = draw.uniform(0, np.pi, count)
    images = np.empty((count, 1, SIDE, SIDE), np.float32)
    for row in range(count):
        images[row, 0] = ellipse(SIDE, 4, 4 * ratio[row], angle[row])
    images += draw.normal(0, 0.03, images.shape).astype(np.float32)
    ids = [f"G{seed}-{row:04d}" for row in range(count)]
    return write_dataset(path, images, {"shape": names, "axis_ratio": ratio}, ["shape"], "r", ids=ids)


@pytest.fixture(scope="session")
def galaxies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 round and edge-on galaxies."""
    return write_galaxies(tmp_path_factory.mktemp("data") / "galaxies.h5")


@pytest.fixture(scope="session")
def trained(galaxies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one finished run, as a folder to copy or to open."""
    folder = tmp_path_factory.mktemp("projects") / "trained"
    project = Project.create(folder, "trained")
    try:
        run = project.new_run("first")
        result_of(loop.run(small_settings(), galaxies, run, threading.Event()))
    finally:
        project.close()
    return folder


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles of the jobs that were begun, in order."""
    titles: list[str] = []
    start = Job.start

    def noted(job: Job) -> None:
        if job.state == "waiting":
            titles.append(job.title)
        start(job)

    monkeypatch.setattr(Job, "start", noted)
    return titles


@pytest.fixture
def session(galaxies: Path, tmp_path: Path) -> Iterator[Session]:
    """An empty project with the dataset open."""
    opened = Session()
    opened.open_project(tmp_path / "project")
    opened.open_cutouts(galaxies)
    opened.draft.replace(small_settings())
    opened.set_current(0)
    yield opened
    opened.close()


@pytest.fixture
def session_with_run(trained: Path, galaxies: Path, tmp_path: Path) -> Iterator[Session]:
    """A copy of the project with one run, its dataset open and its run looked at."""
    shutil.copytree(trained, tmp_path / "copy")
    opened = Session()
    opened.open_project(tmp_path / "copy")
    opened.open_cutouts(galaxies)
    assert opened.project is not None
    opened.open_run(opened.project.runs()[0])
    yield opened
    opened.close()


@pytest.fixture
def sky_session(qapp: object, survey_dataset: Path, tmp_path: Path) -> Iterator[Session]:
    """Galaxies that know where they are on the sky."""
    opened = Session()
    opened.open_project(tmp_path / "project")
    opened.open_cutouts(survey_dataset)
    yield opened
    opened.close()

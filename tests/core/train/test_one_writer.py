"""One program at a time writes a run: a second one, a renamed folder or another dataset stops it before any harm."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from galaxies import write_dataset

from core.errors import DatasetReplaced, FolderInUse, FolderMoved
from core.events import EpochEnded, Preview, result_of
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.project.project import Project
from core.project.runs import RunFolder
from core.studies import search, training_size
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.train import loop, resuming
from core.train.settings import OptimiserSettings, RunSettings, StoppingSettings

SETTINGS = RunSettings(
    network=NetworkSettings(depth=1, channels=4, dense=4),
    optimiser=OptimiserSettings(batch_size=32, epochs=3, decay="constant"),
    stopping=StoppingSettings(patience=0, snapshots=0),
    device="cpu",
)


@pytest.fixture
def images():
    return np.random.default_rng(1).normal(size=(60, 1, 12, 12)).astype(np.float32)


@pytest.fixture
def data(images, tmp_path) -> Path:
    return write(tmp_path / "survey.h5", images)


def write(path: Path, images: np.ndarray) -> Path:
    return write_dataset(path, images, {"kind": np.array(["a", "b", "c"] * 20)}, ["kind"], ["r"])


def begin(work):
    """Run a training until its first epoch has ended."""
    while not isinstance(next(work), EpochEnded):
        pass
    return work


def losses(run: RunFolder) -> list[float]:
    return [row["loss"] for row in read_history(run.history_file)]


def test_a_second_training_into_the_same_folder_is_refused_and_the_first_is_whole(data, new_run):
    run, alone = new_run(), new_run("alone")
    first = begin(loop.run(SETTINGS, data, run))
    for second in (loop.run(SETTINGS, data, run), resuming.run(run)):
        with pytest.raises(FolderInUse, match="This run is being written by"):
            result_of(second)
    result_of(first)
    result_of(loop.run(SETTINGS, data, alone))
    assert losses(run) == losses(alone)
    with pytest.raises(FolderInUse, match="holds a run already"):
        result_of(loop.run(SETTINGS, data, run))
    assert not list(run.path.rglob(".*"))


def test_a_training_that_is_given_up_frees_its_folder_and_goes_on(data, new_run):
    run = new_run()
    begin(loop.run(SETTINGS, data, run)).close()
    assert result_of(resuming.run(run)).epochs == 3


def test_only_what_is_ours_is_removed_when_a_run_goes_on(data, new_run):
    run = new_run()
    begin(loop.run(SETTINGS, data, run)).close()
    (run.path / ".git").mkdir()
    kept = [run.path / ".git" / "config", run.path / ".notes", run.path / "last" / ".nfs0001"]
    for file in kept:
        file.write_text("mine")
    result_of(resuming.run(run))
    assert [file.read_text() for file in kept] == ["mine"] * 3


@pytest.mark.parametrize("kind", ["size", "search"])
def test_all_runs_of_a_study_are_of_one_dataset(data, images, tmp_path, kind):
    if kind == "size":
        sizes = TrainingSizeSettings(sizes=("50%", "100%"), seeds=1, least_steps=1)
        work = training_size.run(SETTINGS, data, tmp_path / "study", sizes)
    else:
        work = search.run(SETTINGS, data, tmp_path / "study", SearchSettings(coarse=3, coarse_epochs=1, fine=0))
    while not isinstance(next(work), Preview):
        pass
    write(data, images[::-1])
    with pytest.raises(DatasetReplaced):
        result_of(work)


def test_a_study_is_run_by_one_program_at_a_time(data, tmp_path):
    folder = RunFolder(tmp_path / "study")
    begun = training_size.run(SETTINGS, data, folder.path, TrainingSizeSettings(sizes=("100%",), seeds=1))
    next(begun)
    refused = [
        training_size.run(SETTINGS, data, folder.path, TrainingSizeSettings(sizes=("100%",), seeds=1)),
        search.run(SETTINGS, data, folder.path, SearchSettings(coarse=1, fine=0)),
    ]
    for other in refused:
        with pytest.raises(FolderInUse, match="This study is being written by"):
            result_of(other)
    begun.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no folder with open files")
def test_a_training_in_a_project_that_is_renamed_stops_and_goes_on_at_its_new_place(images, tmp_path):
    project = Project.create(tmp_path / "here", "here")
    data = write(project.dataset_path("survey"), images)
    work = begin(loop.run(SETTINGS, data, project.new_run("first")))
    project.folder.rename(tmp_path / "there")
    with pytest.raises(FolderMoved):
        result_of(work)
    assert not (tmp_path / "here").exists()
    project.follow()
    assert result_of(resuming.run(project.runs()[0])).epochs == 3
    project.close()


def test_a_training_stops_when_its_dataset_is_replaced_and_goes_on_with_the_earlier_one(data, images, new_run):
    run = new_run()
    before = data.read_bytes()
    work = begin(loop.run(SETTINGS, data, run))
    write(data, images[::-1])
    with pytest.raises(DatasetReplaced, match="survey"):
        result_of(work)
    assert len(losses(run)) == 1
    data.write_bytes(before)
    assert result_of(resuming.run(run)).epochs == 3

"""The verbs: jobs that are not started yet, that import what is heavy on their own thread, and that can be stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app import work
from app.data import work as data_work
from app.evaluate import work as evaluate_work
from app.explain import map_work
from app.explain.map_work import MapRequest
from app.jobs.job import Job
from app.session.session import Session
from app.shell import work as shell_work
from app.train import work as train_work
from core.data.cutouts import Cutouts
from core.data.stretch import StretchSettings
from core.data.target import Quantities
from core.errors import DatasetReplaced, Problem, WouldReplaceForeignFile
from core.explain.settings import OcclusionSettings
from core.nets.settings import NetworkSettings
from core.project.project import Project
from core.project.runs import RunFolder
from core.train.settings import AugmentationSettings, RunSettings

ROOT = Path(__file__).parents[2]


def result(qtbot: QtBot, job: Job) -> Any:
    """Run a job to its end."""
    assert job.state == "waiting"
    with qtbot.waitSignal(job.ended, timeout=60_000):
        found: list[Any] = []
        job.finished.connect(found.append)
        job.failed.connect(found.append)
        job.start()
    job.deleteLater()
    assert found, "it was stopped"
    return found[0]


def test_making_a_job_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
application = QCoreApplication([])
from app.data import work as data
from app.explain import map_work, network_work
from app.shell import work as shell
from app.studies import work as studies
from app.train import work as train
from core.nets.settings import NetworkSettings
from core.project.project import Project
from core.train.settings import RunSettings
jobs = [shell.warm_up(), shell.make_demonstration(), shell.find_device()]
jobs += [train.build_layer_table(NetworkSettings(), (1, 32, 32), None, error_bars=False)]
project = Project.create(Path(sys.argv[1]), "project")
jobs += [data.read_coordinates(Path("a.h5"), 0), shell.open_dataset(Path("a.h5"), project, RunSettings())]
print([name for name in ("torch", "astropy", "galsim", "h5py", "sklearn", "scipy") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "new"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_layers_of_a_network_are_told(qtbot: QtBot) -> None:
    network, shape = NetworkSettings(depth=2, channels=8), (1, 32, 32)
    rows = result(qtbot, train_work.build_layer_table(network, shape, None, error_bars=True))
    assert rows[-1].shape == (3,), "as for three classes, as long as nothing to learn is chosen"
    sizes = Quantities(("radius", "axis_ratio"), ("arcsec", ""))
    for error_bars, outputs in ((False, 2), (True, 4)):
        rows = result(qtbot, train_work.build_layer_table(network, shape, sizes, error_bars=error_bars))
        assert rows[-1].shape == (outputs,)


def test_one_galaxy_is_varied_sixteen_times(qtbot: QtBot) -> None:
    stamp = np.random.default_rng(0).normal(size=(2, 24, 24)).astype(np.float32)
    assert result(qtbot, train_work.augment_stamp(stamp, AugmentationSettings(), 1)).shape == (16, 2, 24, 24)


def test_the_device_is_told_in_words(qtbot: QtBot) -> None:
    assert result(qtbot, shell_work.find_device())


def test_predictions_judgement_and_maps_come_from_the_same_run(
    qtbot: QtBot, survey_run: Path, survey_dataset: Path, tmp_path: Path
) -> None:
    run = RunFolder(Path(shutil.copytree(survey_run, tmp_path / "run")))
    rows = np.arange(5)
    predictions = result(qtbot, work.predict(run.best, survey_dataset, rows))
    assert predictions.scores.shape == (5, 3)
    settings = OcclusionSettings(patch=8, stride=8)
    question = MapRequest(run.best, survey_dataset, predictions.names[0], "occlusion", settings)
    explanation = result(qtbot, map_work.explain(question, 2))
    with Cutouts.open(survey_dataset) as cutouts:
        assert explanation.galaxy_id == cutouts.ids[2]
    assert explanation.map.shape == (24, 24)
    assert result(qtbot, map_work.save_map(explanation, survey_dataset, 2, tmp_path / "map.svg")).exists()
    (tmp_path / "occlusion.csv").write_text("id,ra\nmine,1\n")
    refused = result(qtbot, map_work.save_maps(question, [2], tmp_path))
    assert isinstance(refused, WouldReplaceForeignFile)
    assert "--force" not in str(refused), "the window has no such option"
    assert (tmp_path / "occlusion.csv").read_text() == "id,ra\nmine,1\n"
    for _again in range(2):
        assert result(qtbot, map_work.save_maps(question, [2], tmp_path / "maps")) == 1
    assert result(qtbot, evaluate_work.evaluate(run, survey_dataset, "validation", None)) is not None


def test_what_cannot_be_opened_ends_as_a_problem(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("no")
    with contextlib.closing(Project.create(tmp_path / "project", "project")) as project:
        problem = result(qtbot, shell_work.open_dataset(tmp_path / "a.h5", project, RunSettings()))
    assert isinstance(problem, Problem)
    assert problem.sentence


def test_a_request_that_is_stopped_before_it_began_does_nothing(qtbot: QtBot, survey_dataset: Path) -> None:
    job = data_work.read_coordinates(survey_dataset, 0)
    with qtbot.waitSignal(job.stopped):
        job.stop()
    job.deleteLater()


def test_coordinates_are_those_of_the_galaxy(qtbot: QtBot, survey_dataset: Path) -> None:
    position = result(qtbot, data_work.read_coordinates(survey_dataset, 3))
    with Cutouts.open(survey_dataset) as cutouts:
        wcs = cutouts.wcs(3)
    assert wcs is not None
    assert position(4.0, 7.0) == pytest.approx([float(value) for value in wcs.wcs_pix2world(4.0, 7.0, 0)])


def test_thumbnails_are_drawn_for_the_rows_that_are_asked_for(survey_dataset: Path) -> None:
    thumbnails = data_work.Thumbnails(survey_dataset, StretchSettings(), None, side=32)
    both = thumbnails(np.array([5, 1]))
    assert both.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(both[1], thumbnails(np.array([1]))[0])
    thumbnails.close()
    thumbnails.close()


def replace_file(path: Path, other: bytes) -> None:
    """Rename another dataset to the path, as an import does."""
    path.with_name("new").write_bytes(other)
    path.with_name("new").replace(path)


def overwrite_in_place(path: Path, other: bytes) -> None:
    """Copy another dataset over the file, as ``cp`` does."""
    path.write_bytes(other)


@pytest.fixture
def opened(survey_dataset: Path, tmp_path: Path) -> Iterator[Session]:
    """A window's session on a copy of the survey, which has pinned it."""
    session = Session()
    session.open_cutouts(Path(shutil.copy2(survey_dataset, tmp_path / "survey.h5")))
    yield session
    session.close()


@pytest.mark.parametrize("spoil", [replace_file, overwrite_in_place])
def test_thumbnails_and_trainings_of_a_dataset_that_was_replaced_are_refused(
    qtbot: QtBot, opened: Session, tmp_path: Path, spoil: Callable[[Path, bytes], None]
) -> None:
    path = tmp_path / "survey.h5"
    whole = path.read_bytes()
    with Cutouts.open(path) as cutouts:
        pixels = cutouts.images[5]
    assert whole.count(pixels.tobytes()) == 1
    drawn, fresh = (data_work.Thumbnails(path, StretchSettings(), None, side=32) for _ in range(2))
    before = drawn(np.array([5]))
    os.utime(path, (0, 0))
    np.testing.assert_array_equal(drawn(np.array([5])), before, "what was only touched holds the same galaxies")
    spoil(path, whole.replace(pixels.tobytes(), pixels[:, ::-1].tobytes()))
    with pytest.raises(DatasetReplaced, match="no longer the dataset that was opened"):
        fresh(np.array([5]))
    if spoil is overwrite_in_place:  # else its file is the earlier one
        with pytest.raises(DatasetReplaced):
            drawn(np.array([5]))
    else:
        np.testing.assert_array_equal(drawn(np.array([5])), before)
    run = RunFolder(tmp_path / "run")
    problem = result(qtbot, train_work.train(RunSettings(device="cpu"), path, run, None))
    assert isinstance(problem, DatasetReplaced)
    assert not run.best.exists()
    opened.open_cutouts(path)  # what is there now, though the earlier file is still open
    assert opened.dataset.cutouts is not None
    np.testing.assert_array_equal(opened.dataset.cutouts.images[5], pixels[:, ::-1])
    drawn.close()
    fresh.close()

"""A transfer matrix of two tiny surveys: networks of each, judged on each, as they are and with a few labels."""

import csv
import shutil
import threading

import numpy as np
import pytest
from matplotlib.image import imread

from core.errors import FolderInUse, SettingsProblem
from core.events import result_of
from core.studies import matrix, study_folders
from core.studies.transfer_settings import MatrixSettings

pytestmark = pytest.mark.slow  # eight trainings


@pytest.fixture(scope="module")
def other(draw, write, tmp_path_factory):
    images, kinds, _ = draw(150, seed=7)
    images = images + np.random.default_rng(1).normal(0, 2, images.shape).astype(np.float32)
    names = np.array(["Disks", "edge_on", "points"])
    return write(tmp_path_factory.mktemp("other") / "other.h5", images, names[kinds])


@pytest.fixture(scope="module")
def study(tiny, other):
    return MatrixSettings(surveys=(str(tiny), str(other)), labels=("0", "12"), seeds=1)


@pytest.fixture(scope="module")
def quick(small):
    return small.model_copy(update={"optimiser": small.optimiser.model_copy(update={"repeats": 1})})


@pytest.fixture(scope="module")
def done(quick, study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "matrix"
    return folder, result_of(matrix.run(quick, folder, study, threading.Event()))


def test_each_network_is_judged_on_each_survey_as_it_is_and_after_a_tuning(done):
    folder, result = done
    with (folder / "study.csv").open() as file:
        rows = {(row["strategy"], row["start"], row["survey"], row["labels"]) for row in csv.DictReader(file)}
    as_is = {("as is", a, b, "0") for a in ("tiny", "other") for b in ("tiny", "other")}
    tuned = {("all", "tiny", "other", "12"), ("all", "other", "tiny", "12")}
    scratch = {("scratch", "", name, "12") for name in ("tiny", "other")}
    assert rows == as_is | tuned | scratch
    assert result.missing == 0
    assert imread(folder / "study.png").ndim == 3


def test_the_grid_has_its_own_surveys_on_the_diagonal_and_nothing_where_nothing_was_tuned(done):
    without, few = done[1].grids
    assert without.rows == without.columns == ("tiny", "other")
    assert np.isfinite(without.means).all()
    assert few.rows == ("tiny", "other", "from scratch")
    assert np.isnan(few.means).tolist() == [[True, False], [False, True], [False, False]]
    told = " ".join(done[1].sentences)
    assert "With 12 labels of tiny (all layers)" in told


def test_a_matrix_is_opened_as_it_ended_and_keeps_its_runs(done, quick, study, tmp_path):
    assert study_folders.kind_of(done[0]) == "matrix"
    found = matrix.open_study(done[0])
    assert found.sentences == done[1].sentences
    folder = shutil.copytree(done[0], tmp_path / "matrix")
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("best.safetensors")}
    result_of(matrix.run(quick, folder, study, threading.Event()))
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert (folder / "study.csv").read_text() == (done[0] / "study.csv").read_text()


def test_a_matrix_needs_two_surveys_and_stays_with_them(done, quick, study, tiny, tmp_path):
    with pytest.raises(SettingsProblem, match="two surveys"):
        result_of(matrix.run(quick, tmp_path / "matrix", MatrixSettings(surveys=(str(tiny),))))
    with pytest.raises(FolderInUse, match="Surveys"):
        changed = study.model_copy(update={"surveys": (*study.surveys[::-1],)})
        result_of(matrix.run(quick, done[0], changed))


def test_the_test_parts_are_judged_where_that_is_asked_for(done, quick, study, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "matrix")
    result = result_of(matrix.run(quick, folder, study.model_copy(update={"judge_test": True}), threading.Event()))
    assert result.on_test.judged.part == "test"
    assert {point.key for point in result.on_test.points} == {point.key for point in result.points}

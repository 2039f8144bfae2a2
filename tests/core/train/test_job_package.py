"""A training as one file: it is run elsewhere as it would have been at home, and its results come back."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from small_survey import CLASSES

from core.cli import main as command_line
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, Problem
from core.events import BatchEnded, Skipped, result_of
from core.project.labels import LabelJournal
from core.project.packages import read_contents
from core.project.project import Project
from core.project.runs import RunFolder
from core.project.unpacking import unpack
from core.settings import toml
from core.train import job_package, loop, resuming
from core.train.settings import RunSettings

SETTINGS = {
    "data": {"labels": ["shape"]},
    "network": {"depth": 2, "channels": 6},
    "optimiser": {"epochs": 2},
    "device": "cpu",
}


@pytest.fixture
def home(survey_dataset: Path, tmp_path: Path) -> Path:
    """A project with the survey, and one galaxy labelled by hand."""
    project = Project.create(tmp_path / "home", "at home")
    shutil.copy(survey_dataset, project.dataset_path("survey"))
    with Cutouts.open(survey_dataset) as cutouts:
        label = next(name for name in CLASSES if name != cutouts.catalogue["shape"][0])
        project.labels(project.dataset_path("survey")).record(str(cutouts.ids[0]), "shape", "", label)
    project.close()
    return project.folder


def settings_of(**changed: object) -> RunSettings:
    """Of a short training."""
    return RunSettings.model_validate(SETTINGS | changed)


def test_a_job_holds_what_the_training_needs(home: Path, tmp_path: Path):
    data, package = home / "datasets" / "survey.h5", tmp_path / "deep.zip"
    (home / "splits").mkdir()
    (home / "splits" / "survey.csv").write_text("# seed = 1\n# rule = by name\nid,part\n")
    result_of(job_package.pack(settings_of(seed=7), data, package, title="deep"))
    contents = result_of(unpack(package, tmp_path / "there", kinds=("job",)))
    names = {"project.toml", "job.toml", "job.json", "datasets/survey.h5", "labels/survey.jsonl", "splits/survey.csv"}
    assert {each.name for each in contents.files} == names
    assert toml.load(RunSettings, tmp_path / "there" / "job.toml") == settings_of(seed=7)
    for name in ("labels/survey.jsonl", "splits/survey.csv", "datasets/survey.h5"):
        assert (tmp_path / "there" / name).read_bytes() == (home / name).read_bytes()


@pytest.mark.slow
def test_a_job_trains_elsewhere_as_at_home_and_its_run_comes_back(home: Path, tmp_path: Path):
    data, package = home / "datasets" / "survey.h5", tmp_path / "away" / "deep.zip"
    result_of(job_package.pack(settings_of(), data, package, title="deep"))
    shutil.move(home, tmp_path / "hidden")  # nothing of it is needed
    done = result_of(job_package.run(package))
    shutil.move(tmp_path / "hidden", home)
    assert done.package == tmp_path / "away" / "deep results.zip"
    project = Project.open(home)
    at_home = project.new_run("deep")
    result_of(loop.run(settings_of(), data, at_home, hand_labels=project.labels(data)))
    project.close()
    came = result_of(job_package.collect(done.package, home))
    assert came.path.parent == home / "runs" and came.title == "deep"
    assert came.find_data() == data.resolve()
    assert came.split_file.read_bytes() == at_home.split_file.read_bytes()
    ours, theirs = (LabelJournal(run.labels_file).replay() for run in (at_home, came))
    assert ours == theirs and len(ours) == 1
    ours, theirs = (json.loads(run.metrics_file.read_text())["validation"] for run in (at_home, came))
    assert ours == theirs
    assert str(tmp_path) not in "".join(path.read_text() for path in came.path.glob("*.toml"))


@pytest.mark.slow
def test_results_are_taken_in_once(home: Path, tmp_path: Path):
    package = tmp_path / "job.zip"
    result_of(job_package.pack(settings_of(optimiser={"epochs": 1}), home / "datasets" / "survey.h5", package))
    done = result_of(job_package.run(package))
    first = result_of(job_package.collect(done.package, home))
    assert result_of(resuming.run(first, epochs=2)).epochs == 2
    shutil.move(first.path, tmp_path / "elsewhere")
    first = result_of(job_package.collect(done.package, home))
    with pytest.raises(FolderInUse, match="already"):
        result_of(job_package.collect(done.package, home))
    (first.path / "metrics.json").write_text("{}")  # it was gone on with: the results are another state of it
    second = result_of(job_package.collect(done.package, home))
    assert second.path.name == f"{first.path.name} (2)"


@pytest.mark.slow
def test_a_stopped_job_hands_over_what_it_has_and_goes_on_with_the_same_command(home: Path, tmp_path: Path):
    package, stop = tmp_path / "job.zip", threading.Event()
    result_of(job_package.pack(settings_of(optimiser={"epochs": 3}), home / "datasets" / "survey.h5", package))
    work = job_package.run(package, None, stop)
    for event in work:
        if isinstance(event, BatchEnded) and event.epoch == 2:
            stop.set()
    assert read_contents(tmp_path / "job results.zip").about["reason"] == "stopped"
    done = result_of(job_package.run(package))
    assert (done.result.reason, done.result.epochs) == ("finished", 3)
    assert len(Project.open(tmp_path / "job").runs()) == 1


@pytest.mark.slow
def test_the_network_that_a_job_starts_from_goes_with_it(home: Path, survey_run: Path, tmp_path: Path):
    start = shutil.copytree(survey_run, home / "runs" / "2026-11-27 21.00.00 first")
    settings = settings_of(transfer={"start_from": str(start), "freeze_blocks": 1}, optimiser={"epochs": 1})
    package = tmp_path / "tuned.zip"
    contents = result_of(job_package.pack(settings, home / "datasets" / "survey.h5", package))
    names = {each.name for each in contents.files}
    assert f"runs/{start.name}/best.safetensors" in names and not any("/last/" in name for name in names)
    shutil.move(home, tmp_path / "hidden")
    done = result_of(job_package.run(package))
    shutil.move(tmp_path / "hidden", home)
    came = result_of(job_package.collect(done.package, home))
    found = toml.load(RunSettings, came.settings_file).transfer.start_from
    assert Path(found) == start


def test_a_training_that_is_not_possible_is_not_packed(home: Path, tmp_path: Path):
    settings = settings_of(data={"labels": ["mass"]})
    with pytest.raises(Problem, match="mass"):
        result_of(job_package.pack(settings, home / "datasets" / "survey.h5", tmp_path / "job.zip"))
    assert not (tmp_path / "job.zip").exists()


@pytest.mark.slow
def test_a_job_in_a_folder_of_another_one_is_refused(home: Path, tmp_path: Path):
    data = home / "datasets" / "survey.h5"
    for name in ("one", "other"):
        result_of(job_package.pack(settings_of(optimiser={"epochs": 1}), data, tmp_path / f"{name}.zip"))
    result_of(job_package.run(tmp_path / "one.zip", tmp_path / "place"))
    with pytest.raises(FolderInUse, match="Another job"):
        result_of(job_package.run(tmp_path / "other.zip", tmp_path / "place"))
    with pytest.raises(Problem, match="not a job"):
        result_of(job_package.run(tmp_path / "one results.zip"))


@pytest.mark.slow
def test_results_whose_dataset_is_not_in_the_project_say_so(home: Path, tmp_path: Path):
    package = tmp_path / "job.zip"
    result_of(job_package.pack(settings_of(optimiser={"epochs": 1}), home / "datasets" / "survey.h5", package))
    done = result_of(job_package.run(package))
    Project.create(tmp_path / "bare", "bare").close()
    told = [event for event in job_package.collect(done.package, tmp_path / "bare") if isinstance(event, Skipped)]
    assert len(told) == 1 and "not in the project" in told[0].problem.sentence
    shutil.copy(home / "datasets" / "survey.h5", tmp_path / "bare" / "datasets")
    (run,) = (tmp_path / "bare" / "runs").iterdir()
    assert RunFolder(run).data == tmp_path / "bare" / "datasets" / "survey.h5"


@pytest.mark.slow
def test_the_commands_pack_run_and_collect(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    package = str(tmp_path / "quick.zip")
    packing = ["job", "pack", str(home / "datasets" / "survey.h5"), "-o", package, "--label", "shape"]
    changes = ["--seed", "17", "--set", "network.depth=2", "--set", "optimiser.epochs=1"]
    assert command_line.main([*packing, *changes]) == 0
    assert "tuningfork job run quick.zip" in capsys.readouterr().out
    assert command_line.main(["job", "run", package, "--device", "cpu"]) == 0
    results = str(tmp_path / "quick results.zip")
    assert "quick results.zip" in capsys.readouterr().out
    assert command_line.main(["job", "collect", results, str(home)]) == 0
    assert "quick" in capsys.readouterr().out
    assert command_line.main(["pack", str(home), "-o", str(tmp_path / "all.zip"), "--without-images"]) == 0
    assert "1 dataset (" in capsys.readouterr().out
    assert command_line.main(["unpack", str(tmp_path / "all.zip"), "-o", str(tmp_path / "there")]) == 0
    assert "to be added" in capsys.readouterr().out
    (quick,) = Project.open(tmp_path / "there").runs()
    assert quick.title == "quick" and toml.load(RunSettings, quick.settings_file).seed == 17
    assert command_line.main(["unpack", results, "-o", str(tmp_path / "no")]) == 1
    assert "job collect" in capsys.readouterr().err

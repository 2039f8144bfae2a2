"""A study as one file: it is done elsewhere as it would have been at home, goes on there, and comes back."""

import csv
import json
import shutil
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from core.adapt.suggest.settings import SuggestionStudySettings
from core.cli import main as command_line
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, NotPossible, Problem
from core.events import Progress, Skipped, result_of
from core.project.labels import LabelJournal
from core.project.packages import LIST, read_contents
from core.project.project import Project
from core.project.runs import RunFolder
from core.settings import toml
from core.studies import matrix, search, study_folders, study_package, suggestion_study, training_size, transfer
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.studies.transfer_settings import MatrixSettings, TransferStudySettings
from core.train import loop
from core.train.settings import RunSettings

SIZES = TrainingSizeSettings(sizes=("12", "24"), seeds=1, least_steps=2)


@pytest.fixture
def home(tiny, tmp_path):
    """A project with the survey, and one galaxy labelled by hand."""
    project = Project.create(tmp_path / "home", "at home")
    shutil.copy(tiny, project.dataset_path("tiny"))
    with Cutouts.open(tiny) as cutouts:
        label = next(name for name in ("disk", "point") if name != cutouts.catalogue["kind"][0])
        project.labels(project.dataset_path("tiny")).record(str(cutouts.ids[0]), "kind", "", label)
    project.close()
    return project.folder


@pytest.fixture
def other(draw, write, home):
    images, kinds, _ = draw(150, seed=7)
    return write(home / "datasets" / "other.h5", images, np.array(["disk", "edge-on", "point"])[kinds])


def rows(table):
    with table.open() as file:
        return list(csv.DictReader(file))


def notices(work):
    """The problems that were told, and the result."""
    told = []
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return told, end.value
        told += [event.problem] if isinstance(event, Skipped) else []


def test_a_study_is_done_elsewhere_as_at_home_and_comes_back_and_goes_on(home, small, tmp_path):
    data, package = home / "datasets" / "tiny.h5", tmp_path / "away" / "sizes.zip"
    contents = result_of(study_package.pack("training size", small, SIZES, data, package, title="sizes"))
    names = {"project.toml", "job.toml", "job.json", "study.toml", "datasets/tiny.h5", "labels/tiny.jsonl"}
    assert {each.name for each in contents.files} == names
    shutil.move(home, tmp_path / "hidden")  # nothing of it is needed
    done = result_of(study_package.run(package))
    shutil.move(tmp_path / "hidden", home)
    assert (done.kind, done.missing, done.package.name) == ("training size", 0, "sizes results.zip")
    project = Project.open(home)
    at_home = home / "studies" / "at home"
    labels = project.labels(data)
    result_of(training_size.run(small, data, at_home, SIZES, hand_labels=labels))
    came = result_of(study_package.collect(done.package, home))
    assert came.parent == home / "studies" and study_folders.title_of(came) == "sizes"
    assert rows(came / "study.csv") == rows(at_home / "study.csv")
    ours, theirs = (LabelJournal(folder / "labels.jsonl").replay() for folder in (at_home, came))
    assert ours == theirs and len(ours) == 1
    runs = [RunFolder(path.parent) for path in came.glob("runs/*/data.txt")]
    assert len(runs) == 2 and all(run.find_data() == data.resolve() for run in runs)
    assert str(tmp_path) not in "".join(path.read_text() for path in came.rglob("*.toml"))
    more = SIZES.model_copy(update={"seeds": 2})
    before = {run.path.name: run.best.read_bytes() for run in runs}
    found = result_of(training_size.run(small, data, came, more, hand_labels=labels))
    project.close()
    assert (len(found.points), found.missing) == (4, 0)
    assert all(run.best.read_bytes() == before[run.path.name] for run in runs), "what was done is not repeated"
    shutil.rmtree(came)
    came = result_of(study_package.collect(done.package, home))
    with pytest.raises(FolderInUse, match="already"):
        result_of(study_package.collect(done.package, home))


def test_a_stopped_study_hands_over_what_it_has_and_goes_on_with_the_same_command(home, small, tmp_path):
    package, stop = tmp_path / "sizes.zip", threading.Event()
    result_of(study_package.pack("training size", small, SIZES, home / "datasets" / "tiny.h5", package))
    work = study_package.run(package, None, stop)
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            part = end.value
            break
        if isinstance(event, Progress) and event.unit == "epochs" and event.done > small.optimiser.epochs:
            stop.set()  # in the second run
    assert part.missing == 1 and len(rows(part.folder / "study.csv")) == 1
    assert read_contents(part.package, ("results",)).about["missing"] == "1"
    whole = result_of(study_package.run(package, change=lambda settings: settings.model_copy(update={"seed": 9})))
    assert (whole.folder, whole.missing) == (part.folder, 0)
    assert toml.load(RunSettings, whole.folder / "settings.toml").seed == small.seed, "as it was begun"
    assert len(study_folders.list_studies(tmp_path / "sizes")) == 1


def test_a_dataset_of_another_name_is_found_by_its_galaxies_and_one_that_is_not_there_is_told(home, small, tmp_path):
    data, package = home / "datasets" / "tiny.h5", tmp_path / "sizes.zip"
    once = SIZES.model_copy(update={"sizes": ("12",)})
    result_of(study_package.pack("training size", small, once, data, package))
    done = result_of(study_package.run(package))
    renamed = data.rename(data.with_name("renamed.h5"))
    told, came = notices(study_package.collect(done.package, home))
    run = RunFolder(next(came.glob("runs/*/data.txt")).parent)
    assert not told and run.find_data() == renamed.resolve()
    shutil.rmtree(came)
    renamed.unlink()
    told, came = notices(study_package.collect(done.package, home))
    assert "not in the project" in told[0].sentence and (came / "study.csv").exists()


@pytest.mark.slow
def test_a_matrix_takes_all_its_surveys_along(home, other, small, tmp_path):
    surveys = tuple(str(home / "datasets" / f"{name}.h5") for name in ("tiny", "other"))
    study = MatrixSettings(surveys=surveys, labels=("0", "12"), seeds=1)
    quick = small.model_copy(update={"optimiser": small.optimiser.model_copy(update={"repeats": 1})})
    package = tmp_path / "matrix.zip"
    result_of(study_package.pack("matrix", quick, study, other, package))
    done = result_of(study_package.run(package))
    came = result_of(study_package.collect(done.package, home))
    assert matrix.read_settings(came)[1] == study, "the surveys are those of the project"
    again = result_of(matrix.run(quick, came, study))
    assert again.missing == 0 and rows(came / "study.csv") == rows(done.folder / "study.csv")


@pytest.mark.slow
def test_a_move_takes_its_network_and_its_source_along(home, other, small, tmp_path):
    project = Project.open(home)
    old = project.new_run("old")
    tiny = home / "datasets" / "tiny.h5"
    result_of(loop.run(small, tiny, old, hand_labels=project.labels(tiny)))
    project.close()
    settings = small.model_copy(update={"transfer": small.transfer.model_copy(update={"start_from": str(old.path)})})
    study = TransferStudySettings(labels=("0", "12"), strategies=("as is", "scratch", "head"), seeds=1)
    study = study.model_copy(update={"source": str(tiny), "judge_source": True})
    package = tmp_path / "move.zip"
    contents = result_of(study_package.pack("transfer", settings, study, other, package))
    assert {"datasets/tiny.h5", "datasets/other.h5", "labels/tiny.jsonl"} <= {each.name for each in contents.files}
    shutil.move(home, tmp_path / "hidden")
    done = result_of(study_package.run(package))
    shutil.move(tmp_path / "hidden", home)
    came = result_of(study_package.collect(done.package, home))
    base, own = transfer.read_settings(came)
    assert own.source == str(tiny.resolve()) and old.path.samefile(base.transfer.start_from)
    again = result_of(transfer.run(settings, other, came, study))
    assert again.missing == 0 and rows(came / "study.csv") == rows(done.folder / "study.csv")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "study"),
    [
        ("search", SearchSettings(space=("network.depth=1:2",), coarse=2, fine=1, fine_epochs=2, coarse_epochs=1)),
        ("suggestions", SuggestionStudySettings(methods=("typical",), labels=(12, 18), seeds=1, least_steps=2)),
    ],
)
def test_searches_and_orders_of_labelling_come_back_and_go_on(kind, study, home, small, tmp_path):
    data, package = home / "datasets" / "tiny.h5", tmp_path / "job.zip"
    result_of(study_package.pack(kind, small, study, data, package))
    done = result_of(study_package.run(package))
    came = result_of(study_package.collect(done.package, home))
    project = Project.open(home)
    work = {"search": search.run, "suggestions": suggestion_study.run}[kind]
    table = study_folders.TABLES[kind]
    before = rows(came / table)
    again = result_of(work(small, data, came, study, hand_labels=project.labels(data)))
    project.close()
    assert done.missing == again.missing == 0 and rows(came / table) == before


def test_what_cannot_be_done_there_is_told_here(home, small, tmp_path):
    data = home / "datasets" / "tiny.h5"
    wrong = small.model_copy(update={"data": small.data.model_copy(update={"labels": ("colour",)})})
    with pytest.raises(Problem, match="colour"):
        result_of(study_package.pack("training size", wrong, SIZES, data, tmp_path / "job.zip"))
    twin = shutil.copy(data, tmp_path / "Tiny.h5")
    twins = MatrixSettings(surveys=(str(data), str(twin)), seeds=1)
    with pytest.raises(NotPossible, match="same name"):
        result_of(study_package.pack("matrix", small, twins, data, tmp_path / "job.zip"))
    assert not (tmp_path / "job.zip").exists()


def test_older_programs_refuse_a_study_and_read_a_training(home, small, tmp_path):
    data, package = home / "datasets" / "tiny.h5", tmp_path / "job.zip"
    contents = result_of(study_package.pack("training size", small, SIZES, data, package))
    with zipfile.ZipFile(package) as file:
        assert json.loads(file.read(LIST))["format"] == 2
    training = replace(contents, about={name: value for name, value in contents.about.items() if name != "study"})
    assert json.loads(training.to_json())["format"] == 1


def test_the_commands_pack_run_and_collect(home, tmp_path, capsys):
    data, package = home / "datasets" / "tiny.h5", tmp_path / "sizes.zip"
    quick = ("--set", "network.depth=1", "--set", "network.channels=4", "--set", "optimiser.epochs=1")
    sizes = ("--sizes", "12", "--seeds", "1", "--least-steps", "1")
    assert command_line.main(["study", "training-size", str(data), "-o", str(package), *sizes, *quick]) == 0
    assert "On the other machine: tuningfork job run sizes.zip" in capsys.readouterr().out
    assert command_line.main(["study", "training-size", str(data), "-o", str(package), *sizes, *quick]) == 1
    assert "Choose another name" in capsys.readouterr().err
    assert command_line.main(["job", "run", str(package), "--device", "cpu"]) == 0
    assert "sizes results.zip" in capsys.readouterr().out
    assert command_line.main(["job", "collect", str(tmp_path / "sizes results.zip"), str(home)]) == 0
    (found,) = study_folders.list_studies(home)
    assert (found.kind, found.title, found.progress) == ("training size", "sizes", "1 runs")

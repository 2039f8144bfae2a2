"""Hidden labels are uncovered in the proposed and in random order; nobody touches the galaxies that judge."""

import csv
import math
import threading
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from core.adapt.suggest.settings import SuggestionStudySettings
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, NotPossible, Stopped
from core.events import Preview, Progress, Skipped, result_of
from core.project.runs import RunFolder
from core.studies import suggestion_gain, suggestion_study
from core.studies.suggestion_gain import Point, SuggestionStudy
from core.train import preparation
from core.train.labels import read_labels

FEW = SuggestionStudySettings(methods=("auto",), labels=(12, 30), seeds=1, switch_at=5, least_steps=4)


@pytest.fixture(scope="module")
def settings(small, survey_run):
    """Those of a training that starts from a network."""
    transfer = small.transfer.model_copy(update={"start_from": str(survey_run)})
    optimiser = small.optimiser.model_copy(update={"epochs": 1})
    return small.model_copy(update={"transfer": transfer, "optimiser": optimiser})


@pytest.fixture(scope="module")
def done(settings, survey_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "suggestions"
    work = suggestion_study.run(settings, survey_dataset, folder, FEW, threading.Event())
    events = []
    while True:
        try:
            events.append(next(work))
        except StopIteration as end:
            return folder, events, end.value


@pytest.mark.slow
def test_every_order_has_a_run_for_each_number_of_labels(done):
    folder, events, found = done
    with (folder / "study.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["method"], int(row["labels"])) for row in rows] == [
        ("random", 12), ("random", 30), ("auto", 12), ("auto", 30)
    ]  # fmt: skip
    assert all(0 <= float(row["balanced_accuracy"]) <= 1 for row in rows)
    assert imread(folder / "study.png").ndim == 3
    assert found.missing == 0
    assert sum(isinstance(event, Preview) for event in events) == 4
    progress = [event.done for event in events if isinstance(event, Progress) and event.unit == "epochs"]
    assert progress == sorted(progress)
    again = suggestion_study.open_study(folder)
    assert [point.run for point in again.points] == [point.run for point in found.points]
    assert again.points[0].values == pytest.approx(found.points[0].values, rel=1e-5, nan_ok=True)
    assert RunFolder(folder).is_study


@pytest.mark.slow
def test_the_orders_are_judged_on_the_same_galaxies_that_none_of_them_learns_from(done, survey_dataset):
    folder, _, found = done
    with Cutouts.open(survey_dataset) as cutouts:
        ids = cutouts.ids
    parts = {point.run: splits.load(RunFolder(folder / point.run).split_file, ids) for point in found.points}
    validation = {tuple(split.validation.tolist()) for split in parts.values()}
    test = {tuple(split.test.tolist()) for split in parts.values()}
    assert len(validation) == len(test) == 1
    for point in found.points:
        split = parts[point.run]
        assert len(split.train) == point.labels
        assert not set(split.train.tolist()) & {*split.validation.tolist(), *split.test.tolist()}
    for method in ("random", "auto"):
        few, many = (set(parts[f"runs/{method}-n{count:05d}-seed1"].train.tolist()) for count in (12, 30))
        assert few < many


@pytest.mark.slow
def test_the_first_galaxies_are_those_that_the_first_network_finds_typical(done, settings, survey_dataset):
    from core.adapt.suggest import methods
    from core.nets import features as network_features
    from core.nets.opening import open_network_on_data

    folder, _, _ = done
    with open_network_on_data(settings.transfer.start_from, survey_dataset) as opened:
        labels = read_labels(opened.cutouts, settings.data)
        pool = preparation.split_dataset(opened.cutouts, *labels, settings).train
        features = result_of(network_features.compute(opened.predictor, opened.cutouts, pool))
        ids = opened.cutouts.ids
    expected = methods.choose_typical(methods.standardise(features, 1), np.zeros(len(pool), bool), 12, 1).chosen
    first = splits.load(RunFolder(folder / "runs" / "auto-n00012-seed1").split_file, ids).train
    assert first.tolist() == sorted(pool[expected].tolist())


@pytest.mark.slow
def test_a_finished_study_is_not_done_again_and_takes_a_further_method(done, settings, survey_dataset, tmp_path):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(done[0], folder)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/best.safetensors")}
    more = FEW.model_copy(update={"methods": ("auto", "uncertain")})
    found = result_of(suggestion_study.run(settings, survey_dataset, folder, more, threading.Event()))
    assert found.methods == ("random", "auto", "uncertain")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    with pytest.raises(FolderInUse, match="Typical per class below"):
        result_of(suggestion_study.run(settings, survey_dataset, folder, FEW.model_copy(update={"switch_at": 9})))


@pytest.mark.slow
def test_it_goes_on_where_it_was_stopped_and_comes_to_the_same(done, settings, survey_dataset, tmp_path):
    stop = threading.Event()
    work = suggestion_study.run(settings, survey_dataset, tmp_path / "study", FEW, stop)
    with pytest.raises(StopIteration) as end:
        while True:
            if isinstance(next(work), Preview):
                stop.set()
    assert 0 < len(end.value.value.points) < 4
    found = result_of(suggestion_study.run(settings, survey_dataset, tmp_path / "study", FEW, threading.Event()))
    for point, before in zip(found.points, done[2].points, strict=True):
        assert point.values == pytest.approx(before.values, rel=1e-5, nan_ok=True)


@pytest.mark.slow
def test_without_a_network_the_first_galaxies_are_drawn_at_random(small, tiny, tmp_path):
    study = FEW.model_copy(update={"labels": (12, 100_000), "least_steps": 0})
    work = suggestion_study.run(small, tiny, tmp_path / "study", study, threading.Event())
    said = []
    with pytest.raises(StopIteration) as end:
        while True:
            if isinstance(event := next(work), Skipped):
                said.append(str(event.problem))
    assert any("100,000" in sentence for sentence in said)
    scores = [point.values["accuracy"] for point in end.value.value.points]
    assert scores[0] == scores[1]


def test_numbers_have_no_classes_to_be_suggested_by(small, tiny, tmp_path):
    quantities = small.model_copy(update={"data": small.data.model_copy(update={"labels": ("width",)})})
    with pytest.raises(NotPossible, match="classes"):
        result_of(suggestion_study.run(quantities, tiny, tmp_path / "study", FEW))


def test_a_study_that_is_stopped_at_once_has_no_result(small, tiny, tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(suggestion_study.run(small, tiny, tmp_path / "study", FEW, stop))


# -- the gain ------------------------------------------------------------------------------------------------------


def study_of(scores):
    """A study of the scores {method: {labels: one for each seed}}."""
    points = [
        Point(method, labels, seed, "runs/a", 1, 1, 100, {"accuracy": score, "accuracy_error": 0.02})
        for method, known in scores.items()
        for labels, values in known.items()
        for seed, score in enumerate(values)
    ]
    return SuggestionStudy(Path("nowhere"), "accuracy", tuple(points), len(points))


def test_the_gain_is_the_mean_of_the_differences_seed_by_seed():
    found = study_of({"random": {50: (0.5, 0.6, 0.7)}, "auto": {50: (0.56, 0.65, 0.77)}}).gain("auto", 50)
    differences = np.array([0.06, 0.05, 0.07])
    assert found.value == pytest.approx(differences.mean())
    assert found.error == pytest.approx(differences.std(ddof=1) / math.sqrt(3))
    assert found.seeds == 3


def test_one_seed_gives_no_error_and_the_sentence_says_so():
    found = study_of({"random": {50: (0.5,)}, "auto": {50: (0.47,)}})
    assert math.isnan(found.gain("auto", 50).error)
    assert "a gain of −0.030 (1 seed, without an error, since there is one seed)" in found.sentences[0]
    assert study_of({"auto": {50: (0.5,)}}).gain("auto", 50) is None


def test_labels_that_are_saved_are_read_off_the_random_curve():
    random = {50: (0.5, 0.5, 0.5), 200: (0.7, 0.7, 0.7)}
    found = study_of({"random": random, "auto": {50: (0.6, 0.6, 0.6)}}).saving("auto", 50)
    assert found.labels == pytest.approx(100)  # half way in the logarithm
    assert found.low == pytest.approx(100)
    assert found.high == pytest.approx(100)
    assert study_of({"random": random, "auto": {50: (0.8, 0.8, 0.8)}}).saving("auto", 50) is None
    scattered = study_of({"random": random, "auto": {50: (0.55, 0.6, 0.65)}}).saving("auto", 50)
    assert scattered.low < 100 < scattered.high


def test_the_sentences_say_over_what_and_with_which_error():
    known = {"random": {50: (0.5, 0.52), 200: (0.7, 0.72)}, "auto": {50: (0.6, 0.61), 200: (0.71, 0.74)}}
    said = " ".join(study_of(known).sentences)
    assert "50 labels (auto): accuracy 0.605, in random order 0.510: a gain of 0.095 ± 0.005 (2 seeds)." in said
    assert "100 galaxies of the validation part" in said
    assert "± 0.020" in said


def test_the_table_is_read_as_it_was_written(tmp_path):
    found = study_of({"random": {50: (0.5, math.nan)}})
    suggestion_gain.write_table(found, tmp_path / "study.csv")
    again = suggestion_gain.read_table(tmp_path / "study.csv")
    assert again[0] == found.points[0]
    assert math.isnan(again[1].values["accuracy"])

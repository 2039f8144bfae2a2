"""Which galaxies a network is judged on: parts of another dataset, and weights files beside and away from their run."""

import itertools
import json
import shutil

import numpy as np
import pytest
from galaxies import write_dataset

from core.adapt import batch_statistics
from core.data.cutouts import Cutouts
from core.errors import NotPossible, TooFewGalaxies
from core.evaluate import evaluation
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.runs import RunFolder, describe_weights


@pytest.fixture
def run(survey_run, tmp_path):
    """A run of one's own."""
    return RunFolder(shutil.copytree(survey_run, tmp_path / "runs" / "first"))


@pytest.fixture
def other(survey_dataset, tmp_path):
    """Another survey of the same galaxies under other ids, with or without parts of its own."""

    def write(parts=None):
        with Cutouts.open(survey_dataset) as cutouts:
            images, shapes = cutouts.images[:30], np.asarray(cutouts.catalogue["shape"])[:30]
            bands = [band.name for band in cutouts.bands]
        ids = [f"other-{row}" for row in range(30)]
        columns = {"shape": shapes} if parts is None else {"shape": shapes, "part": np.array(parts)}
        column = "" if parts is None else "part"
        return write_dataset(tmp_path / "other.h5", images, columns, ["shape"], bands, ids=ids, split_column=column)

    return write


PARTS = ["train"] * 18 + ["validation"] * 5 + ["test"] * 7


def test_a_part_of_another_dataset_is_the_one_that_it_declares(run, other):
    found = result_of(evaluation.run(run, other(PARTS), elsewhere="test"))
    assert not found.is_own and found.part == "test"
    assert found.rows.tolist() == list(range(23, 30))
    assert "in the test part of other.h5, which its column “part” gives" in found.note
    kept = json.loads(run.metrics_file.read_text())["elsewhere"]
    assert kept["other test"]["galaxies"] == 7 and "other" not in kept


def test_without_a_part_all_galaxies_of_another_dataset_are_judged_and_its_test_part_is_told_of(run, other):
    found = result_of(evaluation.run(run, other(PARTS)))
    assert found.part == "all" and len(found.rows) == 30
    assert "7 of its own test part among them" in found.note


def test_a_part_of_a_dataset_that_declares_none_is_refused(run, other):
    with pytest.raises(NotPossible, match="declares no parts"):
        result_of(evaluation.run(run, other(), elsewhere="validation"))
    assert "among them" not in result_of(evaluation.run(run, other())).note


def test_a_declared_part_without_galaxies_is_told_of(run, other):
    with pytest.raises(TooFewGalaxies, match="its column “part” gives"):
        result_of(evaluation.run(run, other(["train"] * 30), elsewhere="test"))


def test_a_weights_file_is_judged_as_its_run_and_writes_nothing(run, survey_dataset):
    snapshot = run.snapshot(1)
    snapshot.parent.mkdir(exist_ok=True)
    shutil.copy(run.best, snapshot)
    before = run.metrics_file.read_bytes()
    of_file, of_run = (
        result_of(evaluation.run(each, survey_dataset, "test")) for each in (snapshot, RunFolder(run.path))
    )
    np.testing.assert_array_equal(of_file.rows, of_run.rows)
    assert of_file.report.accuracy == of_run.report.accuracy
    assert run.metrics_file.read_bytes() != before  # by the run alone
    assert not list(snapshot.parent.glob("*.csv"))
    with pytest.raises(NotPossible, match="kept with a run"):
        result_of(evaluation.run(snapshot, survey_dataset, keep=True, decision="most probable"))


def test_adapted_weights_are_judged_on_the_survey_and_say_what_was_adapted(run, other, survey_dataset, tmp_path):
    data, adapted = other(PARTS), tmp_path / "elsewhere" / "adapted.safetensors"
    adapted.parent.mkdir()
    result_of(batch_statistics.run(run.path, data, adapted))
    found = result_of(evaluation.run(adapted, data, elsewhere="validation"))
    assert found.rows.tolist() == list(range(18, 23))
    assert "batch statistics measured anew on 18 galaxies of other.h5, without their labels" in found.note
    with pytest.raises(NotPossible, match="in the folder of its run"):
        result_of(evaluation.run(adapted, survey_dataset, "test"))  # whose parts are not beside it
    beside = shutil.copy(adapted, run.path / "adapted.safetensors")
    assert len(result_of(evaluation.run(beside, survey_dataset, "test")).rows)


def test_weights_in_the_folder_of_another_run_do_not_take_over_its_parts(run, survey_dataset):
    foreign = Predictor.load(run.best)
    foreign.card = foreign.card | {"seed": 99}
    foreign.save(run.path / "foreign.safetensors")
    with pytest.raises(NotPossible, match="in the folder of its run"):
        result_of(evaluation.run(run.path / "foreign.safetensors", survey_dataset, "test"))


def test_what_is_said_of_the_validation_part_is_true_where_the_last_weights_are_kept(run, survey_dataset):
    chosen = result_of(evaluation.run(run, survey_dataset, "validation")).note
    assert "the best epoch was chosen on this part" in chosen and "(best)" in describe_weights(run.path)
    text = run.settings_file.read_text()
    run.settings_file.write_text(text.replace('keep = "best"', 'keep = "last"'))
    kept = result_of(evaluation.run(run, survey_dataset, "validation")).note
    assert "chosen on this part" in kept and "nothing was" in kept and "optimistic" not in kept
    assert "(last)" in describe_weights(run.path)


def test_the_run_of_weights_is_found_from_every_place_where_they_are_kept(run, tmp_path):
    places = (run.path, run.best, run.snapshot(3), run.last / "epoch-0002" / "network.safetensors")
    assert {RunFolder.of(place).path for place in places} == {run.path}
    away = tmp_path / "downloads" / "some.safetensors"
    assert not RunFolder.of(away).settings_file.exists()
    assert all(one != other for one, other in itertools.pairwise((RunFolder.of(away).path, run.path)))

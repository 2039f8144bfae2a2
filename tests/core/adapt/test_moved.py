"""What fine-tuning has moved: the answers of both networks for the same galaxies."""

import csv
import json

import numpy as np
import pytest
from galaxies import ellipse, write_dataset

from core.adapt import moved
from core.adapt.surveys import read_target_labels
from core.cli.main import main
from core.data.cutouts import Cutouts
from core.errors import NotPossible
from core.evaluate import evaluation
from core.events import result_of
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.train import loop
from core.train.settings import RunSettings

OLD, NEW = ("disk", "edge-on", "point"), ("disks", "edge_on", "ring")


def settings(**transfer):
    return RunSettings.model_validate(
        {
            "network": {"depth": 2, "channels": 8, "dense": 8},
            "optimiser": {"epochs": 1, "batch_size": 9, "learning_rate": 2e-2, "decay": "constant"},
            "data": {"validation": 0.4},
            "transfer": transfer,
            "device": "cpu",
            "precision": "float32",
        }
    )


def survey(path, names, seed, count=90):
    random = np.random.default_rng(seed)
    kinds = np.arange(count) % 3
    images = random.normal(10, 1, (count, 1, 20, 20))
    for row, kind in enumerate(kinds):
        images[row] += 12 * ellipse(20, *((4, 4), (4, 1), (2, 2))[kind])
    columns = {"kind": np.array(names)[kinds]}
    return write_dataset(path, images.astype(np.float32), columns, ["kind"], bands=("r",))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    place = tmp_path_factory.mktemp("moved")
    source, target = survey(place / "old.h5", OLD, 1), survey(place / "new.h5", NEW, 2)
    base, folder = RunFolder(place / "base"), RunFolder(place / "tuned")
    result_of(loop.run(settings(), source, base))
    chosen = {"start_from": str(base.path), "freeze_blocks": 1, "class_map": {"ring": ""}}
    result_of(loop.run(settings(**chosen), target, folder))
    return folder, target, base


@pytest.fixture(scope="module")
def found(tuned):
    folder, data, _ = tuned
    return result_of(moved.run(folder, data))


def test_frozen_blocks_are_told_to_be_identical_and_the_head_is_compared_with_its_first_step(found):
    assert found.start == "base"
    assert {each.block for each in found.layers if each.is_identical} == {1}
    head = found.layers[-1]
    assert head.name == "head.output"
    assert 0 < head.change < 0.5  # random rows, too, are compared with those that the training began with


def test_both_networks_are_judged_as_elsewhere_in_the_program(tuned, found):
    folder, data, _ = tuned
    classes = found.classes
    judged = result_of(evaluation.run(folder, data))
    assert np.array_equal(classes.confusion_after, judged.report.confusion)
    baseline = read_metrics(folder.metrics_file)["baseline"]
    assert classes.accuracy_before.value == pytest.approx(baseline["accuracy"])
    assert classes.accuracy_before.total == baseline["galaxies"] < len(classes.rows)
    assert classes.counted_as == {"disks": "disk", "edge_on": "edge-on"}
    assert f"{baseline['galaxies']} galaxies of the validation part of new (without" in classes.sentence


def test_the_flipped_galaxies_are_those_whose_answer_is_another_class(tuned, found):
    classes = found.classes
    with Cutouts.open(tuned[1]) as cutouts:
        assert [cutouts.ids[flip.row] for flip in classes.flips] == [flip.galaxy for flip in classes.flips]
    flipped = {flip.row for flip in classes.flips}
    for row, before, after in zip(classes.rows.tolist(), classes.before, classes.after, strict=True):
        as_old = classes.counted_as.get(classes.names[after])
        assert (row in flipped) == (as_old != classes.old_names[before])
    before, after = (confusion.sum(axis=1) for confusion in (classes.confusion_before, classes.confusion_after))
    assert np.array_equal(before, after) and before.sum() == len(classes.rows)


def test_a_run_from_random_weights_has_nothing_to_be_compared_with_unless_it_is_named(tuned):
    folder, data, base = tuned
    with pytest.raises(NotPossible, match="random weights"):
        result_of(moved.run(base, data.with_name("old.h5")))
    found = result_of(moved.run(base, data.with_name("old.h5"), start=folder.best))
    assert found.classes is not None
    assert found.start == "best"


def test_the_command_prints_the_layers_and_writes_the_flipped_galaxies(tuned, found, tmp_path, capsys):
    folder, data, _ = tuned
    table = tmp_path / "flipped.csv"
    assert main(["moved", str(folder.path), str(data), "-o", str(table), "--quiet"]) == 0
    told = capsys.readouterr().out
    assert "block 1" in told and "unchanged" in told
    assert found.classes.sentence in told
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [flip.galaxy for flip in found.classes.flips]
    assert {row["became"] for row in rows} <= {"right", "wrong", "other"}
    assert main(["moved", str(folder.path), str(data), "--json", "--quiet"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["classes"]["confusion_after"] == found.classes.confusion_after.tolist()
    assert [layer["identical"] for layer in values["layers"]][:2] == [True, True]


def test_the_test_galaxies_of_another_dataset_are_not_looked_at(tuned, tmp_path):
    folder, _, _ = tuned
    third = survey(tmp_path / "third.h5", NEW, 5)
    with Cutouts.open(third) as cutouts:
        outside = read_target_labels(cutouts)
    classes = result_of(moved.run(folder, third)).classes
    assert classes.part == "all" and classes.left_out == outside.test > 0
    assert classes.rows.tolist() == outside.rows.tolist()
    assert f"third, without its {outside.test} test galaxies" in classes.sentence
    everything = result_of(moved.run(folder, third, "all")).classes
    assert len(everything.rows) == 90 and not everything.left_out and "test galax" not in everything.sentence

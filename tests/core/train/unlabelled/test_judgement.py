"""Whether galaxies without labels have made things worse: said, with the error of the same galaxies answered twice."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import SettingsProblem
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.train.unlabelled import judgement
from core.train.unlabelled.galaxies import LabelledPart

SURVEY = ("disk", "edge-on", "spheroid")


def judge(run, data, part, wish="", *, alone=False):
    network = Predictor.load(run)
    with Cutouts.open(data) as cutouts:
        before = None if alone else (network, {0: 1, 1: 2, 2: 0})  # as if its classes had been other ones
        return result_of(judgement.compare(cutouts, part, network, before, wish))


def test_it_is_the_paired_difference_on_the_galaxies_of_known_classes(survey_run, survey_dataset):
    labels = np.array([row % 3 for row in range(90)])
    part = LabelledPart(Classes("shape", SURVEY), labels, np.arange(0, 60))
    found = judge(survey_run, survey_dataset, part)
    with Cutouts.open(survey_dataset) as cutouts:
        answers = Predictor.load(survey_run).scores(torch.from_numpy(cutouts.images[part.rows])).numpy().argmax(axis=1)
    right, earlier = answers == labels[:60], answers == np.array([1, 2, 0])[labels[:60]]
    assert found.galaxies == 60
    assert found.accuracy == pytest.approx(right.mean())
    assert found.before == pytest.approx(earlier.mean())
    assert found.difference_error == pytest.approx(np.std(right.astype(float) - earlier) / math.sqrt(60))
    assert found.is_worse == (right.mean() - earlier.mean() < -2 * found.difference_error)
    assert f"{abs(right.mean() - earlier.mean()):.3f}" in found.sentence


def test_one_that_is_worse_is_called_so(survey_run, survey_dataset):
    wrong = np.array([(row + 1) % 3 for row in range(90)])  # right where the network was read with other classes
    part = LabelledPart(Classes("shape", SURVEY), wrong, np.arange(60))
    network = Predictor.load(survey_run)
    with Cutouts.open(survey_dataset) as cutouts:
        found = result_of(judgement.compare(cutouts, part, network, (network, {0: 2, 1: 0, 2: 1}), ""))
    assert found.is_worse
    assert found.sentence.endswith("worse. Use the network from before, or another method.")


def test_classes_of_other_names_are_mapped_and_others_left_out(survey_run, survey_dataset):
    labels = np.array([row % 3 for row in range(90)])
    part = LabelledPart(Classes("kind", ("late", "needle", "early")), labels, np.arange(60))
    assert judge(survey_run, survey_dataset, part, alone=True) is None, "nobody knows these classes"
    mapped = judge(survey_run, survey_dataset, part, "late=disk, needle = edge-on", alone=True)
    assert mapped.galaxies == 40
    assert mapped.before is None
    assert "told by a training without them" in mapped.sentence
    with pytest.raises(SettingsProblem, match="maps no class"):
        judgement.parse_classes("late")


@pytest.mark.slow
def test_a_run_tells_it_in_its_numbers_and_its_card(new_survey, wish, train, new_run):
    classes = np.array(["Points", "Disks", "Edge_On"])
    data, other = new_survey("own"), new_survey("other", 150, seed=1, classes=classes)
    base = new_run("base")
    train(data, base, wish())
    result, _, _ = train(data, new_run(), wish(method="mcc", dataset=other, transfer={"start_from": str(base.path)}))
    folder = RunFolder(result.folder)
    judged = read_metrics(folder.metrics_file)["unlabelled"]
    assert judged["galaxies"] >= 10
    assert judged["sentence"] in folder.card.read_text()
    shown = {line.split(",")[0].strip('"') for line in folder.unlabelled_file.read_text().splitlines()[1:]}
    with Cutouts.open(other) as cutouts:
        assert len(shown) + judged["galaxies"] <= len(cutouts)

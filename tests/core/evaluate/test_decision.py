"""The decision of a run: asked for in words, kept beside its weights, and followed by everything that names a class."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from core.errors import NotPossible, SettingsProblem, UnreadableFile
from core.evaluate import decision as decisions
from core.evaluate import evaluation, own_data, predict, tables
from core.events import result_of
from core.metrics import decision as rules
from core.metrics.decision import MOST_PROBABLE
from core.nets.predictor import Predictor
from core.project.runs import RunFolder

NAMES = ("disk", "edge-on", "spheroid")
SCORES = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])


@pytest.fixture
def run(survey_run: Path, tmp_path: Path) -> RunFolder:
    shutil.copytree(survey_run, tmp_path / "runs" / "first")
    return RunFolder(tmp_path / "runs" / "first")


def basis() -> decisions.Basis:
    return decisions.Basis(NAMES, lambda: np.array([0.6, 0.3, 0.1]), lambda: (np.array([0, 1, 0]), SCORES), SCORES)


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        ("most-probable", "most probable"),
        ("balanced", "balanced"),
        ("balanced:0.3", "balanced"),
        ("thresholds", "thresholds"),
        ("thresholds:balanced-accuracy", "thresholds"),
        ("thresholds:disk=.5, edge-on=.3, spheroid=.2", "thresholds"),
        ("frequencies:disk=0.1,edge-on=0.1,spheroid=0.8", "frequencies"),
        ("frequencies:estimated", "frequencies"),
    ],
)
def test_a_decision_is_asked_for_in_words(wish, kind):
    assert decisions.resolve(wish, basis()).kind == kind


@pytest.mark.parametrize(
    ("wish", "about"),
    [
        ("dice", "not a decision"),
        ("balanced:lots", "not a power"),
        ("thresholds:beauty", "cannot be chosen for"),
        ("frequencies:disk=1,bar=2", "no class “bar”"),
        ("frequencies:disk=1", "no number for: edge-on, spheroid"),
        ("frequencies", "not a decision"),
    ],
)
def test_what_is_no_decision_is_refused_in_words(wish, about):
    with pytest.raises(SettingsProblem, match=about):
        decisions.resolve(wish, basis())


def test_a_kept_decision_is_followed_by_evaluation_prediction_and_tables(run, survey_dataset):
    before = (run.best.read_bytes(), result_of(predict.run(run.path, survey_dataset)))
    wish = "thresholds:disk=0.9,edge-on=0.05,spheroid=0.05"
    found = result_of(evaluation.run(run, survey_dataset, "validation", decision=wish, keep=True))
    assert found.report.decision.kind == "thresholds"
    after = result_of(predict.run(run.path, survey_dataset))
    assert after.decision == found.predictions.decision
    assert after.predicted != before[1].predicted, "the classes are others"
    np.testing.assert_array_equal(after.scores, before[1].scores)
    assert run.best.read_bytes() == before[0], "weights of a finished run never change"
    again = result_of(evaluation.run(run, survey_dataset, "test"))
    assert again.report.decision == after.decision
    kept = json.loads(run.metrics_file.read_text())
    assert kept["test"]["decision"] == after.decision.text
    with (run.path / "predictions-test.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["predicted"] for row in rows] == again.predictions.predicted
    assert {row["decision"] for row in rows} == {"thresholds"}
    result_of(evaluation.run(run, survey_dataset, "validation", decision="most-probable", keep=True))
    assert not run.decision_file.exists()


def test_without_keep_nothing_is_kept(run, survey_dataset):
    result_of(evaluation.run(run, survey_dataset, "validation", decision="balanced"))
    assert decisions.read_kept(run.path, NAMES) == MOST_PROBABLE


@pytest.mark.parametrize("suffix", [".fits", ".xml", ".parquet"])
def test_a_table_says_in_its_metadata_which_decision_made_the_classes(run, survey_dataset, tmp_path, suffix):
    found = result_of(predict.run(run.path, survey_dataset, decision="frequencies:estimated"))
    tables.write(found, tmp_path / f"table{suffix}")
    content = (tmp_path / f"table{suffix}").read_bytes()
    assert b"estimated class frequencies" in content
    if suffix == ".fits":
        table = Table.read(tmp_path / "table.fits")
        assert table["predicted"].astype(str).tolist() == found.predicted
        assert "±" in table.meta["DECISION"]


def test_thresholds_are_chosen_on_the_validation_part_also_when_the_test_part_is_evaluated(run, survey_dataset):
    chosen = result_of(evaluation.run(run, survey_dataset, "validation", decision="thresholds"))
    tested = result_of(evaluation.run(run, survey_dataset, "test", decision="thresholds"))
    assert tested.report.decision == chosen.report.decision
    assert f"{len(chosen.rows)} validation galaxies" in tested.report.decision.text
    with pytest.raises(NotPossible, match="validation part"):
        result_of(predict.run(run.path, survey_dataset, decision="thresholds"))


def test_another_decision_needs_no_forward_pass_and_moves_the_cells_of_the_matrix(run, survey_dataset):
    found = result_of(evaluation.run(run, survey_dataset, "all"))
    other = found.under(rules.thresholds(NAMES, (0.9, 0.05, 0.05)))
    assert other.predictions.scores is found.predictions.scores
    assert other.report.log_loss == found.report.log_loss
    for i, true in enumerate(NAMES):
        for j, called in enumerate(NAMES):
            assert len(other.rows_in(true, called)) == other.report.confusion[i, j]


def test_a_decision_for_other_classes_or_a_damaged_one_is_told_of(run, survey_dataset):
    decisions.keep(run, rules.balanced(("a", "b"), np.array([0.5, 0.5])))
    with pytest.raises(UnreadableFile, match="other classes"):
        result_of(predict.run(run.path, survey_dataset))
    run.decision_file.write_text("kind = 'dice'")
    with pytest.raises(UnreadableFile, match="cannot be read"):
        decisions.read_kept(run.best, NAMES)


def test_networks_of_earlier_versions_assume_what_their_settings_say(run):
    predictor = Predictor.load(run.path)
    noted = decisions.assumed_frequencies(predictor, run.path)
    counts = predictor.card["classes"]["training"]
    assert noted == pytest.approx(np.array([counts[name] for name in NAMES]) / sum(counts.values()))
    predictor = replace(predictor, card={k: v for k, v in predictor.card.items() if k != "assumed_frequencies"})
    run.settings_file.write_text("[optimiser]\nclass_weights = true\n")
    assert decisions.assumed_frequencies(predictor, run.best) == pytest.approx([1 / 3] * 3)
    run.settings_file.write_text("[optimiser]\nclass_weights = false\n")
    assert decisions.assumed_frequencies(predictor, run.best) == pytest.approx(noted)
    run.settings_file.unlink()
    with pytest.raises(NotPossible, match="not noted"):
        decisions.assumed_frequencies(predictor, run.best)


def test_an_estimate_for_another_survey_is_tried_on_the_validation_part_of_the_own_one(run, survey_dataset, tmp_path):
    tried = result_of(predict.run(run.path, survey_dataset, decision="frequencies:estimated")).decision.text
    assert "not tried on labelled galaxies" in tried, "the own dataset is not where the run looks for it"
    shutil.copy(survey_dataset, tmp_path / "runs" / survey_dataset.name)
    labels, scores = result_of(own_data.predict_validation(run.path))
    own = result_of(evaluation.run(run, survey_dataset, "validation"))
    assert (labels == own.labels).all()
    np.testing.assert_allclose(scores, own.predictions.scores, atol=1e-5)


def _blurred(labels, seed):
    """Probabilities of a network that mistakes class 1 for class 0 and is sure of it."""
    random = np.random.default_rng(seed)
    answers = np.where((labels == 1) & (random.random(len(labels)) < 0.6), 0, labels)
    return 0.97 * np.eye(3)[answers] + 0.01


def test_an_estimate_that_fails_on_labelled_galaxies_is_refused_in_words():
    random = np.random.default_rng(0)
    labels, unlabelled = random.choice(3, 400, p=[0.6, 0.3, 0.1]), random.choice(3, 3000, p=[0.3, 0.6, 0.1])
    known = decisions.Basis(
        NAMES, lambda: np.array([0.6, 0.3, 0.1]), lambda: (labels, _blurred(labels, 1)), _blurred(unlabelled, 2)
    )
    with pytest.raises(NotPossible, match=r"tried on 400 labelled validation galaxies.*(“edge-on”|“disk”).*too"):
        decisions.resolve("frequencies:estimated", known)

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy.special import softmax
from small_survey import label_wrongly

from core.cli.main import main
from core.errors import NotPossible, UnreadableFile, WrongVersion
from core.evaluate import evaluation, predict, temperature
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.publish import export
from core.train.run_check import find_problem


@pytest.fixture
def run(survey_run: Path, tmp_path: Path) -> RunFolder:
    """A run of one's own, most of whose galaxies are in the validation part."""
    shutil.copytree(survey_run, tmp_path / "runs" / "first")
    folder = RunFolder(tmp_path / "runs" / "first")
    lines = folder.split_file.read_text().splitlines()
    moved = [line.replace(",train", ",validation") if place % 2 else line for place, line in enumerate(lines)]
    folder.split_file.write_text("\n".join(moved) + "\n")
    return folder


@pytest.fixture
def by_hand(run: RunFolder, survey_dataset: Path, tmp_path: Path) -> LabelJournal:
    return label_wrongly(run, survey_dataset, LabelJournal(tmp_path / "labels.jsonl"))


def predict_all(run: RunFolder, data: Path) -> predict.Predictions:
    return result_of(predict.run(run.path, data))


def test_the_temperature_is_fitted_kept_used_everywhere_and_removed(run, survey_dataset, by_hand) -> None:
    own, weights = predict_all(run, survey_dataset).scores, run.best.read_bytes()
    found = result_of(temperature.fit(run, survey_dataset, hand_labels=by_hand))
    assert found.log_loss[1] < found.log_loss[0]
    warm = predict_all(run, survey_dataset)
    np.testing.assert_allclose(warm.scores, softmax(np.log(own) / found.value, axis=1), rtol=1e-3, atol=1e-6)
    assert warm.temperature == found
    judged = result_of(evaluation.run(run, survey_dataset, "validation", hand_labels=by_hand))
    assert judged.report.log_loss == pytest.approx(found.log_loss[1], rel=1e-4)
    assert judged.report.calibration.error == pytest.approx(found.calibration_error[1], abs=1e-4)
    assert "fit by construction" in judged.temperature_sentence
    kept = json.loads(run.metrics_file.read_text())["validation"]["temperature"]
    assert kept["value"] == found.value and kept["galaxies"] == len(judged.rows)
    again = result_of(temperature.fit(run, survey_dataset, hand_labels=by_hand))
    assert again.value == pytest.approx(found.value)  # not on top of itself
    result_of(temperature.remove(run, survey_dataset))
    np.testing.assert_array_equal(predict_all(run, survey_dataset).scores, own)
    result_of(evaluation.run(run, survey_dataset, "validation"))
    assert "temperature" not in json.loads(run.metrics_file.read_text())["validation"]
    assert run.best.read_bytes() == weights


def test_others_get_it_with_the_weights(run, survey_dataset, by_hand, tmp_path) -> None:
    found = result_of(temperature.fit(run, survey_dataset, hand_labels=by_hand))
    others = tmp_path / "for others"
    assert "temperature.json" in result_of(export.run(run.path, others, with_onnx=False)).files
    assert Predictor.load(others / export.WEIGHTS).temperature == found
    result_of(temperature.remove(run, survey_dataset))
    result_of(export.run(run.path, others, with_onnx=False))
    assert Predictor.load(others / export.WEIGHTS).temperature is None


@pytest.mark.slow
def test_chosen_thresholds_are_chosen_again_with_the_new_probabilities(run, survey_dataset, by_hand) -> None:
    judge = {"decision": "thresholds:macro-f1", "keep": True, "hand_labels": by_hand}
    before = result_of(evaluation.run(run, survey_dataset, "validation", **judge)).predictions
    result_of(temperature.fit(run, survey_dataset, hand_labels=by_hand))
    after = predict_all(run, survey_dataset).decision
    expected = result_of(evaluation.run(run, survey_dataset, "validation", **judge)).predictions.decision
    assert after.weights == pytest.approx(expected.weights, rel=0.02) and after.asked == "thresholds:macro-f1"
    result_of(temperature.remove(run, survey_dataset, hand_labels=by_hand))
    assert predict_all(run, survey_dataset).decision.weights == pytest.approx(before.decision.weights, rel=0.02)


def test_a_temperature_of_other_weights_is_not_used_and_that_is_said(run, survey_dataset, by_hand) -> None:
    result_of(temperature.fit(run, survey_dataset, hand_labels=by_hand))
    loaded = Predictor.load(run.best)
    loaded.card["note"] = "trained on"
    loaded.save(run.best)
    found = predict_all(run, survey_dataset)
    assert found.temperature is None
    assert any("was fitted for other weights" in problem.sentence for problem in found.problems)


def test_a_damaged_temperature_is_named(run, survey_dataset) -> None:
    for text in ("", "{}", '{"value": -1, "error": 0, "galaxies": 30, "log_loss": [1, 1], "weights": ""}'):
        run.temperature_file.write_text(text)
        with pytest.raises(UnreadableFile, match="The temperature"):
            predict_all(run, survey_dataset)
        problem = find_problem(run)
        assert problem is not None and "temperature" in problem.sentence
    run.temperature_file.write_text('{"format": 99}')
    with pytest.raises(WrongVersion):
        predict_all(run, survey_dataset)


def test_only_the_own_validation_part_will_do(run, survey_dataset, by_hand, tmp_path) -> None:
    other = tmp_path / "other.h5"
    shutil.copy(survey_dataset, other)
    with h5py.File(other, "r+") as file:
        file["images"][0, 0, 0, 0] += 1
        file.attrs["checksum"] = "crc32:0"
    with pytest.raises(NotPossible, match="another one"):
        result_of(temperature.fit(run, other))


def test_the_command_calibrates_and_takes_it_back(run, survey_dataset, capsys) -> None:
    loaded = Predictor.load(run.best)
    random = torch.Generator().manual_seed(1)
    for weights in loaded.network.parameters():  # a network that is not always right
        weights += 0.4 * weights.std(correction=0) * torch.randn(weights.shape, generator=random)
    loaded.save(run.best)
    assert main(["evaluate", str(run.path), str(survey_dataset), "--calibrate", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert said.count("Probabilities are at temperature") == 2 and "log loss" in said
    assert main(["evaluate", str(run.path), str(survey_dataset), "--uncalibrate", "--quiet"]) == 0
    assert not run.temperature_file.exists() and "the network's own" in capsys.readouterr().out

"""The temperature of an ensemble: of the mean of its networks, and for these networks as they are alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from astropy.table import Table
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss
from small_survey import label_wrongly

from core.cli.main import main
from core.evaluate import ensemble_making, evaluation, predict, temperature
from core.evaluate.network_identity import NetworkIdentity
from core.events import result_of
from core.metrics.answering import Answering
from core.nets import temperature as kept
from core.nets.predictor import Predictor
from core.nets.temperature import Temperature
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.train import run_check, run_summary


@pytest.fixture
def runs(survey_run: Path, survey_dataset: Path, tmp_path: Path) -> list[RunFolder]:
    """Two runs with different networks, most of whose galaxies are in the validation part."""
    found = []
    for number in range(2):
        run = RunFolder(Path(shutil.copytree(survey_run, tmp_path / "runs" / f"seed {number}")))
        lines = run.split_file.read_text().splitlines()
        moved = [line.replace(",train", ",validation") if place % 2 else line for place, line in enumerate(lines)]
        run.split_file.write_text("\n".join(moved) + "\n")
        run.save_data_path(survey_dataset)
        network, random = Predictor.load(run.best), torch.Generator().manual_seed(number)
        for value in network.network.parameters():
            value.add_(0.3 * value.std(correction=0) * torch.randn(value.shape, generator=random))
        network.save(run.best)
        found.append(run)
    return found


@pytest.fixture
def ensemble(runs: list[RunFolder], tmp_path: Path) -> RunFolder:
    return result_of(ensemble_making.make(runs, RunFolder.create(tmp_path / "runs" / "together")))


@pytest.fixture
def by_hand(ensemble: RunFolder, survey_dataset: Path, tmp_path: Path) -> LabelJournal:
    return label_wrongly(ensemble, survey_dataset, LabelJournal(tmp_path / "labels.jsonl"))


def scores_of(run: RunFolder, data: Path) -> np.ndarray:
    return result_of(predict.run(run.path, data)).scores


def calibrate(run: RunFolder, value: float) -> None:
    kept.keep(run.best, Temperature(value, 0.1, 40, (0.5, 0.4), (0.03, 0.02)))


def test_it_is_that_of_the_mean_of_the_networks_and_is_used_and_undone_like_that_of_a_run(
    ensemble, runs, survey_dataset, by_hand, tmp_path
):
    calibrate(runs[1], 1.7)  # the mean is that of a calibrated network and one that is not
    mean = np.mean([scores_of(run, survey_dataset) for run in runs], axis=0)
    own, before = result_of(predict.run(ensemble.path, survey_dataset)), NetworkIdentity.of(ensemble.best)
    np.testing.assert_allclose(own.scores, mean, atol=1e-6)
    found = result_of(temperature.fit(ensemble, survey_dataset, hand_labels=by_hand))
    judged = result_of(evaluation.run(ensemble, survey_dataset, "validation", hand_labels=by_hand))
    logarithms = np.log(mean[judged.rows].astype(float))

    def loss(beta: float) -> float:
        return log_loss(judged.labels, softmax(beta * logarithms, axis=1), labels=[0, 1, 2])

    best = minimize_scalar(loss, bounds=(0.02, 10), method="bounded", options={"xatol": 1e-7})
    assert found.value == pytest.approx(1 / best.x, rel=1e-3) and found.galaxies == len(judged.rows)
    assert judged.report.log_loss == pytest.approx(best.fun, rel=1e-4)
    warm = result_of(predict.run(ensemble.path, survey_dataset))
    np.testing.assert_allclose(warm.scores, softmax(np.log(mean) / found.value, axis=1), rtol=1e-3, atol=1e-6)
    assert warm.predicted == own.predicted and warm.temperature == found
    np.testing.assert_array_equal(warm.doubt.data, own.doubt.data)  # of the mean, before the temperature
    assert NetworkIdentity.of(ensemble.best).beside != before.beside
    table = tmp_path / "table.fits"
    assert main(["predict", str(ensemble.path), str(survey_dataset), "-o", str(table), "--quiet"]) == 0
    read = Table.read(table)
    assert read.meta["TEMPERAT"] == found.sentence
    np.testing.assert_allclose(read[f"p_{warm.names[0]}"], warm.scores[:, 0], rtol=1e-5)
    result_of(temperature.remove(ensemble, survey_dataset))
    np.testing.assert_array_equal(scores_of(ensemble, survey_dataset), own.scores)


def test_numbers_say_at_which_temperatures_the_networks_were_and_when_that_has_changed(ensemble, runs, survey_dataset):
    noted = json.loads(ensemble.metrics_file.read_text())["validation"]
    assert noted["member_temperatures"] == [None, None]
    assert "the mean of its networks' probabilities." in Answering.noted(noted).sentence
    assert run_summary.summarise(ensemble).outdated == {}
    calibrate(runs[0], 0.5)
    summary = run_summary.summarise(ensemble)
    assert list(summary.outdated) == ["validation"]
    assert "the temperature of one of its networks has been changed" in summary.remarks[0]
    assert main(["runs", str(ensemble.path.parent)]) == 0
    result_of(evaluation.run(ensemble, survey_dataset, "validation"))
    noted = json.loads(ensemble.metrics_file.read_text())["validation"]
    assert noted["member_temperatures"] == [0.5, None]
    assert "these at temperatures 0.5, 1." in Answering.noted(noted).sentence
    assert run_summary.summarise(ensemble).outdated == {}
    kept.remove(runs[0].best)
    assert list(run_summary.summarise(ensemble).outdated) == ["validation"]


def test_numbers_of_an_earlier_version_are_doubted_only_where_networks_are_calibrated_now(ensemble, runs):
    metrics = json.loads(ensemble.metrics_file.read_text())
    del metrics["validation"]["member_temperatures"]
    ensemble.metrics_file.write_text(json.dumps(metrics))
    assert run_summary.summarise(ensemble).outdated == {}
    calibrate(runs[0], 0.5)
    assert "has not been noted" in run_summary.summarise(ensemble).outdated["validation"]


def test_it_is_left_out_when_a_network_has_changed_and_that_is_said(ensemble, runs, survey_dataset):
    own = scores_of(ensemble, survey_dataset)
    calibrate(ensemble, 2.0)
    assert Predictor.load(ensemble.best).temperature.value == 2.0
    moved = ensemble.rename("moved")
    assert Predictor.load(moved.best).temperature.value == 2.0
    calibrate(runs[0], 0.5)
    loaded = Predictor.load(moved.best)
    assert loaded.temperature is None
    assert any("fitted before one of its networks was" in note.sentence for note in loaded.notes)
    kept.remove(runs[0].best)
    assert Predictor.load(moved.best).temperature.value == 2.0
    network = Predictor.load(runs[1].best)
    network.card["note"] = "trained on"
    network.save(runs[1].best)
    np.testing.assert_array_equal(scores_of(moved, survey_dataset), own)


def test_it_is_fitted_on_galaxies_that_no_network_was_trained_on(ensemble, runs, survey_dataset, by_hand):
    before = result_of(temperature.fit(ensemble, survey_dataset, hand_labels=by_hand)).galaxies
    lines = runs[1].split_file.read_text().splitlines()  # trained anew since, with other parts
    places = [place for place, line in enumerate(lines) if line.endswith(",validation")][:5]
    for place in places:
        lines[place] = lines[place].replace(",validation", ",train")
    runs[1].split_file.write_text("\n".join(lines) + "\n")
    assert result_of(temperature.fit(ensemble, survey_dataset, hand_labels=by_hand)).galaxies == before - len(places)


def test_earlier_versions_refuse_an_ensemble_with_a_temperature_that_they_would_overlook(ensemble, runs):
    calibrate(ensemble, 2.0)
    calibrate(runs[0], 2.0)
    assert json.loads(ensemble.temperature_file.read_text())["format"] == 2
    assert json.loads(runs[0].temperature_file.read_text())["format"] == 1
    assert run_check.find_problem(ensemble) is None
    ensemble.temperature_file.write_text("{}")
    assert "temperature" in run_check.find_problem(ensemble).sentence


def test_the_command_calibrates_an_ensemble_and_takes_it_back(ensemble, survey_dataset, capsys):
    line = ["evaluate", str(ensemble.path), str(survey_dataset), "--quiet"]
    assert main([*line, "--calibrate"]) == 0
    assert capsys.readouterr().out.count("Probabilities are at temperature") == 2
    assert main([*line, "--uncalibrate"]) == 0
    assert not ensemble.temperature_file.exists() and "the ensemble's own" in capsys.readouterr().out

"""Shuffling tells which of two columns a network listens to; tables flag the galaxies that lack one."""

from __future__ import annotations

import shutil
from pathlib import Path

import beside_survey
import numpy as np
import pytest
import torch
from astropy.table import Table

from core.cli.main import main
from core.data.cutouts import Cutouts
from core.errors import NotPossible
from core.evaluate import ensemble_making, evaluation, predict, predict_table, side_importance, side_importance_figure
from core.events import result_of
from core.nets import temperature
from core.nets.predictor import Predictor
from core.nets.temperature import Temperature
from core.project.runs import RunFolder
from core.train import loop
from core.train.settings import RunSettings


def train(data, folder, columns=("redshift", "flux"), **more):
    wish = {
        "data": {"side_columns": columns, **more},
        "network": {"depth": 2, "channels": 4, "dense": 16, "dropout": 0.0},
        "optimiser": {"epochs": 12, "batch_size": 16, "learning_rate": 0.01},
        "device": "cpu",
        "precision": "float32",
    }
    return RunFolder(result_of(loop.run(RunSettings.model_validate(wish), data, folder)).folder)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return beside_survey.write(tmp_path_factory.mktemp("beside") / "survey.h5", 300)


@pytest.fixture(scope="module")
def run(survey, tmp_path_factory):
    return train(survey, tmp_path_factory.mktemp("runs") / "beside")


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    return beside_survey.write(tmp_path_factory.mktemp("others") / "others.h5", 400, seed=9)


def test_the_column_that_tells_the_class_brings_all_and_the_other_nothing(run, others):
    judged = result_of(evaluation.run(run.path, others))
    found = result_of(side_importance.measure(judged, run.best, others))
    redshift, flux = found.columns
    assert (found.score, found.galaxies, redshift.column) == ("accuracy", 400, "redshift")
    assert found.value == pytest.approx(judged.report.accuracy.value)
    with Cutouts.open(others) as cutouts:
        far = np.mean(cutouts.columns["distance"] == "far")
    guessed = far**2 + (1 - far) ** 2  # of a shuffled column that decides by itself
    assert redshift.drop == pytest.approx(found.value - guessed, abs=0.05)
    assert 0.01 < redshift.error < 0.04
    assert abs(flux.drop) < 0.03


def test_importance_is_that_of_predictions_with_the_column_shuffled(run, others):
    judged = result_of(evaluation.run(run.path, others))
    found = result_of(side_importance.measure(judged, run.best, others, repeats=1))
    order = np.random.default_rng(0).permutation(400)
    with Cutouts.open(others) as cutouts:
        shuffled = cutouts.columns["redshift"][order]
        columns = {name: cutouts.columns[name] for name in cutouts.columns} | {"redshift": shuffled}
    with predict.open_network_on_data(run.best, others) as opened:
        opened.cutouts.columns.update(columns)
        again = result_of(predict.predict_rows(opened, None))
    right = np.mean(np.array(again.predicted) == columns["distance"])
    assert found.columns[0].drop == pytest.approx(found.value - right)


def test_of_an_ensemble_it_is_that_of_its_mean_and_is_saved_as_figure_and_table(run, others, tmp_path):
    second = RunFolder(Path(shutil.copytree(run.path, tmp_path / "second")))
    network, random = Predictor.load(second.best), torch.Generator().manual_seed(4)
    for value in network.network.parameters():
        value.add_(0.2 * value.std(correction=0) * torch.randn(value.shape, generator=random))
    network.save(second.best)
    together = result_of(ensemble_making.make([run, second], RunFolder.create(tmp_path / "together")))
    temperature.keep(together.best, Temperature(1.3, 0.1, 40, (0.5, 0.4), (0.03, 0.02)))
    judged = result_of(evaluation.run(together, others))
    assert judged.beside == ("redshift", "flux")
    found = result_of(side_importance.measure(judged, together.best, others, repeats=1))
    order = np.random.default_rng(0).permutation(400)
    with predict.open_network_on_data(together.best, others) as opened:
        columns = opened.cutouts.columns
        columns.update({"redshift": columns["redshift"][order]})
        again = result_of(predict.predict_rows(opened, None))
        right = np.mean(np.array(again.predicted) == columns["distance"])
    assert found.value == pytest.approx(judged.report.accuracy.value)
    assert found.columns[0].drop == pytest.approx(found.value - right)
    assert "“together”, best epochs of several runs together, on 400 galaxies" in found.note
    side_importance_figure.write_table(found, tmp_path / "columns.fits")
    table = Table.read(tmp_path / "columns.fits")
    assert list(table["column"]) == ["redshift", "log flux [uJy]"]
    np.testing.assert_allclose(table["fall"], [each.drop for each in found.columns])
    assert table.meta["SCORE"] == "accuracy"
    side_importance_figure.save(found, tmp_path / "columns.png")
    assert (tmp_path / "columns.png").read_bytes().startswith(b"\x89PNG")


def test_a_network_of_the_image_alone_has_nothing_to_shuffle(survey, others, tmp_path):
    alone = train(survey, tmp_path / "alone", ())
    judged = result_of(evaluation.run(alone.path, others))
    with pytest.raises(NotPossible, match="takes nothing beside the image"):
        result_of(side_importance.measure(judged, alone.best, others))


def test_the_command_prints_what_each_column_brings(run, others, capsys):
    assert main(["evaluate", str(run.path), str(others), "--side-importance"]) == 0
    said = capsys.readouterr().out
    assert "fall of accuracy" in said and "log flux [uJy]" in said


def test_the_table_counts_the_columns_that_a_galaxy_lacks(run, tmp_path):
    data = beside_survey.write(tmp_path / "gaps.h5", 50, seed=3, missing=0.4)
    for name in ("table.csv", "table.fits"):
        table = tmp_path / name
        result_of(predict_table.run(run.path, data, table))
        found = Table.read(table)
        with Cutouts.open(data) as cutouts:
            lacking = np.isnan(cutouts.columns["redshift"])
        assert np.array_equal(np.asarray(found["inputs_missing"], float), lacking.astype(float))
        assert 0 < lacking.sum() < 50

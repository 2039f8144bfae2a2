"""A network learns from a catalogue column what no image shows, and only then."""

from __future__ import annotations

import beside_survey
import numpy as np
import pytest
import torch

from core.data import side_columns
from core.data.cutouts import Cutouts
from core.errors import NotPossible, SettingsProblem
from core.evaluate import predict
from core.events import result_of
from core.nets.predictor import Predictor
from core.train import loop, preparation
from core.train.settings import RunSettings


def wish(columns=(), **more):
    values = {
        "data": {"side_columns": columns},
        "network": {"depth": 2, "channels": 4, "dense": 16, "dropout": 0.0},
        "optimiser": {"epochs": 12, "batch_size": 16, "learning_rate": 0.01},
        "device": "cpu",
        "precision": "float32",
    }
    for name, part in more.items():
        values[name] = {**values.get(name, {}), **part}
    return RunSettings.model_validate(values)


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return beside_survey.write(tmp_path_factory.mktemp("beside") / "survey.h5")


@pytest.fixture(scope="module")
def trained(survey, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "beside"
    return result_of(loop.run(wish(("redshift", "flux")), survey, folder))


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    return beside_survey.write(tmp_path_factory.mktemp("others") / "others.h5", 200, seed=5)


def right(run, data):
    found = result_of(predict.run(run, data))
    with Cutouts.open(data) as cutouts:
        return np.mean(np.array(found.predicted) == cutouts.columns["distance"]), found


def test_with_the_column_the_classes_are_known_and_without_it_they_are_guessed(survey, trained, others, tmp_path):
    alone = result_of(loop.run(wish(), survey, tmp_path / "alone"))
    assert right(trained.folder, others)[0] > 0.93
    assert 0.35 < right(alone.folder, others)[0] < 0.65

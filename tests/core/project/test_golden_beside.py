"""Catalogue columns beside the image stay what they were, and networks of earlier versions take none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.evaluate import predict
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.history import read_history
from core.project.runs import RunFolder
from core.settings import toml
from core.train import resuming
from core.train.settings import RunSettings

GOLDEN = Path(__file__).parents[2] / "golden" / "beside"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "beside"))


def test_the_columns_their_scaling_and_the_answers_are_those_of_then(project):
    folder = RunFolder(project / "runs" / TOLD["run"])
    network = Predictor.load(folder.path)
    assert network.side is not None and network.side.to_dict() == TOLD["side"]
    assert toml.load(RunSettings, folder.settings_file).data.side_columns == ("redshift", "flux")
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, TOLD["scores"], atol=1e-4)


def test_a_run_with_columns_beside_the_image_goes_on_as_it_would_have(project):
    folder, told = RunFolder(project / "runs" / TOLD["run"]), TOLD["gone_on"]
    result_of(resuming.run(folder, epochs=told["epochs"]))
    for now, then in zip(read_history(folder.history_file), told["history"], strict=True):
        assert [now["loss"], now["val_loss"]] == pytest.approx([then["loss"], then["val_loss"]], abs=1e-4)
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, told["scores"], atol=1e-3)


def test_a_network_of_an_earlier_version_takes_the_image_alone():
    run = RunFolder(next((GOLDEN.parent / "positive" / "runs").glob("* positive")))
    assert Predictor.load(run.path).side is None
    assert toml.load(RunSettings, run.settings_file).data.side_columns == ()

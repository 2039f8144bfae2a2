"""What is learned as a logarithm stays one, and what an earlier version learned plainly stays plain."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.data.target import Quantities
from core.evaluate import predict
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.history import read_history
from core.project.runs import RunFolder
from core.train import resuming

GOLDEN = Path(__file__).parents[2] / "golden" / "positive"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "positive"))


def test_answers_and_error_bars_of_a_logarithm_are_those_of_then(project):
    folder = RunFolder(project / "runs" / TOLD["run"])
    network = Predictor.load(folder.path)
    assert isinstance(network.target, Quantities)
    assert (list(network.target.logarithms), list(network.target.periods)) == (TOLD["logarithms"], TOLD["periods"])
    assert network.calibration is not None and list(network.calibration.factors) == TOLD["factors"]
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, TOLD["scores"], atol=1e-4)
    assert np.allclose(found.errors, TOLD["errors"], atol=1e-4)


def test_a_run_on_logarithms_goes_on_as_it_would_have(project):
    folder, told = RunFolder(project / "runs" / TOLD["run"]), TOLD["gone_on"]
    result_of(resuming.run(folder, epochs=told["epochs"]))
    for now, then in zip(read_history(folder.history_file), told["history"], strict=True):
        assert [now["loss"], now["val_loss"]] == pytest.approx([then["loss"], then["val_loss"]], abs=1e-4)
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, told["scores"], atol=1e-3)
    calibration = Predictor.load(folder.path).calibration
    assert calibration is not None and calibration.factors == pytest.approx(told["factors"], rel=1e-3)


def test_a_radius_that_an_earlier_version_learned_is_a_plain_number():
    old = Predictor.load(next((GOLDEN.parent / "measured" / "runs").glob("* measured"))).target
    assert isinstance(old, Quantities) and "half_light_radius" in old.columns and old.logarithms == ()

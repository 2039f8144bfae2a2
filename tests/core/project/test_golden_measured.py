"""Angles, calibrated error bars, the training range and zero points stay; see ``tests/golden/README.md``."""

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

GOLDEN = Path(__file__).parents[2] / "golden" / "measured"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "measured"))


def test_error_bars_have_the_factors_of_then(project):
    folder = RunFolder(project / "runs" / TOLD["run"])
    network = Predictor.load(folder.path)
    assert network.calibration is not None and network.calibration.to_dict() == TOLD["calibration"]
    assert network.training_range is not None and network.training_range.to_dict() == TOLD["training_range"]
    assert list(network.zero_points) == TOLD["zero_points"]
    assert isinstance(network.target, Quantities) and list(network.target.periods) == TOLD["periods"] == [
        None,
        None,
        180,
    ]
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, TOLD["scores"], atol=1e-4)
    assert np.allclose(found.errors, TOLD["errors"], atol=1e-4)


def test_a_calibrated_run_goes_on_as_it_would_have_and_is_calibrated_anew(project):
    folder, told = RunFolder(project / "runs" / TOLD["run"]), TOLD["gone_on"]
    result_of(resuming.run(folder, epochs=told["epochs"]))
    for now, then in zip(read_history(folder.history_file), told["history"], strict=True):
        assert [now["loss"], now["val_loss"]] == pytest.approx([then["loss"], then["val_loss"]], abs=1e-4)
    calibration = Predictor.load(folder.path).calibration
    assert calibration is not None and calibration.factors == pytest.approx(told["factors"], rel=1e-3)
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.errors, told["errors"], atol=1e-3)


def test_a_network_of_an_earlier_format_has_its_own_error_bars_and_no_range():
    old = Predictor.load(next((GOLDEN.parent / "bench" / "runs").glob("* widths")))
    assert old.has_error_bars
    assert (old.calibration, old.training_range, old.zero_points) == (None, None, ())

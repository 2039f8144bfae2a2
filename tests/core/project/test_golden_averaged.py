"""Answers averaged over mirror images and turns, and epochs with repeats, stay; see ``tests/golden/README.md``."""

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

GOLDEN = Path(__file__).parents[2] / "golden" / "averaged"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "averaged"))


def test_answers_are_averaged_over_the_views_that_they_were_averaged_over(project):
    folder = RunFolder(project / "runs" / TOLD["run"])
    assert [list(view) for view in Predictor.load(folder.path).views] == TOLD["views"]
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, TOLD["scores"], atol=1e-4)
    assert found.predicted == TOLD["predicted"]


def test_a_run_with_repeats_goes_on_as_it_would_have(project):
    folder, told = RunFolder(project / "runs" / TOLD["run"]), TOLD["gone_on"]
    assert toml.load(RunSettings, folder.settings_file).optimiser.repeats == 19
    result_of(resuming.run(folder, epochs=told["epochs"]))
    for now, then in zip(read_history(folder.history_file), told["history"], strict=True):
        assert [now["loss"], now["val_loss"]] == pytest.approx([then["loss"], then["val_loss"]], abs=1e-4)
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, told["scores"], atol=1e-4)

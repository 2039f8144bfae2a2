"""Probabilities of the survey, averaged weights and a kept decision stay; see ``tests/golden/README.md``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.evaluate import decision as decisions
from core.evaluate import predict
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.history import read_history
from core.project.runs import RunFolder
from core.train import resuming

GOLDEN = Path(__file__).parents[2] / "golden" / "decision"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN, tmp_path / "decision"))


def test_probabilities_and_the_classes_that_the_kept_decision_makes_of_them_stay(project):
    folder = RunFolder(project / "runs" / TOLD["run"])
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, TOLD["scores"], atol=1e-4)
    assert found.predicted == TOLD["predicted"]
    assert found.decision.text == TOLD["decision"]
    assert found.predicted != [found.names[place] for place in found.scores.argmax(axis=1)]
    assert decisions.assumed_frequencies(Predictor.load(folder.path), folder.path) == pytest.approx(TOLD["assumed"])


def test_a_run_with_averaged_weights_goes_on_as_it_would_have(project):
    folder, told = RunFolder(project / "runs" / TOLD["run"]), TOLD["gone_on"]
    result_of(resuming.run(folder, epochs=told["epochs"]))
    for now, then in zip(read_history(folder.history_file), told["history"], strict=True):
        assert [now["loss"], now["val_loss"]] == pytest.approx([then["loss"], then["val_loss"]], abs=1e-4)
    found = result_of(predict.run(folder.path, project / "datasets" / TOLD["data"]))
    assert np.allclose(found.scores, told["scores"], atol=1e-4)

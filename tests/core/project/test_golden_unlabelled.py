"""A network that learned without labels keeps its features, and goes on as it would have."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.cutouts import Cutouts
from core.data.target import NoAnswers
from core.events import result_of
from core.nets.predictor import Predictor
from core.project.history import read_history
from core.project.runs import RunFolder
from core.train import resuming

GOLDEN = Path(__file__).parents[2] / "golden" / "unlabelled"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


def features(folder: RunFolder, data: Path) -> np.ndarray:
    predictor = Predictor.load(folder.path, needs_answers=False)
    assert predictor.target == NoAnswers(TOLD["directions"])
    with Cutouts.open(data) as cutouts, torch.inference_mode():
        scaled = predictor.normalisation(torch.from_numpy(cutouts.images[:]))
        return predictor.network.neck(predictor.network.features(scaled)).numpy()


def test_features_are_those_of_then_and_it_goes_on_as_it_would_have(tmp_path):
    project = Path(shutil.copytree(GOLDEN, tmp_path / "unlabelled"))
    folder, data = RunFolder(project / "runs" / TOLD["run"]), project / "datasets" / TOLD["data"]
    assert np.allclose(features(folder, data), TOLD["features"], atol=1e-4)
    result_of(resuming.run(folder, epochs=TOLD["gone_on"]["epochs"]))
    for now, then in zip(read_history(folder.history_file), TOLD["gone_on"]["history"], strict=True):
        for name in ("loss", "val_loss", "val_neighbours_accuracy"):
            assert now[name] == pytest.approx(then[name], abs=1e-3)
    assert np.allclose(features(folder, data), TOLD["gone_on"]["features"], atol=1e-3)

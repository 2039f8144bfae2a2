"""An ensemble answers as it did; see ``tests/golden/README.md``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.evaluate import evaluation, predict
from core.events import result_of
from core.project.project import Project

GOLDEN = Path(__file__).parents[2] / "golden" / "together"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))


def test_the_mean_of_two_networks_and_what_their_doubt_comes_from_stay(tmp_path):
    project = Project.open(Path(shutil.copytree(GOLDEN, tmp_path / "moved")))
    project.close()
    (ensemble,) = [run for run in project.runs() if run.is_ensemble]
    found = result_of(predict.run(ensemble.path, project.dataset_path("survey")))
    assert np.allclose(found.scores, TOLD["scores"], atol=1e-4)
    assert found.doubt is not None and found.doubt.data is not None
    assert np.allclose(found.doubt.data[:, 0], TOLD["data"], atol=1e-4)
    assert np.allclose(found.doubt.ignorance[:, 0], TOLD["networks"], atol=1e-4)
    judged = result_of(evaluation.run(ensemble, None, "test"))
    assert judged.report.galaxies == TOLD["test"]["galaxies"]
    assert judged.report.accuracy.value == pytest.approx(TOLD["test"]["accuracy"])

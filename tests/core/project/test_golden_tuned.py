"""Runs that were fine-tuned block by block, or on kept features, stay what they are; see ``tests/golden/README.md``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.evaluate import predict
from core.events import result_of
from core.project.history import read_history
from core.project.runs import RunFolder
from core.settings import toml
from core.train import resuming
from core.train.settings import RunSettings

GOLDEN = Path(__file__).parents[2] / "golden" / "tuned"
TOLD = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
TUNED, HEAD = sorted(TOLD["runs"])


def test_the_choices_of_how_much_is_tuned_are_those_of_then():
    tuned, head = (toml.load(RunSettings, GOLDEN / "runs" / run / "settings.toml").transfer for run in (TUNED, HEAD))
    chosen = (tuned.block_rate, tuned.unfreeze_every, tuned.batch_statistics, tuned.pull_to_start)
    assert chosen == (0.5, 1, "kept", 1.5)
    assert (head.freeze_blocks, head.cached_views) == (2, 4)


@pytest.mark.parametrize("run", [TUNED, HEAD])
def test_a_fine_tuned_run_goes_on_as_it_would_have_without_the_network_it_started_from(tmp_path, run):
    project = Path(shutil.copytree(GOLDEN, tmp_path / "tuned"))
    shutil.rmtree(next((project / "runs").glob("* base")))
    folder, told, data = RunFolder(project / "runs" / run), TOLD["runs"][run], project / "datasets" / TOLD["data"]
    found = result_of(predict.run(folder.path, data))
    assert np.allclose(found.scores, told["scores"], atol=1e-4)
    assert found.predicted == told["predicted"]
    result_of(resuming.run(folder, epochs=told["gone_on"]["epochs"]))
    for now, then in zip(read_history(folder.history_file), told["gone_on"]["history"], strict=True):
        names = ("loss", "val_loss", "learning_rate")
        assert [now[name] for name in names] == pytest.approx([then[name] for name in names], abs=1e-4)
    found = result_of(predict.run(folder.path, data))
    assert np.allclose(found.scores, told["gone_on"]["scores"], atol=1e-3)

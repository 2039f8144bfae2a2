import json
import threading

import pytest
import safetensors.torch
import torch

from core.events import result_of
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.project.runs import RunFolder
from core.settings import toml
from core.train import loop
from core.train.settings import OptimiserSettings, RunSettings, TransferSettings

pytestmark = pytest.mark.usefixtures("timm")
SMALL = "test_resnet"


@pytest.mark.slow
def test_a_run_with_frozen_stages_learns_and_loads_without_the_file(timm, blobs, tmp_path):
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(timm.create_model(SMALL).state_dict(), path)
    pretrained = RunSettings(
        network=NetworkSettings(backbone=SMALL, weights=str(path), dense=0),
        optimiser=OptimiserSettings(epochs=3, batch_size=16, learning_rate=3e-3),
        device="cpu",
        precision="float32",
    )
    folder = RunFolder.create(tmp_path / "run")
    result_of(loop.run(pretrained, blobs, folder, threading.Event()))
    losses = [row["loss"] for row in read_history(folder.history_file)]
    assert losses[-1] < losses[0]
    path.unlink()
    one, two = Predictor.load(folder.best), Predictor.load(folder.best)
    stamps = torch.rand(2, *one.stamp_shape)
    assert torch.equal(one.scores(stamps), two.scores(stamps))
    assert toml.load(RunSettings, folder.settings_file).network.backbone == SMALL
    tuned = RunFolder.create(tmp_path / "tuned")
    wish = pretrained.model_copy(
        update={
            "network": NetworkSettings(),
            "transfer": TransferSettings(start_from=str(folder.path), freeze_blocks=2),
            "optimiser": OptimiserSettings(epochs=1, batch_size=16),
        }
    )
    result_of(loop.run(wish, blobs, tuned, threading.Event()))
    after = Predictor.load(tuned.best).network.state_dict()
    for name, value in one.network.state_dict().items():
        if one.network.block_of(name) <= 2:
            assert torch.equal(after[name], value), name
    assert json.loads((tuned.path / "metrics.json").read_text())["baseline"] is not None

"""In which order the numbers of a batch lie in memory, which decides how fast it is convolved."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from core.data.cutouts import Cutouts
from core.events import result_of
from core.nets.features import last_features
from core.nets.predictor import Predictor
from core.train import loop
from core.train.settings import RunSettings


@pytest.fixture
def slow_ones():
    """The convolutions that were given a batch in the slow order."""
    found: list[nn.Module] = []

    def look(module, inputs):
        if isinstance(module, nn.Conv2d) and len(inputs[0]):
            _, channels, _, width = inputs[0].shape
            if inputs[0].stride()[1:] != (1, width * channels, channels):
                found.append(module)

    handle = register_module_forward_pre_hook(look)
    yield found
    handle.remove()


@pytest.mark.parametrize("bands", [1, 2])
def test_every_convolution_is_given_its_channels_last_also_of_a_single_band(
    bands, draw, new_dataset, new_run, slow_ones
):
    images, kinds, _ = draw(60)
    data = new_dataset(
        images[:, :bands], {"kind": np.array(["point", "disk", "edge-on"])[kinds]}, ["kind"], bands=("g", "r")[:bands]
    )
    network = {"depth": 2, "channels": 8, "dense": 8}
    optimiser = {"epochs": 1, "batch_size": 16}
    wish = {"network": network, "optimiser": optimiser, "device": "cpu", "precision": "float32"}
    folder = new_run()
    result_of(loop.run(RunSettings.model_validate(wish), data, folder))
    assert not slow_ones
    predictor = Predictor.load(folder.best)
    with Cutouts.open(data) as cutouts:
        last_features(predictor, torch.from_numpy(cutouts.images[:5]))
        predictor.scores(torch.from_numpy(cutouts.images[:5]))
    assert not slow_ones

"""How far a network has moved, against the plain formula."""

import copy

import numpy as np
import pytest
import torch

from core.adapt import weight_changes
from core.errors import NotPossible
from core.nets import cnn
from core.nets.settings import NetworkSettings


def network(**more):
    made = cnn.build(NetworkSettings(depth=2, channels=4, dense=4, **more), (1, 16, 16), 3)
    made(torch.randn(20, 1, 16, 16, generator=torch.Generator().manual_seed(1)))
    return made.eval()


def test_the_change_of_weights_is_relative_to_what_they_were():
    before = network()
    after = copy.deepcopy(before)
    with torch.no_grad():
        after.features.conv2.weight.mul_(1.25)
        after.head.output.bias.add_(0.5)
    found = {each.name: each for each in weight_changes.measure(before, after)}
    assert found["features.conv2"].change == pytest.approx(0.25)
    weights = np.concatenate([value.detach().numpy().ravel() for value in before.head.output.parameters()])
    assert found["head.output"].change == pytest.approx(0.5 * 3**0.5 / np.linalg.norm(weights))
    assert [each.name for each in found.values() if not each.is_identical] == ["features.conv2", "head.output"]
    assert sum(each.weights for each in found.values()) == sum(weight.numel() for weight in before.parameters())
    assert [each.block for each in found.values()] == [1, 1, 2, 2, 3, 3]


def test_a_shift_of_the_batch_statistics_is_in_standard_deviations_and_no_change_of_weights():
    before = network()
    after = copy.deepcopy(before)
    norm = after.features.norm1
    width = (norm.running_var + norm.eps).sqrt()
    norm.running_mean.add_(0.3 * width)
    norm.running_var.copy_((1.4 * width).square() - norm.eps)
    found = {each.name: each for each in weight_changes.measure(before, after)}
    assert found["features.norm1"].statistics == pytest.approx(0.5, rel=1e-5)  # 3, 4, 5
    assert (found["features.norm1"].change, found["features.norm1"].is_identical) == (0.0, False)
    assert found["features.norm2"].statistics == 0.0
    assert found["features.conv1"].statistics is None


def test_a_residual_block_is_one_layer_with_weights_and_statistics():
    before = network(residual=True, layers=2)
    after = copy.deepcopy(before)
    with torch.no_grad():
        for weight in after.features.residual2.parameters():
            weight.mul_(3)
    found = {each.name: each for each in weight_changes.measure(before, after)}
    assert found["features.residual2"].change == pytest.approx(2.0)
    assert found["features.residual2"].statistics == 0.0
    assert found["features.residual1"].is_identical


def test_networks_with_different_layers_are_not_compared():
    with pytest.raises(NotPossible, match="different layers"):
        weight_changes.measure(network(), network(kernel=5))

import sys

import numpy as np
import pytest
import torch
from torch import nn

from core.nets import cnn, layers
from core.nets.settings import NetworkSettings


def _seen_by(network, name, shape, unit):
    """Rows and columns of input pixels on which one unit's value depends, by its gradient."""
    images = torch.rand(1, *shape, dtype=torch.float64, requires_grad=True)
    kept = {}
    network.get_submodule(name).register_forward_hook(lambda *args: kept.update(value=args[2]))
    network(images)
    kept["value"][0, :, unit[0], unit[1]].sum().backward()
    touched = images.grad.abs().sum(dim=(0, 1)).numpy() > 0
    return np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))


@pytest.mark.parametrize(
    ("knobs", "size"),
    [
        ({"depth": 3, "kernel": 3}, 64),
        ({"depth": 2, "kernel": 7, "activation": "gelu"}, 48),
        ({"depth": 3, "kernel": 5, "activation": "leaky relu"}, 96),
        ({"depth": 2, "layers": 3}, 48),
        ({"depth": 3, "layers": 2, "residual": True}, 80),
    ],
)
def test_the_receptive_field_is_what_the_gradient_touches(knobs, size):
    shape = (2, size, size)
    network = cnn.build(NetworkSettings(channels=4, normalise="none", **knobs), shape, 2).double()
    for module in network.modules():  # mean pooling and positive weights: no unit hides another
        if isinstance(module, nn.Conv2d):
            nn.init.uniform_(module.weight, 0.1, 1)
    for chain in [module for module in network.modules() if isinstance(module, nn.Sequential)]:
        for name, module in list(chain.named_children()):
            if isinstance(module, nn.MaxPool2d):
                setattr(chain, name, nn.AvgPool2d(2))
    for row in layers.table(cnn.build(network.settings, shape, 2), shape):
        if not row.name.startswith("features"):
            continue
        unit = (row.shape[1] // 2, row.shape[2] // 2)
        for touched, place, side in zip(_seen_by(network, row.name, shape, unit), unit, shape[1:], strict=True):
            centre = row.offset + place * row.stride
            low, high = centre - (row.receptive_field - 1) / 2, centre + (row.receptive_field - 1) / 2
            assert touched[0] == max(0, low), row
            assert touched[-1] == min(side - 1, high), row


def test_shapes_and_parameters_are_those_of_the_network():
    shape = (3, 50, 40)
    network = cnn.build(NetworkSettings(depth=3, pooling="flatten"), shape, 7)
    rows = layers.table(network, shape)
    assert sum(row.parameters for row in rows) == sum(parameter.numel() for parameter in network.parameters())
    assert rows[-1].shape == (7,)
    assert [row.shape for row in rows if row.name == "features.pool2"] == [(48, 12, 10)]
    assert [row.block for row in rows] == sorted(row.block for row in rows)
    assert rows[-1].block == 4


def test_the_head_sees_the_whole_stamp():
    rows = layers.table(cnn.build(NetworkSettings(), (1, 64, 64), 2), (1, 64, 64))
    assert {row.receptive_field for row in rows if row.name.startswith(("neck", "head"))} == {64}


def test_the_table_leaves_the_network_as_it_was():
    network = cnn.build(NetworkSettings(), (1, 32, 32), 2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    layers.table(network, (1, 32, 32))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_table_of_layers_does_not_load_the_compiler_of_torch(monkeypatch):
    """It took three seconds at the start of each training; where it was loaded before, this test sees nothing."""
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    rows = layers.table(cnn.build(NetworkSettings(), (3, 64, 64), 3), (3, 64, 64))
    assert rows[0].shape == (32, 64, 64)

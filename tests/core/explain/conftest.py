"""Small networks with weights from a seed, and batch statistics that are not those of a fresh network."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from planted import Planted, learn
from torch import nn

from core.data.target import Classes, Target
from core.nets import cnn
from core.nets.heads import OutputScale
from core.nets.normalisation import Normalisation
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings

Make = Callable[..., Predictor]


@pytest.fixture
def make() -> Make:
    """``make(shape, target=..., depth=..., ...)``: a predictor with a small random network."""

    def built(
        shape: tuple[int, int, int],
        target: Target | None = None,
        scale: OutputScale | None = None,
        seed: int = 0,
        **knobs: Any,
    ) -> Predictor:
        target = target or Classes("kind", ("disk", "edge-on", "spheroid"))
        knobs = {"depth": 3, "channels": 8, "dense": 16} | knobs
        random = torch.Generator().manual_seed(seed)
        outputs = len(target.names if isinstance(target, Classes) else target.columns)
        network = cnn.build(NetworkSettings(**knobs), shape, outputs, random)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for statistic in (module.running_mean, module.weight.data, module.bias.data):
                    statistic.add_(0.3 * torch.randn(statistic.shape, generator=random))
                module.running_var.mul_(1 + torch.rand(module.running_var.shape, generator=random))
        network.eval().requires_grad_(requires_grad=False)
        bands = shape[0]
        knee = torch.linspace(1, 2, bands)
        normalisation = Normalisation("asinh", torch.full((bands,), 0.5), knee, torch.zeros(bands), torch.ones(bands))
        names = tuple("ugriz"[:bands])
        return Predictor(network, normalisation, target, names, shape, 0.4, scale)

    return built


@pytest.fixture
def linear(make: Make) -> Predictor:
    """A network without any bend: mean pools, no activation, inputs as they are; (2, 12, 16) stamps."""
    predictor = make((2, 12, 16), depth=2, pooling="flatten")
    _replace(predictor, {nn.MaxPool2d: nn.AvgPool2d(2), nn.ReLU: nn.Identity()})
    predictor.normalisation.kind = "standard"
    return predictor


@pytest.fixture
def smooth(make: Make) -> Make:
    """``smooth(shape)``: a network whose slopes have no edges, so that they are as exact as its outputs."""

    def built(shape: tuple[int, int, int]) -> Predictor:
        predictor = make(shape, activation="gelu")
        _replace(predictor, {nn.MaxPool2d: nn.AvgPool2d(2)})
        return predictor

    return built


def _replace(predictor: Predictor, others: dict[type[nn.Module], nn.Module]) -> None:
    for part in (predictor.network.features, predictor.network.head):
        for name, module in list(part.named_children()):
            if type(module) in others:
                setattr(part, name, others[type(module)])


def image(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """A galaxy in noise, float32."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[1], : shape[2]]
    distance = ((y - 0.45 * shape[1]) ** 2 + 2 * (x - 0.55 * shape[2]) ** 2) / (0.15 * shape[1]) ** 2
    galaxy = 20 * np.exp(-0.5 * distance) * np.arange(1, shape[0] + 1)[:, None, None]
    return (galaxy + random.normal(0, 1, shape)).astype(np.float32)


@pytest.fixture
def galaxy() -> Callable[..., np.ndarray]:
    """``galaxy(shape, seed=0)``: a galaxy in noise, float32 (C, H, W)."""
    return image


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A network that was taught to look at nothing but a patch, and galaxies with and without it; to be read only.

    It is trained by the first of the test processes that needs it.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with FileLock(shared / "planted.lock"):
        return learn(shared / "planted.safetensors")

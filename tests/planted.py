"""Planted evidence: galaxies whose class is told by one bright patch beside them, and a network that has learned it.

Whoever asks this network why must be led to the patch, and whoever asks one with random weights must not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch.nn import functional

from core.data.target import Classes
from core.nets import cnn, normalisation
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings

SIDE = 32
PATCH = (slice(21, 26), slice(5, 10))
"""Rows and columns of the patch."""
CLASSES = ("plain", "marked")


@dataclass(frozen=True, eq=False)
class Planted:
    """A network that knows galaxies by their mark, galaxies that it has not seen, and where the mark is.

    Attributes
    ----------
    predictor
        The network; its classes are :data:`CLASSES`.
    untaught
        Networks of the same plan with random weights.
    images
        float32 (n, C, SIDE, SIDE); galaxy, neighbours and noise are drawn alike for both classes.
    labels
        int64 (n,): 1 where the patch is there.
    patch
        bool (SIDE, SIDE), true on the patch.
    """

    predictor: Predictor
    untaught: tuple[Predictor, ...]
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    patch: NDArray[np.bool_]

    @property
    def marked(self) -> NDArray[np.float32]:
        """The galaxies with the patch."""
        return self.images[self.labels == 1]

    def around(self, margin: int) -> NDArray[np.bool_]:
        """The patch and so many pixels more on each side, for maps that are coarse."""
        grown = np.zeros_like(self.patch)
        grown[tuple(slice(max(0, side.start - margin), side.stop + margin) for side in PATCH)] = True
        return grown


def draw(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Galaxies in two noisy bands, every second one marked."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    return np.stack([_galaxy(bool(label), random) for label in labels]), labels


def learn(weights: Path, count: int = 1000, epochs: int = 5, seed: int = 0) -> Planted:
    """Train a small network of ours on ``count`` galaxies, a few seconds; or read its ``weights`` where they exist."""
    images, labels = draw(count, seed)
    scaling = normalisation.fit(images, "asinh")
    predictor = _predictor(scaling, seed)
    untaught = tuple(_predictor(scaling, seed + number) for number in range(5))
    if not weights.exists():
        _train(predictor, images, labels, epochs, seed)
        safetensors.torch.save_file(predictor.network.state_dict(), weights)
    predictor.network.load_state_dict(safetensors.torch.load_file(weights))
    for one in (predictor, *untaught):
        one.network.eval().requires_grad_(requires_grad=False)
    patch = np.zeros((SIDE, SIDE), bool)
    patch[PATCH] = True
    return Planted(predictor, untaught, *draw(40, seed + 1), patch)


def _train(
    predictor: Predictor, images: NDArray[np.float32], labels: NDArray[np.int64], epochs: int, seed: int
) -> None:
    optimiser = torch.optim.Adam(predictor.network.parameters(), 5e-3)
    order = torch.Generator().manual_seed(seed)
    predictor.network.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(images), generator=order).split(20):
            outputs = predictor.logits(torch.from_numpy(images)[batch])
            loss = functional.cross_entropy(outputs, torch.from_numpy(labels)[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def _predictor(scaling: normalisation.Normalisation, seed: int) -> Predictor:
    settings = NetworkSettings(depth=3, channels=8, dense=0, dropout=0)
    network = cnn.build(settings, (2, SIDE, SIDE), 2, torch.Generator().manual_seed(seed))
    return Predictor(network, scaling, Classes("mark", CLASSES), ("g", "r"), (2, SIDE, SIDE), 0.4)


def _galaxy(marked: bool, random: np.random.Generator) -> NDArray[np.float32]:
    y, x = np.mgrid[:SIDE, :SIDE]
    colours = np.array([0.7, 1.0])[:, None, None]
    middle = (SIDE - 1) / 2 + random.normal(0, 0.5, 2)
    radius = np.hypot(y - middle[0], x - middle[1]) / random.uniform(1.5, 2.5)
    image = random.uniform(20, 60) * np.exp(-radius) * colours
    for _ in range(3):
        angle, distance = random.uniform(0, 2 * np.pi), random.uniform(9, 15)
        row, column = middle[0] + distance * np.sin(angle), middle[1] + distance * np.cos(angle)
        star = np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / random.uniform(1, 1.6) ** 2)
        image = image + random.uniform(10, 40) * star * colours
    if marked:
        image[:, *PATCH] += random.uniform(10, 20) * np.array([1.0, 0.5])[:, None, None]
    return (image + random.normal(0, 1, image.shape)).astype(np.float32)

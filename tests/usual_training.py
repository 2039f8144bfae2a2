"""What the training loop is measured against: networks and loops as tutorials have them, and how sides take turns."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import statistics
import sys
import threading
import time

import numpy as np
import pytest
import torch
from astropy.table import Table
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from core.data.store import Band, DatasetWriter, Origin
from core.events import BatchEnded
from core.nets import cnn
from core.project.runs import RunFolder
from core.train import loop
from core.train.settings import OptimiserSettings, RunSettings

SIZE, BANDS, GALAXIES, BATCH, ROUNDS = 64, 3, 1200, 64, 5


def write_noise(path, galaxies=GALAXIES):
    """A dataset of noise with three classes."""
    random = np.random.default_rng(0)
    ids = [str(row) for row in range(galaxies)]
    kinds = np.array(["disk", "edge-on", "spheroid"])[random.integers(0, 3, galaxies)]
    with DatasetWriter(path, (BANDS, SIZE, SIZE), [Band(name) for name in "gri"], "float32") as writer:
        for part in np.array_split(np.arange(galaxies), -(-galaxies // 1000)):
            images = random.normal(0, 1, (len(part), BANDS, SIZE, SIZE)).astype(np.float32)
            names = [str(row) for row in part]
            writer.append(images, names, np.full(len(part), 0.4), [""] * len(part), np.zeros(len(part)))
        writer.finish(Table({"id": ids, "kind": kinds}), ["kind"], Origin("benchmark", "", "noise", ""), [])
    return path


def our_loop(data, folder, precision):
    """Images per second of the second epoch of the real training run, everything included but validation."""
    settings = RunSettings(optimiser=OptimiserSettings(epochs=2, batch_size=BATCH), precision=precision, device="cpu")
    rates = [
        event.images_per_second
        for event in loop.run(settings, data, RunFolder(folder), threading.Event())
        if isinstance(event, BatchEnded) and event.epoch == 2
    ]
    return rates[-1]


class Galaxies(Dataset):
    """Noise with labels, varied one galaxy at a time."""

    def __init__(self, vary):
        self.vary = vary
        self.images = torch.randn(GALAXIES, BANDS, SIZE, SIZE)
        self.labels = torch.randint(0, 3, (GALAXIES,))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, row):
        return self.vary(self.images[row]), self.labels[row]


def usual_network():
    """Our default network of torch's own layers."""
    wish = RunSettings().network
    filters = [BANDS, *(cnn.filters_of(wish, number) for number in range(1, wish.depth + 1))]
    layers = [
        layer
        for before, after in itertools.pairwise(filters)
        for layer in (
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )
    ]
    head = [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(filters[-1], 64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 3),
    ]
    network = nn.Sequential(*layers, *head).train()
    ours = cnn.build(RunSettings().network, (BANDS, SIZE, SIZE), 3)
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in ours.parameters())
    return network


def usual_loop(vary):
    """Images per second of a loop as tutorials have it: float32, one galaxy at a time augmented in the Dataset."""
    network = usual_network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    done = 0
    for batch, (images, labels) in enumerate(DataLoader(Galaxies(vary), batch_size=BATCH, shuffle=True)):
        if batch == 3:
            started, done = time.perf_counter(), 0
        loss = functional.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        done += len(images)
    return done / (time.perf_counter() - started)


def import_torchvision():
    """Import torchvision, or skip the test."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    try:
        importlib.import_module("torchvision")
    except RuntimeError:  # built for a GPU: its compiled operators, which transforms do not use, are missing
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        globals()["_operators"] = library  # they vanish with it


def torchvision_pipeline():
    """Rotation, shift, zoom, flips and noise of our default settings by torchvision, for one galaxy at a time."""
    import_torchvision()
    v2 = importlib.import_module("torchvision.transforms.v2")
    wish = RunSettings().augmentation
    return v2.Compose(
        [
            v2.RandomAffine(
                wish.rotation,
                (wish.width_shift, wish.height_shift),
                (wish.zoom_min, wish.zoom_max),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.RandomHorizontalFlip(),
            v2.RandomVerticalFlip(),
            v2.GaussianNoise(0, wish.noise, clip=False),
        ]
    )


def per_sample_pipeline():
    """The same by the torch operations that torchvision is made of, where torchvision is not installed."""
    wish = RunSettings().augmentation

    def vary(image):
        angle = float(torch.empty(1).uniform_(-wish.rotation, wish.rotation)) * np.pi / 180
        zoom = float(torch.empty(1).uniform_(wish.zoom_min, wish.zoom_max))
        shift = torch.empty(2).uniform_(-wish.width_shift, wish.width_shift) * 2
        cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
        theta = torch.tensor([[[cosine, sine, float(shift[0])], [-sine, cosine, float(shift[1])]]], dtype=torch.float32)
        grid = functional.affine_grid(theta, [1, *image.shape], align_corners=False)
        image = functional.grid_sample(image[None], grid, align_corners=False)[0]
        for axis in (1, 2):
            if torch.rand(1) < 0.5:
                image = image.flip(axis)
        return image + wish.noise * torch.randn_like(image)

    return vary


def alternating(**sides):
    """The median of several rounds for each side, taken in turns."""
    rates = {name: [] for name in sides}
    for number in range(ROUNDS):
        for name, measure in sides.items():
            rates[name].append(measure(number))
    return {name: statistics.median(values) for name, values in rates.items()}

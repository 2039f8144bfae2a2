"""Networks and datasets that do not fit each other: untrained networks, and a few galaxies of noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from galaxies import write_dataset

from core.data.target import Classes, Quantities, Target, VoteFractions
from core.nets import cnn, heads, normalisation
from core.nets.heads import OutputScale
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings

KINDS = Classes("kind", ("edge-on", "elliptical", "spiral"))
VOTES = VoteFractions(("smooth", "featured"))
RADIUS = Quantities(("radius",), ("arcsec",))

NETWORKS: dict[str, tuple[Target, tuple[str, ...], int, dict[str, object]]] = {
    "three bands": (KINDS, ("g", "r", "i"), 16, {}),
    "flat": (KINDS, ("r",), 16, {"pooling": "flatten"}),
    "deep": (KINDS, ("r",), 32, {"depth": 5}),
    "votes": (VOTES, ("r",), 16, {}),
    "radius": (RADIUS, ("r",), 16, {}),
}
DATASETS: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "four bands": (("u", "g", "r", "i"), 16, ("kind",)),
    "tiny": (("r",), 8, ("kind",)),
    "other classes": (("r",), 16, ("type",)),
    "magnitudes": (("r",), 16, ("magnitude",)),
}
HARD = [
    ("three bands", "four bands"),
    ("three bands", "tiny"),
    ("flat", "tiny"),
    ("deep", "tiny"),
    ("votes", "four bands"),
]
"""Pairs of which the network cannot process the images."""


def write_network(folder: Path, name: str) -> RunFolder:
    """The folder of a run with such a network."""
    target, bands, side, wish = NETWORKS[name]
    settings = NetworkSettings.model_validate({"depth": 2, "channels": 4, "dense": 4, "dropout": 0, **wish})
    shape = (len(bands), side, side)
    network = cnn.build(settings, shape, heads.output_count(target), torch.Generator().manual_seed(1)).eval()
    network.requires_grad_(requires_grad=False)
    scale = OutputScale(torch.tensor([2.0]), torch.tensor([1.0])) if isinstance(target, Quantities) else None
    run = RunFolder(folder)
    predictor = Predictor(network, normalisation.identity(len(bands)), target, bands, shape, 0.4, scale)
    predictor.save(run.best)
    run.settings_file.write_text(toml.dumps(RunSettings(network=settings)), encoding="utf-8")
    return run


def write_data(path: Path, name: str, count: int = 24) -> Path:
    """Such a dataset of noise."""
    bands, side, labels = DATASETS[name]
    random = np.random.default_rng(0)
    columns = {
        "kind": [KINDS.names[row % 3] for row in range(count)],
        "type": ["merger" if row % 2 else "ring" for row in range(count)],
        "magnitude": random.uniform(14, 18, count),
    }
    images = random.normal(0, 1, (count, len(bands), side, side)).astype(np.float32)
    return write_dataset(path, images, {label: columns[label] for label in labels}, labels, bands)

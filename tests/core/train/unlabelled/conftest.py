import threading

import numpy as np
import pytest
import torch
from galaxies import write_dataset

from core.events import EpochEnded, Skipped, map_events, result_of
from core.train import loop
from core.train.settings import RunSettings

SIZE = 16
NAMES = np.array(["point", "disk", "edge-on"])


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def new_survey(tmp_path, draw):
    """Write a survey: its name, number of galaxies, and what distinguishes it from others."""

    def write(name, count=90, *, seed=0, size=SIZE, bands=("g", "r"), labelled=None, classes=NAMES, **columns):
        images, kinds, _ = draw(count, size, seed)
        images = np.ascontiguousarray(images[:, : len(bands)])
        labels = np.where(np.arange(count) < (count if labelled is None else labelled), classes[kinds], "")
        ids = [f"{name} {row:04d}" for row in range(count)]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        return write_dataset(tmp_path / f"{name}.h5", images, {"kind": labels, **columns}, ["kind"], bands, ids=ids)

    return write


@pytest.fixture
def wish():
    """Settings of a short training with these of ``unlabelled``, and those of other sections by their names."""

    def make(epochs=2, data=None, network=None, transfer=None, optimiser=None, **unlabelled):
        return RunSettings.model_validate(
            {
                "data": data or {},
                "network": {"depth": 2, "channels": 4, "dense": 8, **(network or {})},
                "optimiser": {"epochs": epochs, "batch_size": 16, "learning_rate": 0.01, **(optimiser or {})},
                "stopping": {"patience": 0, "snapshots": 0},
                "transfer": transfer or {},
                "unlabelled": {key: str(value) if key == "dataset" else value for key, value in unlabelled.items()},
                "device": "cpu",
                "precision": "float32",
            }
        )

    return make


@pytest.fixture
def train():
    """Train; returns the result, the epochs, and the sentences that were said before them."""

    def follow(data, folder, settings):
        epochs, said = [], []

        def note(event):
            epochs.extend([event] if isinstance(event, EpochEnded) else [])
            said.extend([event.problem.sentence] if isinstance(event, Skipped) else [])
            return [event]

        work = loop.run(settings, data, folder, threading.Event())
        result = result_of(map_events(work, note))
        return result, epochs, said

    return follow

"""Training steps on galaxies that stream from the file, against the same steps on galaxies that lie in memory.

Before each epoch the system is told to forget the file, so that it is read from the disk as one larger than the
memory would be. Only such a file is streamed, in many pools, one read while the training has the one before; so these
galaxies are read in a dozen pools, too.
"""

import os
import threading
import time

import numpy as np
import pytest
from usual_training import alternating, write_noise

from core.data.cutouts import Cutouts
from core.events import result_of
from core.train import batches, environment, optimiser, preparation
from core.train.batches import open_images
from core.train.forward import batch_labels, epoch_batches, forward_batch
from core.train.optimiser import OptimiserStep
from core.train.settings import OptimiserSettings, RunSettings

GALAXIES = 4000
pytestmark = pytest.mark.benchmark


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system cannot be told to forget a file")
def test_streaming_keeps_eight_tenths_of_the_speed_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "POOL_BYTES", 2**20)
    data = write_noise(tmp_path / "noise.h5", GALAXIES)
    settings = RunSettings(optimiser=OptimiserSettings(batch_size=64), device="cpu", precision="float32")

    def rate(held):
        with environment.reproducible_training(64), Cutouts.open(data) as cutouts:
            plan = preparation.prepare(settings, cutouts)
            criterion, _ = optimiser.build_losses(settings, plan.target, plan.training_labels)
            moving = OptimiserStep(plan.predictor.network.train(), settings, plan.precision)
            rows = np.concatenate([plan.split.train, plan.split.validation])
            with result_of(
                open_images(cutouts, rows, plan.scaling_on_read, plan.device, threading.Event(), held)
            ) as images:
                forget(data)
                started = time.perf_counter()
                for batch, (wanted, stamps) in enumerate(images.batches(epoch_batches(plan, 1)), 1):
                    _, outputs = forward_batch(plan, wanted, stamps, 1, batch)
                    moving.step(criterion(outputs, batch_labels(plan, wanted, 1, batch)), 1e-3)
                return len(plan.split.train) / (time.perf_counter() - started)

    rates = alternating(streamed=lambda _: rate(False), held=lambda _: rate(True))
    ratio = rates["streamed"] / rates["held"]
    print(f"\nstreamed {rates['streamed']:.0f} images/s, in memory {rates['held']:.0f}, ratio {ratio:.2f}")
    assert ratio >= 0.8


def forget(path):
    """Let the system drop what it keeps of a file in memory."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)

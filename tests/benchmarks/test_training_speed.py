"""How fast the training loop is: against the bare network, and against a usual DataLoader with torchvision.

Same network, same galaxies, same kind of augmentation, one step of Adam for each batch. Steps, or rounds, of both sides
take turns, and medians are compared, so that a busy machine slows both.
"""

import threading
import time

import numpy as np
import pytest
import torch
from torch.nn import functional
from usual_training import (
    BANDS,
    BATCH,
    SIZE,
    alternating,
    our_loop,
    per_sample_pipeline,
    torchvision_pipeline,
    usual_loop,
    write_noise,
)

from core.data.cutouts import Cutouts
from core.events import BatchEnded
from core.nets import cnn, device
from core.project.runs import RunFolder
from core.train import loop, preparation
from core.train.forward import epoch_batches
from core.train.settings import OptimiserSettings, RunSettings

CPU = torch.device("cpu")

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_noise(tmp_path_factory.mktemp("data") / "noise.h5")


class BareNetwork:
    """Forward and backward pass of our default network, in the same precision and memory format as in a training."""

    def __init__(self, precision):
        network = cnn.build(RunSettings().network, (BANDS, SIZE, SIZE), 3).train()
        self._network = network.to(memory_format=torch.channels_last)
        self._images = torch.randn(BATCH, BANDS, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
        self._labels = torch.randint(0, 3, (BATCH,))
        self._is_lower = precision == "bfloat16"

    def step(self, galaxies):
        """On the same galaxies each time."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self._is_lower):
            outputs = self._network(self._images[:galaxies])
        self._network.zero_grad(set_to_none=True)
        functional.cross_entropy(outputs.float(), self._labels[:galaxies]).backward()


def batch_sizes(settings, data):
    """The number of galaxies in each batch of an epoch."""
    with Cutouts.open(data) as cutouts:
        plan = preparation.prepare(settings, cutouts)
        return [len(rows) for pool in epoch_batches(plan, 1) for rows in pool]


def steps_in_turns(data, folder, precision, epochs=6):
    """Seconds (n, 2) on the clock and of processor time, of steps of a training and of bare ones, one after the other.

    Of the training everything is included but validation and saving, and the first epoch is left out. The bare steps
    are done while the training is paused, on as many galaxies.
    """
    optimiser = OptimiserSettings(epochs=epochs, batch_size=BATCH)
    settings = RunSettings(optimiser=optimiser, precision=precision, device="cpu")
    sizes, bare = batch_sizes(settings, data), BareNetwork(precision)
    ours, theirs = [], []
    before = clocks()
    for event in loop.run(settings, data, RunFolder(folder), threading.Event()):
        if isinstance(event, BatchEnded):
            after = clocks()
            bare.step(sizes[event.batch - 1])
            if event.epoch > 1 and event.batch > 1:
                ours.append(after - before)
                theirs.append(clocks() - after)
        before = clocks()
    return np.array(ours), np.array(theirs)


def clocks():
    """Seconds on the clock, and of processor time of all threads."""
    return np.array([time.perf_counter(), time.process_time()])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loop_with_full_augmentation_keeps_nine_tenths_of_the_bare_networks_speed(data, tmp_path, precision):
    if precision == "bfloat16" and not device.has_fast_bfloat16(CPU):
        pytest.skip("this processor has no bfloat16")
    ours, bare = (np.median(each, axis=0) for each in steps_in_turns(data, tmp_path / "run", precision))
    ratio, of_processor_time = bare / ours
    print(
        f"\n{precision}: a step of the loop {1e3 * ours[0]:.1f} ms, of the bare network {1e3 * bare[0]:.1f} ms, ratio"
    )
    print(f"{ratio:.3f}, of processor time {of_processor_time:.3f}; {torch.get_num_threads()} threads")
    assert ratio >= 0.9


@pytest.mark.parametrize(("precision", "bound"), [("float32", 1.5), ("bfloat16", 3.0)])
@pytest.mark.parametrize("pipeline", [torchvision_pipeline, per_sample_pipeline])
def test_the_loop_is_faster_than_a_usual_data_loader(data, tmp_path, precision, bound, pipeline):
    if precision == "bfloat16" and not device.has_fast_bfloat16(CPU):
        pytest.skip("this processor has no bfloat16")
    vary = pipeline()
    rates = alternating(
        ours=lambda number: our_loop(data, tmp_path / str(number), precision), usual=lambda _: usual_loop(vary)
    )
    ratio = rates["ours"] / rates["usual"]
    name = pipeline.__name__.replace("_", " ")
    print(f"\n{precision}: loop {rates['ours']:.0f} images/s, {name} {rates['usual']:.0f}, ratio {ratio:.2f}")
    assert ratio >= bound

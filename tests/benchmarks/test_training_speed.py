"""How fast the training loop is: against the bare network, and against a usual DataLoader with torchvision.

Same network, same galaxies, same kind of augmentation, one step of Adam for each batch; images per second are medians
of alternating rounds, so that a busy machine slows both sides.
"""

import time

import pytest
import torch
from torch.nn import functional
from usual_training import (
    BANDS,
    SIZE,
    alternating,
    our_loop,
    per_sample_pipeline,
    torchvision_pipeline,
    usual_loop,
    write_noise,
)

from core.nets import cnn, device
from core.train import environment
from core.train.settings import RunSettings

CPU = torch.device("cpu")

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_noise(tmp_path_factory.mktemp("data") / "noise.h5")


def bare_network(precision):
    """Images per second of forward and backward on one synthetic batch, in the same precision and layout."""
    network = cnn.build(RunSettings().network, (BANDS, SIZE, SIZE), 3).train()
    network = network.to(memory_format=torch.channels_last)
    images = torch.randn(60, BANDS, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 3, (60,))
    lower = precision == "bfloat16"
    with environment.retain_freed_memory():
        for step in range(17):
            if step == 3:
                started = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=lower):
                outputs = network(images)
            network.zero_grad(set_to_none=True)
            functional.cross_entropy(outputs.float(), labels).backward()
        return 14 * 60 / (time.perf_counter() - started)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loop_with_full_augmentation_keeps_nine_tenths_of_the_bare_networks_speed(data, tmp_path, precision):
    if precision == "bfloat16" and not device.has_fast_bfloat16(CPU):
        pytest.skip("this processor has no bfloat16")
    rates = alternating(
        ours=lambda number: our_loop(data, tmp_path / str(number), precision), bare=lambda _: bare_network(precision)
    )
    ratio = rates["ours"] / rates["bare"]
    print(f"\n{precision}: loop {rates['ours']:.0f} images/s, bare network {rates['bare']:.0f}, ratio {ratio:.2f}")
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

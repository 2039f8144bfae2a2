import pytest
import torch

from core.errors import NotPossible
from core.nets import device


def test_automatic_choice_is_a_device_that_can_compute():
    chosen = device.choose("auto")
    assert torch.ones(2, device=chosen).sum().item() == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_missing_device_is_refused_with_those_that_are_there():
    with pytest.raises(NotPossible, match="cpu"):
        device.choose("cuda")


def test_precision_follows_the_wish_and_otherwise_the_device():
    cpu = torch.device("cpu")
    assert device.precision("float32", cpu) == torch.float32
    assert device.precision("bfloat16", cpu) == torch.bfloat16
    assert device.precision("float16", cpu) == torch.float16
    assert not device.has_fast_float16(cpu)
    assert device.precision("auto", torch.device("mps")) == torch.float32
    assert (device.precision("auto", cpu) == torch.bfloat16) == device.has_fast_bfloat16(cpu)


def test_the_device_is_described_in_words():
    words = device.describe(torch.device("cpu"), torch.float32)
    assert words.startswith("CPU · ")
    assert words.endswith("float32")


def test_running_out_of_memory_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert device.is_out_of_memory(caught.value)
    assert not device.is_out_of_memory(RuntimeError("unsupported memory format option"))
    assert device.is_out_of_memory(MemoryError())


def test_images_of_one_band_are_put_in_the_fast_order_too():
    images = torch.randn(3, 1, 6, 4)
    arranged = device.arrange(images)
    assert arranged.stride() == (24, 1, 4, 1)
    assert torch.equal(arranged, images)

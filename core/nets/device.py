"""Device and precision of the computation: CUDA, Apple MPS or the CPU."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator

import psutil
import torch
from torch import Tensor

from core.errors import NotPossible


def choose(name: str = "auto") -> torch.device:
    """The device of that name; ``"auto"`` is the first available one of CUDA, MPS and CPU.

    Raises
    ------
    NotPossible
        The named device is not available.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(candidate for candidate, is_there in present.items() if is_there)
    if not present.get(name, False):
        there = ", ".join(candidate for candidate, is_there in present.items() if is_there)
        raise NotPossible(f"There is no device “{name}” on this machine.", f"Choose auto or one of: {there}.", "device")
    return torch.device(name)


def precision(setting: str, device: torch.device) -> torch.dtype:
    """The floating-point type of training: the chosen one, or the fastest that the device supports.

    bfloat16 is preferred to float16, since it has the range of float32 and needs no loss scaling.
    """
    if setting == "bfloat16" or (setting == "auto" and has_fast_bfloat16(device)):
        return torch.bfloat16
    if setting == "float16" or (setting == "auto" and has_fast_float16(device)):
        return torch.float16
    return torch.float32


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device has native bfloat16 instructions, rather than emulating them."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type == "cpu":
        able = getattr(torch.cpu, "get_capabilities", dict)()  # missing in older versions of torch
        return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return False


def has_fast_float16(device: torch.device) -> bool:
    """Whether the device is a GPU with tensor cores, which began with Volta."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 7


def arrange(images: Tensor) -> Tensor:
    """Images or filters (n, C, H, W) in the order in memory that their device convolves fastest: mostly channels last.

    Those of one band lie in memory alike in both orders, and only the strides tell which one is meant: ``contiguous``
    leaves them, and the convolutions of the whole network then take the slow one, three times as long on a CPU.
    """
    return images.contiguous() if images.device.type == "mps" else images.to(memory_format=torch.channels_last)


def describe(device: torch.device, dtype: torch.dtype | None = None) -> str:
    """The device as text, such as ``"NVIDIA H100 · 3.1/80 GB"`` or ``"CPU · 2 threads · bfloat16"``."""
    parts: list[str]
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        parts = [torch.cuda.get_device_name(device), f"{(total - free) / 1e9:.1f}/{total / 1e9:.0f} GB"]
    elif device.type == "mps":
        parts = ["Apple GPU", f"{torch.mps.current_allocated_memory() / 1e9:.1f} GB used"]
    else:
        threads = torch.get_num_threads()
        parts = ["CPU", f"{threads} thread" + ("s" if threads != 1 else "")]
    if dtype is None:
        dtype = precision("auto", device)
    return " · ".join([*parts, str(dtype).removeprefix("torch.")])


def free_memory() -> int:
    """Bytes of main memory that can be used without swapping."""
    return int(psutil.virtual_memory().available)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that the device or the machine is out of memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def release_memory(device: torch.device) -> None:
    """Give back what the device keeps for later, after a computation that ran out of memory."""
    gc.collect()  # the tensors of the failed computation, in the frames of its exception
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def wait_for(device: torch.device) -> None:
    """Wait until the device has computed all that it was told to, for a measurement of time."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def in_pieces(function: Callable[..., Tensor], *batch: Tensor) -> Tensor:
    """Apply a function that treats each galaxy by itself to a batch (n, ...), in halves where memory runs out.

    Several tensors hold different things of the same galaxies.

    Raises
    ------
    RuntimeError, MemoryError
        There is too little memory even for one galaxy.
    """
    try:
        return function(*batch)
    except (RuntimeError, MemoryError) as error:
        if len(batch[0]) < 2 or not is_out_of_memory(error):
            raise
    release_memory(batch[0].device)
    half = len(batch[0]) // 2
    halves = ([each[part] for each in batch] for part in (slice(half), slice(half, None)))
    return torch.cat([in_pieces(function, *each) for each in halves])


@contextlib.contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Compute in true float32: bfloat16 and TF32 would round predictions and maps, differently from batch to batch."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, enabled=False))
        if device.type == "cuda":
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=False))
        yield

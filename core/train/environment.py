"""The machine and software versions that a run records, and the numerical environment that it trains in."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import tomlkit
import torch

from core.errors import OutOfMemory
from core.nets import device as devices
from core.reading import is_there, read_toml, reading
from core.train.batch_size import USUAL
from core.train.cores import threads_given_back

FORMAT = 1
_PACKAGES = ("tuning-fork", "numpy", "h5py", "astropy", "safetensors", "pydantic")
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's mallopt
_DEFAULT_MMAPS, _DEFAULT_TRIM = 65536, 128 * 1024
_TRIM_THRESHOLD = 512 * 2**20
_version = cache(metadata.version)  # which reads a file in a folder of hundreds, for each run anew


def describe(device: torch.device, precision: torch.dtype, seed: int, data: str, split: str) -> str:
    """Describe the environment as TOML: versions, machine, device, precision, seed, fingerprints of data and split."""
    document = tomlkit.document()
    document.add("format", tomlkit.item(FORMAT))
    document.add("python", tomlkit.item(platform.python_version()))
    document.add("system", tomlkit.item(f"{platform.system()} {platform.machine()}"))
    document.add("device", tomlkit.item(devices.describe(device, precision)))
    document.add("precision", tomlkit.item(str(precision).removeprefix("torch.")))
    document.add("threads", tomlkit.item(torch.get_num_threads()))
    document.add("seed", tomlkit.item(seed))
    document.add("data", tomlkit.item(data))
    document.add("split", tomlkit.item(split))
    versions = tomlkit.table()
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):  # a frozen program has no package records
            versions.add(name, _version(name))
    versions["torch"] = torch.__version__  # tells which device it was built for, too
    document.add("versions", versions)
    return tomlkit.dumps(document)


def recorded_split(path: Path) -> str | None:
    """The fingerprint of the split that a run has recorded; None: there is none.

    Raises
    ------
    UnreadableFile
        The file is damaged.
    """
    if not is_there(path):
        return None
    with reading("The record of this run's environment", path):
        recorded = read_toml(path, "The record of this run's environment").get("split")
        if not isinstance(recorded, str | None):
            raise TypeError(f"the fingerprint of its split is “{recorded}”")
        return recorded


@contextlib.contextmanager
def retain_freed_memory() -> Iterator[None]:
    """Let glibc keep freed memory instead of returning it to the system after every layer.

    A training step allocates the same tens of megabytes again and again; each time the system would hand out fresh
    pages and fill them with zeros, which costs a quarter of a step on a CPU. Other systems are left unchanged.
    """
    library = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
    if library is None or not hasattr(library, "gnu_get_libc_version"):
        yield
        return
    library.mallopt(_M_MMAP_MAX, 0)
    library.mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD)
    try:
        yield
    finally:
        library.mallopt(_M_MMAP_MAX, _DEFAULT_MMAPS)
        library.mallopt(_M_TRIM_THRESHOLD, _DEFAULT_TRIM)
        library.malloc_trim(0)


@contextlib.contextmanager
def reproducible_training(batch_size: int | None) -> Iterator[None]:
    """Make results reproducible, on a GPU too, keep freed memory, and turn a lack of memory into a readable problem.

    At the end, as many threads compute as before: a training may change their number.

    ``batch_size`` is that of the settings, which the problem names; None: the usual one.
    """
    try:
        with (
            threads_given_back(),
            retain_freed_memory(),
            torch.backends.cudnn.flags(deterministic=True, allow_tf32=False),
        ):
            yield
    except (MemoryError, RuntimeError) as error:
        if not devices.is_out_of_memory(error):
            raise
        size = batch_size or USUAL
        raise OutOfMemory(
            "There is too little memory for this batch.",
            f"Choose a batch size below {size}, fewer channels or smaller stamps, or close other programs.",
            "optimiser.batch_size",
        ) from error

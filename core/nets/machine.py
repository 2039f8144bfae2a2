"""What a machine has for training, and what to do about what it lacks."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from core.nets import device as devices
from core.project.files import free_space

_GB = 1e9
_LITTLE_MEMORY, _LITTLE_DISK, _LITTLE_GPU = 2 * _GB, 5 * _GB, 2 * _GB  # bytes
_TENSOR_CORES = 7  # of the capability of a GPU


@dataclass(frozen=True)
class Machine:
    """The facts.

    Attributes
    ----------
    system
        Operating system.
    device
        On which trainings run by default: ``cuda``, ``mps`` or ``cpu``; with its name.
    name
        As it is described to the user.
    cores
        Of the processor, that this program may use.
    memory, free_memory
        Main memory [bytes].
    gpu_memory, free_gpu_memory
        Of a CUDA device [bytes]; 0: there is none.
    capability
        Major number of a CUDA device; 0: there is none.
    cuda_build
        Whether this PyTorch can use NVIDIA GPUs at all.
    has_driver
        Whether NVIDIA's driver is installed.
    free_disk
        Where projects are kept [bytes].
    """

    system: str
    device: str
    name: str
    cores: int
    memory: int
    free_memory: int
    gpu_memory: int
    free_gpu_memory: int
    capability: int
    cuda_build: bool
    has_driver: bool
    free_disk: int


def look(projects: Path) -> Machine:
    """Look at this machine; ``projects`` is the folder in which projects are kept."""
    device = devices.choose("auto")
    free, total = torch.cuda.mem_get_info(device) if device.type == "cuda" else (0, 0)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory()
    return Machine(
        system=sys.platform,
        device=device.type,
        name=devices.describe(device),
        cores=cores,
        memory=int(memory.total),
        free_memory=int(memory.available),
        gpu_memory=total,
        free_gpu_memory=free,
        capability=torch.cuda.get_device_capability(device)[0] if device.type == "cuda" else 0,
        cuda_build=torch.version.cuda is not None,
        has_driver=shutil.which("nvidia-smi") is not None,
        free_disk=free_space(projects),
    )


def list_facts(machine: Machine) -> list[tuple[str, str]]:
    """The facts as titles and texts."""
    facts = [("Trainings run on", machine.name), ("Processor", f"{machine.cores} cores")]
    if machine.gpu_memory:
        facts.append(("GPU memory", f"{_size(machine.free_gpu_memory)} of {_size(machine.gpu_memory)} free"))
    facts.append(("Memory", f"{_size(machine.free_memory)} of {_size(machine.memory)} free"))
    facts.append(("Disk of the projects", f"{_size(machine.free_disk)} free"))
    return facts


def advise(machine: Machine, images: int = 0) -> list[str]:
    """What to do about what the machine lacks, as sentences; none: nothing is lacking.

    Parameters
    ----------
    machine
        See :func:`look`.
    images
        Bytes of the images of the open dataset as float32; 0: none is open.
    """
    said: list[str] = []
    if machine.device == "cpu":
        said += _advise_without_gpu(machine)
    elif machine.device == "cuda":
        if machine.free_gpu_memory < _LITTLE_GPU:
            said.append(
                f"Only {_size(machine.free_gpu_memory)} of the GPU's memory are free: close other programs that use "
                "it. Where a batch does not fit, it is passed in halves."
            )
        if machine.capability < _TENSOR_CORES:
            said.append("This GPU has no tensor cores: trainings are computed in float32, several times slower.")
    if machine.free_memory < _LITTLE_MEMORY:
        said.append(
            f"Only {_size(machine.free_memory)} of the memory are free: close other programs, or galaxies are read "
            "from the disk again in every epoch."
        )
    elif images > 0.4 * machine.free_memory:
        said.append(
            f"The images of this dataset take {_size(images)}, more than fits beside the rest: they are read from the "
            "disk in every epoch. A fast disk helps, and so do smaller stamps."
        )
    if machine.free_disk < _LITTLE_DISK:
        said.append(f"Only {_size(machine.free_disk)} are free where projects are kept: make room.")
    return said


def _advise_without_gpu(machine: Machine) -> list[str]:
    said: list[str] = []
    if machine.has_driver and not machine.cuda_build:
        said.append(
            "There is an NVIDIA GPU here, but the installed PyTorch cannot use it: install the build for CUDA from "
            "pytorch.org."
        )
    elif machine.has_driver:
        said.append("NVIDIA's driver is installed, but gives PyTorch no GPU: update the driver, or restart.")
    said.append(
        f"Without a GPU, trainings take {machine.cores} cores of the processor; with many thousands of galaxies they "
        "take hours. File ▸ Pack training makes one file of a training for a bigger machine."
    )
    return said


def _size(count: int) -> str:
    return f"{count / _GB:.1f} GB" if count < 100 * _GB else f"{count / _GB:,.0f} GB"

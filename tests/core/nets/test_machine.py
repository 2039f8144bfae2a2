"""What a machine lacks is said with what to do about it."""

from dataclasses import replace
from pathlib import Path

import psutil

from core.nets.machine import Machine, advise, list_facts, look

GB = 10**9
GOOD = Machine("linux", "cuda", "NVIDIA H200", 16, 128 * GB, 100 * GB, 141 * GB, 140 * GB, 9, True, True, 900 * GB)


def test_a_good_machine_needs_no_advice():
    assert advise(GOOD, images=20 * GB) == []
    assert ("GPU memory", "140 GB of 141 GB free") in list_facts(GOOD)


def test_each_lack_has_its_advice():
    without = replace(GOOD, device="cpu", gpu_memory=0, free_gpu_memory=0, capability=0, has_driver=False)
    for machine, words, images in (
        (without, "Pack training", 0),
        (replace(without, has_driver=True, cuda_build=False), "build for CUDA", 0),
        (replace(without, has_driver=True), "update the driver", 0),
        (replace(GOOD, free_gpu_memory=GB), "passed in halves", 0),
        (replace(GOOD, capability=6), "float32", 0),
        (replace(GOOD, free_memory=GB), "close other programs", 0),
        (replace(GOOD, free_disk=GB), "make room", 0),
        (GOOD, "take 60.0 GB", 60 * GB),
    ):
        assert any(words in sentence for sentence in advise(machine, images)), words


def test_this_machine_is_looked_at(tmp_path: Path):
    machine = look(tmp_path)
    assert machine.memory == psutil.virtual_memory().total and 0 < machine.free_memory <= machine.memory
    assert machine.cores >= 1 and machine.free_disk > 0
    assert all(text for _, text in list_facts(machine))

"""Simulated galaxies on disk against the time of making the same ones in memory."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from program import environment

from core.data.cutouts import Cutouts
from core.events import result_of
from core.simulate import factory
from core.simulate.preview import live_grid
from core.simulate.settings import SimulationSettings

GALAXIES = 20_000  # of 300,000, which take 5 GB
MOST, LONGEST = 1.5, 0.3
IN_MEMORY = """
import sys, time
import torch
from core.simulate.blocks import BlockMaker
from core.simulate.settings import SimulationSettings
from core.simulate.unfinished import Blocks

torch.set_num_threads(1)
number, workers, galaxies = map(int, sys.argv[1:])
settings = SimulationSettings(count=galaxies)
blocks, maker = Blocks((galaxies, 1, settings.size, settings.size)), BlockMaker(settings)
maker.make(range(256))
print("ready", flush=True)
input()
began = time.perf_counter()
for block in range(number, blocks.count, workers):
    maker.make(blocks.rows(block))
print(time.perf_counter() - began)
"""


def make_in_memory(workers: int) -> float:
    """Seconds of the slowest of so many processes, each of which makes its share and forgets it."""
    command = [sys.executable, "-c", IN_MEMORY]
    started = [
        subprocess.Popen(
            [*command, str(number), str(workers), str(GALAXIES)],
            env=environment(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(workers)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in started)


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_galaxies_are_on_disk_in_one_and_a_half_times_the_time_of_making_them(tmp_path: Path) -> None:
    workers = factory.usual_workers()
    memory = make_in_memory(workers)
    began = time.perf_counter()
    path = result_of(factory.simulate(tmp_path / "a.h5", SimulationSettings(count=GALAXIES), workers=workers))
    disk = time.perf_counter() - began
    print(f"\n{GALAXIES:,} galaxies by {workers} processes: in memory {memory:.1f} s, {GALAXIES / memory:,.0f}/s;")
    print(f"on disk with start and catalogue {disk:.1f} s, {GALAXIES / disk:,.0f}/s: {disk / memory:.2f} times")
    print(f"memory of this process {psutil.Process().memory_info().rss / 1e6:,.0f} MB")
    with Cutouts.open(path) as cutouts:
        assert len(cutouts) == GALAXIES
    assert disk <= MOST * memory


@pytest.mark.benchmark
def test_the_live_grid_is_there_within_three_tenths_of_a_second() -> None:
    settings = SimulationSettings()
    live_grid(settings)
    times = []
    for seed in range(20):  # another PSF each time, too
        values = settings.model_dump() | {"seed": seed}
        values["psf"] |= {"fwhm": 0.14 + 0.001 * seed}
        changed = SimulationSettings.model_validate(values)
        began = time.perf_counter()
        live_grid(changed)
        times.append(time.perf_counter() - began)
    print(f"\n16 galaxies in {1e3 * sorted(times)[10]:.0f} ms, at most {1e3 * max(times):.0f} ms")
    assert sorted(times)[10] <= LONGEST

"""The batch-size test: what is decided from given speeds, and real steps on the processor."""

import subprocess
import sys
import threading

import pytest
import torch

from core.errors import NotPossible, Stopped
from core.events import Preview, result_of
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.train import batch_size_finder, loop
from core.train.batch_size_finder import BatchSizes, TriedSize, gains_nothing, sizes_for, suggest
from core.train.settings import OptimiserSettings, RunSettings, TransferSettings

MANY = 1_000_000  # galaxies of an epoch
SMALL = RunSettings(network=NetworkSettings(depth=1, channels=4, dense=8), device="cpu")


def tried(speeds: dict[int, float]) -> list[TriedSize]:
    return [TriedSize(size, size / speed) for size, speed in speeds.items()]


def test_where_all_are_as_fast_the_usual_size_stays():
    assert suggest(tried({8: 95, 16: 97, 32: 100, 64: 99, 128: 101, 256: 98}), 64, MANY) == 64


def test_where_larger_ones_are_faster_the_smallest_that_is_about_as_fast_is_taken():
    assert suggest(tried({8: 10, 16: 20, 32: 40, 64: 80, 128: 150, 256: 280, 512: 300, 1024: 305}), 64, MANY) == 256


def test_where_smaller_ones_are_faster_the_largest_of_them_is_taken():
    assert suggest(tried({8: 100, 16: 100, 32: 95, 64: 60, 128: 50}), 64, MANY) == 32


def test_an_epoch_keeps_enough_steps_however_fast_larger_batches_are():
    fast = tried({8: 10, 16: 20, 32: 40, 64: 80, 128: 160, 256: 320})
    assert suggest(fast, 64, 30 * 128) == 128
    assert suggest(fast, 16, 600) == 16
    assert suggest(fast[-1:], 64, 600) == 256, "there is no other"


def test_sizes_are_tried_until_two_gain_nothing():
    speeds = {8: 10, 16: 20, 32: 40, 64: 41, 128: 41.5}
    assert not gains_nothing(tried(dict(list(speeds.items())[:4])))
    assert gains_nothing(tried(speeds))
    assert not gains_nothing(tried({8: 10, 16: 9, 32: 20})), "one that is slow by chance ends nothing"
    assert gains_nothing(tried({8: 20, 16: 9, 32: 10})), "faster than the last is not faster than the best"


def test_no_batch_has_more_galaxies_than_there_are():
    assert sizes_for(100) == [8, 16, 32, 64]
    assert sizes_for(10**6)[-1] == 8192
    assert sizes_for(5) == [5]


def test_the_sentence_says_what_it_costs():
    sizes = tuple(tried({32: 100, 64: 150, 128: 290, 256: 580}))
    found = BatchSizes(sizes, "memory", 6000, 1, 64, 128, 0)
    assert found.describe(128).startswith("290 galaxies per second, 1.9 times as many as with the usual 64.")
    assert "An epoch has 47 steps; with fewer steps it takes more epochs" in found.describe(128)
    assert found.sentence.endswith("256 would be 2 times as fast, but leave an epoch only 24 steps.")
    whole = BatchSizes(sizes[:3], "memory", 6000, 1, 64, 128, 0)
    assert whole.sentence.endswith("Larger ones do not fit in memory.")


def test_repeats_go_with_the_size_where_there_are_any():
    sizes = tuple(tried({8: 100}))
    assert BatchSizes(sizes, "galaxies", 300, 1, 8, 8, 0).values(8) == {"optimiser.batch_size": 8}
    repeated = BatchSizes(sizes, "galaxies", 300, 3, 8, 8, 0)
    assert repeated.values(8) == {"optimiser.batch_size": 8, "optimiser.repeats": 3}


def test_real_steps_are_measured_and_a_run_is_the_same_before_and_after(blobs, new_run):
    once = SMALL.model_copy(update={"optimiser": OptimiserSettings(epochs=1)})
    runs = new_run("before"), new_run("after")
    state = torch.random.get_rng_state()
    result_of(loop.run(once, blobs, runs[0], threading.Event()))
    torch.random.set_rng_state(state)
    work, previews = batch_size_finder.run(once, blobs), []
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            found = end.value
            break
        previews += [event.what] if isinstance(event, Preview) else []
    result_of(loop.run(once, blobs, runs[1], threading.Event()))
    assert previews[-1] == found.tried
    assert [each.size for each in found.tried] == [8, 16, 32, 64, 128][: len(found.tried)]
    assert len(found.tried) >= 3, "those up to the usual size and the next"
    assert all(each.speed > 0 for each in found.tried)
    first, last = found.tried[0], found.tried[-1]
    assert last.memory / first.memory == pytest.approx(last.size / first.size, rel=0.2), "beside the weights"
    assert found.suggestion in [each.size for each in found.tried]
    assert found.repeats > 1 and found.galaxies >= 300, "few galaxies are repeated, and stay so"
    histories = [read_history(run.history_file) for run in runs]
    for one, other in zip(*histories, strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {k: v for k, v in other.items() if k != "seconds"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit of the memory of a process is Linux's")
def test_memory_that_ends_keeps_what_was_measured(blobs):
    ended = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, str(blobs)], check=True, capture_output=True, text=True
    )
    end, *sizes = ended.stdout.split()
    assert end == "memory"
    assert sizes == ["8", "16", "32", "64", "128"][: len(sizes)] and 1 <= len(sizes) < 5


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
import psutil, torch
from core.events import result_of, Preview
from core.nets.settings import NetworkSettings
from core.train import batch_size_finder
from core.train.settings import RunSettings
torch.set_num_threads(1)
network = NetworkSettings(depth=1, channels=512, dense=8)
work = batch_size_finder.run(RunSettings(network=network, device="cpu"), Path(sys.argv[1]))
while not isinstance(next(work), Preview):
    pass
soft = psutil.Process().memory_info().vms + 100_000_000
resource.setrlimit(resource.RLIMIT_AS, (soft, soft))
found = result_of(work)
print(found.end, *(each.size for each in found.tried))
"""


def test_a_head_on_kept_features_has_nothing_to_find(blobs, new_run):
    first = new_run("base")
    result_of(loop.run(SMALL.model_copy(update={"optimiser": OptimiserSettings(epochs=1)}), blobs, first))
    kept = TransferSettings(start_from=str(first.path), freeze_blocks=1, cached_views=2)
    with pytest.raises(NotPossible, match="kept features"):
        result_of(batch_size_finder.run(SMALL.model_copy(update={"transfer": kept}), blobs))


def test_it_can_be_stopped(blobs):
    stop = threading.Event()
    work = batch_size_finder.run(SMALL, blobs, stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        result_of(work)

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from core.data.cutouts import Cutouts
from core.errors import Stopped
from core.events import Progress, result_of
from core.nets import normalisation
from core.train import batches
from core.train.randomness import numpy_generator

CPU = torch.device("cpu")


@effort(max_examples=60)
@given(count=st.integers(2, 3000), batch_size=st.integers(2, 300), stamp=st.sampled_from([100, 10**6, 10**8]))
def test_every_galaxy_comes_once_in_batches_of_nearly_equal_size(count, batch_size, stamp):
    rows = np.arange(count) * 3 + 1
    pools = batches.shuffle_batches(rows, batch_size, stamp, np.random.default_rng(0))
    drawn = [batch for pool in pools for batch in pool]
    assert sorted(np.concatenate(drawn)) == rows.tolist()
    assert max(map(len, drawn)) <= batch_size
    for pool in pools:
        assert max(map(len, pool)) - min(map(len, pool)) <= 1


def test_no_batch_is_left_with_a_single_galaxy():
    for count in range(65, 400):
        pools = batches.shuffle_batches(np.arange(count), 64, 100, np.random.default_rng(0))
        assert min(len(batch) for pool in pools for batch in pool) >= 32


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed, epoch):
        pools = batches.shuffle_batches(np.arange(500), 64, 100, numpy_generator(seed, "order", epoch))
        return np.concatenate([batch for pool in pools for batch in pool]).tolist()

    assert order(1, 4) == order(1, 4)
    assert order(1, 4) != order(1, 5)
    assert order(1, 4) != order(2, 4)


def test_galaxies_sorted_by_class_are_well_mixed_even_when_pools_are_small():
    rows = np.arange(20000)
    pools = batches.shuffle_batches(rows, 64, 256 * 2**20 // 4096, np.random.default_rng(0))
    assert len(pools) == 5
    share = np.array([(batch < 10000).mean() for pool in pools for batch in pool])
    assert abs(share.mean() - 0.5) < 0.01
    assert share.std() < 0.12  # a plain shuffle: 0.06


@pytest.mark.parametrize("held", [True, False])
def test_batches_hold_the_scaled_images_of_their_rows(blobs, held):
    with Cutouts.open(blobs) as cutouts:
        images = cutouts.images[:]
        scaling = normalisation.fit(images, "asinh")
        rows = np.arange(5, 200)
        work = batches.open_images(cutouts, rows, scaling, CPU, threading.Event(), held)
        with result_of(work) as source:
            pools = batches.shuffle_batches(rows, 16, 10**7, np.random.default_rng(0))
            assert len(pools) > 0
            for _ in range(2):  # more than one epoch
                for wanted, batch in source.batches(pools):
                    assert torch.allclose(batch, scaling(torch.from_numpy(images[wanted])), atol=1e-6)
            validation = batches.batches_in_order(np.array([150, 7, 30]), 2)
            assert [wanted.tolist() for wanted, _ in source.batches(validation)] == [[7, 30], [150]]


def test_streaming_leaves_autograd_on(blobs):
    with Cutouts.open(blobs) as cutouts:
        scaling = normalisation.identity(2)
        work = batches.open_images(cutouts, np.arange(20), scaling, CPU, threading.Event(), in_memory=False)
        with result_of(work) as source:
            on = [torch.is_grad_enabled() for _ in source.batches(batches.batches_in_order(np.arange(20), 10))]
    assert on == [True, True]


def test_reading_reports_progress_and_can_be_stopped(blobs):
    stop = threading.Event()
    with Cutouts.open(blobs) as cutouts:
        work = batches.open_images(cutouts, np.arange(50), normalisation.identity(2), CPU, stop, in_memory=True)
        assert next(work) == Progress(50, 50, "galaxies")
        stop.set()
        again = batches.open_images(cutouts, np.arange(50), normalisation.identity(2), CPU, stop, in_memory=True)
        with pytest.raises(Stopped):
            next(again)

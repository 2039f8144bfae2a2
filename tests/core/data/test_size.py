import math

import numpy as np
import pytest

from core.data import size


def disks(radii, side=64):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    random = np.random.default_rng(1)
    for radius in radii:
        edge = 1 / (1 + np.exp((np.hypot(x, y) - radius) / 0.3))
        yield (1.4 * edge + random.normal(0, 1, (2, side, side))).astype(np.float32)


def test_the_median_diameter_is_that_of_the_median_disk():
    # their brightness is twice the threshold: half way up a smoothed edge is where it was
    assert size.median_size(disks([4, 10, 20])) == pytest.approx(20, abs=1.5)
    assert size.median_size(disks([10])) < size.median_size(disks([12])) < size.median_size(disks([14]))


def test_a_size_is_the_same_when_it_is_asked_for_again_and_another_for_other_pixels():
    (stamp,) = disks([10])
    first = size.median_size([stamp])
    assert size.median_size([stamp.copy()]) == first
    wide = np.ascontiguousarray(stamp).reshape(2, 32, 128)
    assert size.median_size([wide]) != first, "the same numbers in another shape"
    stamp[:, 20:44, 36:60] += 2
    assert size.median_size([stamp]) > first


def test_without_galaxies_there_is_no_size():
    sky = np.random.default_rng(0).normal(0, 1, (5, 1, 32, 32)).astype(np.float32)
    assert math.isnan(size.median_size(sky))
    assert math.isnan(size.median_size([]))


def test_rows_are_spread_evenly_and_none_comes_twice():
    assert size.choose_sample(np.arange(5)).tolist() == [0, 1, 2, 3, 4]
    chosen = size.choose_sample(np.arange(1000, 3000))
    assert len(chosen) == size.SAMPLE
    assert chosen[0] == 1000
    assert chosen[-1] == 2999
    assert len(set(chosen)) == size.SAMPLE

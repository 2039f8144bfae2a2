"""The batch size where none is chosen."""

from __future__ import annotations

import math

import pytest

from core.train import batch_size
from core.train.settings import RunSettings


@pytest.mark.parametrize(
    ("galaxies", "size"), [(2, 8), (100, 8), (200, 8), (500, 16), (1000, 32), (3000, 64), (10**6, 64)]
)
def test_few_galaxies_have_small_batches(galaxies, size):
    assert batch_size.choose(None, galaxies) == size


def test_what_was_chosen_stays():
    assert batch_size.choose(48, 100) == 48


def test_an_epoch_has_about_thirty_steps_unless_batches_are_smallest_or_largest():
    for galaxies in range(240, 64 * 30, 37):
        assert 30 <= math.ceil(galaxies / batch_size.choose(None, galaxies)) <= 61


def test_the_size_that_was_taken_is_kept_in_the_settings_of_the_run():
    settings = batch_size.resolve(RunSettings(), 100)
    assert settings.optimiser.batch_size == 8
    assert batch_size.resolve(settings, 5000).optimiser.batch_size == 8

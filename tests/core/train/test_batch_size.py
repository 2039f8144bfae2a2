"""Batch size and repeats where none are chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.data.cutouts import Cutouts
from core.train import batch_size, forward, preparation
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


@pytest.mark.parametrize(("galaxies", "repeats"), [(2, 150), (100, 3), (200, 2), (299, 2), (300, 1), (10**6, 1)])
def test_very_few_galaxies_are_shown_several_times_in_an_epoch(galaxies, repeats):
    assert batch_size.choose_repeats(RunSettings(), galaxies) == repeats


@pytest.mark.parametrize(
    "wish",
    [{"optimiser": {"batch_size": 16}}, {"optimiser": {"repeats": 1}}, {"transfer": {"start_from": "run"}}],
    ids=["batch size", "repeats", "fine-tuning"],
)
def test_they_are_shown_once_where_the_steps_of_an_epoch_are_chosen_or_it_is_fine_tuning(wish):
    assert batch_size.choose_repeats(RunSettings.model_validate(wish), 100) == 1


def test_repeats_are_kept_in_the_settings_of_the_run():
    settings = batch_size.resolve(RunSettings(), 100)
    assert settings.optimiser.repeats == 3
    assert batch_size.resolve(settings, 5000).optimiser.repeats == 3


def test_an_epoch_with_repeats_shows_all_galaxies_before_it_shows_one_again(blobs):
    wish = {"data": {"train_limit": 30}, "optimiser": {"repeats": 3, "batch_size": 8}, "network": {"depth": 2}}
    with Cutouts.open(blobs) as cutouts:
        plan = preparation.prepare(RunSettings.model_validate({**wish, "device": "cpu"}), cutouts)
        batches = [batch for pool in forward.epoch_batches(plan, 1) for batch in pool]
    assert len(batches) == 12
    rounds = [np.concatenate(batches[first : first + 4]) for first in (0, 4, 8)]
    assert all(sorted(each) == plan.split.train.tolist() for each in rounds)
    assert rounds[0].tolist() != rounds[1].tolist(), "in another order each time"

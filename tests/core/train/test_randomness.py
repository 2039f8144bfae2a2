import numpy as np
import pytest
import torch

from core.train.randomness import numpy_generator, torch_generator, torch_seed


def test_purposes_epochs_and_batches_have_their_own_numbers():
    seeds = {
        torch_seed(seed, purpose, epoch, batch)
        for seed in (0, 1, 2**31 - 1)
        for purpose in ("order", "augmentation", "dropout")
        for epoch in range(5)
        for batch in range(5)
    }
    assert len(seeds) == 3 * 3 * 5 * 5


def test_the_same_purpose_draws_the_same_numbers_again():
    assert np.array_equal(numpy_generator(3, "order", 1).random(5), numpy_generator(3, "order", 1).random(5))
    one, two = (torch.rand(5, generator=torch_generator(3, "noise")) for _ in range(2))
    assert torch.equal(one, two)


@pytest.mark.parametrize("batch", [0, 1, 31, 32, 33, 1000])
def test_the_seed_of_a_batch_is_that_of_its_numbers_in_whatever_order_they_are_asked_for(batch):
    expected = np.random.SeedSequence(7, spawn_key=(4, 3, batch)).generate_state(1, np.uint64)[0] >> np.uint64(1)
    assert torch_seed(7, "dropout", 3, batch) == int(expected)

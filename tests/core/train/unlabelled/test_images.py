"""Batches and views of galaxies without labels."""

from __future__ import annotations

import numpy as np
import torch

from core.data.cutouts import Cutouts
from core.train.augmentation.pipeline import is_physical
from core.train.augmentation.settings import AugmentationSettings
from core.train.batches import ImagesInMemory
from core.train.unlabelled import views
from core.train.unlabelled.images import ResampledCutouts, UnlabelledBatches, draw_batches

ROWS = np.arange(5, 45)


def batches(seed=1):
    images = torch.arange(50.0)[5:45, None, None, None].expand(40, 1, 4, 4)
    return UnlabelledBatches(ImagesInMemory(images, ROWS, torch.device("cpu")), ROWS, seed, 64)


def test_all_galaxies_come_before_one_comes_again():
    pools = draw_batches(ROWS, [15, 14, 15, 30], 64, np.random.default_rng(0))
    drawn = [batch for pool in pools for batch in pool]
    assert [len(batch) for batch in drawn] == [15, 14, 15, 30]
    order = np.concatenate(drawn)
    assert sorted(order[:40]) == ROWS.tolist()
    assert len(set(order[40:])) == 34


def test_an_epoch_goes_on_with_any_batch_as_one_without_interruption():
    sizes = [7, 8, 7]
    whole, broken = batches(), batches()
    seen = [[whole.take(epoch, batch, sizes)[0] for batch in (1, 2, 3)] for epoch in (1, 2)]
    rows, images = broken.take(2, 2, sizes)
    assert rows.tolist() == seen[1][1].tolist()
    assert images[:, 0, 0, 0].tolist() == rows.tolist()
    assert broken.take(2, 3, sizes)[0].tolist() == seen[1][2].tolist()
    assert seen[0][0].tolist() != seen[1][0].tolist(), "another order each epoch"
    assert batches(seed=2).take(1, 1, sizes)[0].tolist() != seen[0][0].tolist()


def test_stamps_of_another_size_keep_their_surface_brightness(blobs):
    with Cutouts.open(blobs) as cutouts:
        halved = ResampledCutouts(cutouts, 12, 12)
        assert halved.shape == (240, 2, 12, 12)
        stamps, small = cutouts.images[np.array([3, 1])], halved.images[np.array([3, 1])]
        blocks = stamps.reshape(2, 2, 12, 2, 12, 2).mean(axis=(3, 5))
        inner = np.s_[:, :, 1:-1, 1:-1]
        assert np.corrcoef(small[inner].ravel(), blocks[inner].ravel())[0, 1] > 0.97
        np.testing.assert_allclose(small.mean(), stamps.mean(), rtol=0.01)
        np.testing.assert_array_equal(halved.images[1], small[1])
        with halved.reopen() as again:
            np.testing.assert_array_equal(again.images[np.array([3, 1])], small)


def test_the_weak_view_moves_galaxies_only_and_the_strong_one_does_more_than_the_run():
    run = AugmentationSettings(noise=0.3, zoom_min=0.9, dead_pixels=2, shear=5)
    weak, strong = views.weak_view(run), views.strong_view(run)
    assert not is_physical(weak)
    assert (weak.noise, weak.zoom_min, weak.shear, weak.rotation) == (0, 1, 0, run.rotation)
    assert (strong.noise, strong.zoom_min, strong.dead_pixels) == (0.3, 0.7, 2)
    assert strong.brightness_max > 1
    names = set(AugmentationSettings.model_fields) - {"fill_mode", "swap_labels", "average_answers"}
    kept = {"rotation", "width_shift", "height_shift", "horizontal_flip", "vertical_flip"}
    plain = AugmentationSettings(**dict.fromkeys(("rotation", "width_shift", "height_shift", "noise"), 0))
    off = plain.model_copy(update={"zoom_min": 1.0, "zoom_max": 1.0})
    changed = {name for name in names if getattr(weak, name) != getattr(off, name)}
    assert changed <= kept, "a new kind of augmentation is left out of the weak view, or is no change of the galaxy"


def test_a_square_is_hidden_by_the_sky():
    images = torch.full((200, 2, 16, 16), 3.0)
    images[:, :, 4:12, 4:12] = 9.0
    hidden = views.hide_squares(images, torch.Generator().manual_seed(0))
    assert set(hidden.unique().tolist()) == {3.0, 9.0}
    changed = (hidden != images).flatten(1).sum(dim=1)
    assert bool((changed > 0).any())
    assert int(changed.max()) <= 2 * 8 * 8
    assert torch.equal(hidden[:, 0], hidden[:, 1]), "in all bands alike"

import numpy as np
import pytest
import torch

from core.train.augmentation import neighbours
from core.train.augmentation.pipeline import augment
from core.train.augmentation.sky import Sky


def _add_light(images, settings, seed=0, others=None):
    light = neighbours.draw_light(images, Sky.measure(images), settings, torch.Generator().manual_seed(seed), others)
    assert light is not None
    return light


def test_as_many_galaxies_as_asked_for_get_one_beside_the_centre(still, galaxies):
    images = galaxies(800, size=48)
    light = _add_light(images, still.model_copy(update={"neighbours": 0.3})).mean(dim=1)
    has_one = light.abs().amax(dim=(1, 2)) > 0
    assert 0.15 < has_one.float().mean() < 0.33  # of those whose centre lies outside the stamp, only wings are seen
    assert (light[:, 23:25, 23:25] == 0).all()
    bright = light.flatten(1).argmax(dim=1)[light.amax(dim=(1, 2)) > 30].numpy()
    distance = np.hypot(bright // 48 - 23.5, bright % 48 - 23.5) / 48
    assert neighbours.NEAREST - 0.05 < distance.min() < 0.4
    assert (light >= -5).all()


def test_a_neighbour_is_another_galaxy_whole_and_without_its_sky(still):
    images = torch.randn(6, 1, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.01 + 7
    for row in range(6):
        images[row, 0, 19:21, 19:21] += 10 * (row + 1)
    light = _add_light(images, still.model_copy(update={"neighbours": 1.0}), seed=3)
    for row in range(6):
        flux = light[row].sum().item()
        if flux > 1:
            assert flux == pytest.approx(40 * round(flux / 40), abs=0.5)
            assert round(flux / 40) != row + 1
    assert ((light.abs() > 0.5).sum(dim=(1, 2, 3)) <= 4).all()
    assert (light[:, 0, 14:26, 14:26] == 0).all()


def test_a_galaxy_that_fills_its_stamp_still_leaves_the_centre_alone(still):
    images = torch.full((40, 2, 33, 33), 5.0)
    images[:, :, 1:-1, 1:-1] += 100
    light = _add_light(images, still.model_copy(update={"neighbours": 1.0}))
    assert light.amax() > 50
    assert light[:, :, 16, 16].abs().max() < 1e-6


def test_one_galaxy_alone_needs_others_to_take_a_neighbour_from(still, galaxies):
    settings = still.model_copy(update={"neighbours": 1.0})
    one, others = galaxies(1), galaxies(5, peak=500.0)
    assert torch.equal(augment(one, settings, torch.Generator().manual_seed(0)), one)
    light = _add_light(one.expand(30, -1, -1, -1), settings, others=others)
    assert light.max() > 300

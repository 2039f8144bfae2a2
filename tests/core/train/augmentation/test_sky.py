import math

import numpy as np
import pytest
import torch

from core.train.augmentation import sky
from core.train.augmentation.pipeline import augment
from core.train.augmentation.sky import Sky


def test_level_and_noise_are_measured_for_each_stamp_and_band_under_a_neighbour_at_the_edge(galaxies):
    images = galaxies(40, bands=2, size=48)
    images[:20, 0] *= 3
    images[5:8, :, :9, :5] += 1000
    found = Sky.measure(images)
    assert found.level.shape == found.noise.shape == (40, 2, 1, 1)
    assert torch.allclose(found.level[:20, 0], torch.tensor(300.0), atol=1.5)
    assert torch.allclose(found.level[20:], torch.tensor(100.0), atol=0.6)
    assert found.noise[:20, 0].mean().item() == pytest.approx(3, rel=0.05)
    assert found.noise[20:].mean().item() == pytest.approx(1, rel=0.05)


def test_images_without_noise_have_a_hundredth_of_what_lies_above_their_sky():
    images = torch.zeros(1, 1, 16, 16)
    images[0, 0, 6:10, 6:10] = 7
    assert Sky.measure(images).noise.item() == pytest.approx(7 * math.sqrt(16 / 256) / 100, rel=1e-5)
    assert Sky.measure(torch.zeros(1, 1, 16, 16)).noise.item() > 0


def test_signal_to_noise_is_the_written_sum(galaxies):
    images = galaxies(3, bands=2, size=32)
    background = Sky(torch.full((3, 2, 1, 1), 100.0), torch.tensor([1.0, 2.0]).view(1, 2, 1, 1).expand(3, 2, 1, 1))
    y, x = np.mgrid[:32, :32] - 15.5
    inside = np.hypot(y, x) <= 8
    light = (images.numpy() - 100)[:, :, inside].sum(axis=2)
    expected = np.hypot(light[:, 0], light[:, 1] / 2) / math.sqrt(inside.sum())
    assert np.allclose(sky.signal_to_noise(images, background).numpy(), expected, rtol=1e-5)


def test_noise_grows_by_up_to_the_factor_and_the_galaxy_stays(still, galaxies):
    images = galaxies(400)
    settings = still.model_copy(update={"sky_noise": 3.0})
    varied = augment(images, settings, torch.Generator().manual_seed(0))
    growth = varied[:, :, :8].std(dim=(1, 2, 3)) / images[:, :, :8].std(dim=(1, 2, 3))
    assert growth.min() < 1.1 and growth.max() == pytest.approx(3, rel=0.25)
    assert growth.log().mean().item() == pytest.approx(math.log(3) / 2, abs=0.05)  # even in its logarithm
    assert torch.allclose(varied.mean(dim=0), images.mean(dim=0), atol=0.5)


def test_the_signal_to_noise_ratio_falls_to_between_its_own_and_the_target_and_never_rises(still, galaxies):
    images = galaxies(300, width=4)
    background = Sky.measure(images)
    own = sky.signal_to_noise(images, background).median().item()
    settings = still.model_copy(update={"signal_to_noise": own / 10})
    varied = augment(images, settings, torch.Generator().manual_seed(0))
    ratio = sky.signal_to_noise(varied, Sky.measure(varied))
    assert ratio.min().item() == pytest.approx(own / 10, rel=0.4)
    assert ratio.max() < 1.3 * own
    assert 0.2 * own < ratio.median() < 0.5 * own  # the middle in the logarithm is at 0.32
    above = still.model_copy(update={"signal_to_noise": 100 * own})
    assert torch.equal(augment(images, above, torch.Generator().manual_seed(0)), images)


def test_brightness_multiplies_what_lies_above_the_sky_in_all_bands_alike(still, galaxies):
    images = galaxies(300, noise=0.01)
    settings = still.model_copy(update={"brightness_min": 0.5, "brightness_max": 2.0})
    varied = augment(images, settings, torch.Generator().manual_seed(0))
    factor = (varied - 100)[:, :, 15, 15] / (images - 100)[:, :, 15, 15]
    assert torch.allclose(factor[:, 0], factor[:, 1], rtol=1e-2)
    assert (factor.min().item(), factor.max().item()) == pytest.approx((0.5, 2), rel=0.02)
    assert torch.allclose(varied[:, :, :4, :4], torch.tensor(100.0), atol=0.2)


def test_the_gradient_is_a_plane_through_the_centre_in_units_of_each_bands_noise(still):
    images = torch.randn(200, 2, 33, 33, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0]).view(
        2, 1, 1
    )
    noise = Sky.measure(images).noise
    settings = still.model_copy(update={"gradient": 4.0})
    plane = (augment(images, settings, torch.Generator().manual_seed(1)) - images) / noise
    assert torch.allclose(plane[:, 0], plane[:, 1], atol=1e-4)
    assert plane[:, :, 16, 16].abs().max() < 1e-4
    assert torch.allclose(plane.diff(dim=2), plane.diff(dim=2)[:, :, :1, :1].expand(-1, -1, 32, 33), atol=1e-4)
    slope = 33 * torch.hypot(plane[:, 0, 1, 0] - plane[:, 0, 0, 0], plane[:, 0, 0, 1] - plane[:, 0, 0, 0])
    assert slope.min() < 0.2 and slope.max().item() == pytest.approx(4, rel=0.05)

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from scipy import ndimage, special

from core.train.augmentation import optics
from core.train.augmentation.optics import Axes, Optics
from core.train.augmentation.pipeline import augment
from core.train.augmentation.sky import Sky

NO_SKY = Sky(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1))


def _apply(image, matrix):
    return Axes(matrix, matrix).apply(torch.from_numpy(image).float()[None, None])[0, 0].numpy()


@effort(max_examples=30)
@given(sigma=st.floats(0, 5), pixels=st.sampled_from([24, 31, 64]))
def test_the_blur_is_the_discrete_gaussian_with_mirrored_edges(sigma, pixels):
    image = np.random.default_rng(0).random((pixels, pixels))
    reach = pixels - 1
    kernel = special.ive(np.abs(np.arange(-reach, reach + 1)), sigma**2)  # exp(-t) I_n(t)
    expected = ndimage.convolve1d(ndimage.convolve1d(image, kernel, 0, mode="reflect"), kernel, 1, mode="reflect")
    found = _apply(image, optics.blur_matrices(torch.tensor([sigma]), pixels))
    assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.truth("Blur", "scipy")
def test_it_is_scipys_gaussian_where_that_is_well_sampled():
    image = np.random.default_rng(0).random((40, 40))
    found = _apply(image, optics.blur_matrices(torch.tensor([2.5]), 40))
    assert np.allclose(found, ndimage.gaussian_filter(image, 2.5, mode="reflect", truncate=8), atol=0.01)


def test_two_blurs_are_one_and_each_has_exactly_its_variance():
    sigma = torch.tensor([0.2, 0.5, 1.2])
    matrix = optics.blur_matrices(sigma, 41)
    assert torch.allclose(matrix.sum(dim=2), torch.ones(3, 41), atol=1e-5)
    place = torch.arange(41) - 20.0
    assert torch.allclose((matrix[:, 20] * place**2).sum(dim=1), sigma**2, atol=1e-3)
    twice = optics.blur_matrices(torch.tensor([0.5]), 41) @ optics.blur_matrices(torch.tensor([1.2]), 41)
    assert torch.allclose(twice, optics.blur_matrices(torch.tensor([1.3]), 41), atol=1e-5)


def test_twice_as_far_away_is_the_mean_of_two_by_two_pixels_and_no_light_around():
    image = np.random.default_rng(0).random((16, 16))
    found = _apply(image, optics.shrink_matrices(torch.tensor([2.0]), 16))
    expected = np.zeros((16, 16))
    expected[4:12, 4:12] = image.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    assert np.allclose(found, expected, atol=1e-6)
    assert torch.allclose(optics.shrink_matrices(torch.tensor([1.0]), 16), torch.eye(16))


@effort(max_examples=30)
@given(factor=st.floats(1, 5), pixels=st.sampled_from([20, 33]))
def test_farther_away_the_surface_brightness_stays_and_the_flux_falls_with_the_square(factor, pixels):
    matrix = optics.shrink_matrices(torch.tensor([factor]), pixels)
    flat = _apply(np.ones((pixels, pixels)), matrix)
    assert flat[pixels // 2, pixels // 2] == pytest.approx(1 if pixels / factor > 2 else flat.max(), abs=1e-5)
    assert flat.max() <= 1 + 1e-5
    image = np.random.default_rng(0).random((pixels, pixels))
    assert _apply(image, matrix).sum() == pytest.approx(image.sum() / factor**2, rel=1e-4)


def test_the_share_of_the_noise_that_is_left_is_what_is_measured():
    farther, blurred = optics.shrink_matrices(torch.tensor([1.7]), 20), optics.blur_matrices(torch.tensor([0.6]), 20)
    both = Optics(Axes(farther, farther), Axes(blurred, blurred))
    noise = torch.randn(4000, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    assert both.kept_variance is not None
    assert torch.allclose(both.apply(noise, NO_SKY, None).var(dim=0), both.kept_variance[0], atol=0.04)


def test_neighbours_are_seen_through_the_air_but_are_not_moved_away():
    farther, blurred = optics.shrink_matrices(torch.tensor([3.0]), 21), optics.blur_matrices(torch.tensor([1.0]), 21)
    beside = torch.zeros(1, 1, 21, 21)
    beside[0, 0, 4, 15] = 10
    sky = Sky(torch.full((1, 1, 1, 1), 7.0), torch.ones(1, 1, 1, 1))
    seen = Optics(Axes(farther, farther), Axes(blurred, blurred)).apply(torch.full((1, 1, 21, 21), 7.0), sky, beside)
    assert torch.allclose(seen - 7, Axes(blurred, blurred).apply(beside), atol=1e-5)


@pytest.mark.parametrize("knobs", [{"psf_blur": 4.0}, {"distance": 3.0}, {"psf_blur": 3.0, "distance": 2.0}])
def test_the_skys_noise_is_as_strong_as_before_everywhere(still, knobs):
    sky = 100 + 2 * torch.randn(600, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    varied = augment(sky, still.model_copy(update=knobs), torch.Generator().manual_seed(1))
    assert torch.allclose(varied.std(dim=0), torch.tensor(2.0), rtol=0.15)
    assert torch.allclose(varied.mean(dim=0), torch.tensor(100.0), atol=0.4)


def test_worse_seeing_adds_up_to_its_width_in_quadrature(still, galaxies):
    images = galaxies(400, bands=1, size=41, width=2.0, noise=1e-3)
    drawn = optics.draw_optics(images, still.model_copy(update={"psf_blur": 6.0}), torch.Generator().manual_seed(0))
    varied = drawn.apply(images, Sky.measure(images), None) - 100
    x = torch.arange(41) - 20.0
    profile = varied[:, 0].sum(dim=1)
    variance = (profile * x**2).sum(dim=1) / profile.sum(dim=1) - 4
    fwhm = 2 * math.sqrt(2 * math.log(2)) * variance.clamp_min(0).sqrt()
    assert fwhm.max().item() == pytest.approx(6, rel=0.05)
    assert fwhm.mean().item() == pytest.approx(3, rel=0.15)
    assert torch.allclose(varied.sum(dim=(1, 2, 3)), (images - 100).sum(dim=(1, 2, 3)), rtol=0.02)

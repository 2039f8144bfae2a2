import numpy as np
import pytest
import torch

from core.nets import normalisation
from core.settings.declare import knobs
from core.train.augmentation import geometry, pipeline
from core.train.augmentation.noise import NoisePool, lost_noise
from core.train.augmentation.pipeline import augment
from core.train.settings import AugmentationSettings

ON = {
    "rotation": 30.0,
    "width_shift": 0.2,
    "height_shift": 0.2,
    "zoom_min": 0.7,
    "zoom_max": 1.5,
    "horizontal_flip": True,
    "vertical_flip": True,
    "noise": 0.1,
    "psf_blur": 4.0,
    "sky_noise": 3.0,
    "distance": 2.0,
    "neighbours": 1.0,
    "shear": 20.0,
    "brightness_min": 0.5,
    "brightness_max": 2.0,
    "signal_to_noise": 1.0,
    "gradient": 5.0,
    "cosmic_rays": 3.0,
    "dead_pixels": 20.0,
    "band_drop": 0.5,
}


def test_every_knob_that_changes_images_by_itself_is_tried_here():
    assert {*ON, "fill_mode", "swap_labels", "average_answers"} == set(knobs(AugmentationSettings))


def test_nothing_asked_for_leaves_the_images_untouched(still, galaxies):
    images, random = galaxies(), torch.Generator().manual_seed(0)
    before = random.get_state()
    assert torch.equal(augment(images, still, random), images)
    assert torch.equal(random.get_state(), before)  # and draws nothing


def test_the_defaults_are_one_affine_map_and_one_draw_of_noise_and_nothing_else(galaxies):
    settings = AugmentationSettings()
    scaled = (galaxies() - 100) / 10
    lost = lost_noise(scaled)
    pool = NoisePool.draw(scaled.numel(), torch.Generator().manual_seed(5))
    found = augment(scaled, settings, torch.Generator().manual_seed(7), pool, lost)
    random = torch.Generator().manual_seed(7)
    expected = geometry.warp(scaled, geometry.draw_affine_maps(64, (32, 32), settings, random))
    noise = pool.take(scaled.numel(), random).view(scaled.shape)
    sign = 1 if torch.rand(1, generator=random) < 0.5 else -1
    width = torch.sqrt(torch.full((2,), settings.noise) ** 2 + lost**2)
    assert torch.allclose(found, torch.addcmul(expected, noise, sign * width[:, None, None]), rtol=1e-6, atol=1e-6)
    assert not pipeline.is_physical(settings)


@pytest.mark.parametrize("name", sorted(ON))
def test_each_knob_changes_the_images_by_itself_reproducibly_and_keeps_the_input(still, galaxies, name):
    images = galaxies(16, bands=3)
    kept = images.clone()
    settings = still.model_copy(update={name: ON[name]})
    one, two, other = (augment(images, settings, torch.Generator().manual_seed(seed)) for seed in (9, 9, 8))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(images, kept)
    assert one.shape == images.shape and one.dtype == torch.float32 and one.isfinite().all()
    changed = (one != images).flatten(1).any(dim=1)
    assert changed.any()


@pytest.mark.parametrize("kind", ["standard", "asinh"])
@pytest.mark.parametrize("knob", [{}, ON])
def test_what_is_scaled_late_is_varied_in_physical_pixels(still, galaxies, kind, knob):
    images = galaxies(32)
    scaling = normalisation.fit(images.numpy(), kind)
    settings = still.model_copy(update=knob | {"noise": 0.0})
    lost = lost_noise(images)
    physical = augment(images, settings, torch.Generator().manual_seed(1), lost=lost)
    scaled = augment(images, settings, torch.Generator().manual_seed(1), lost=lost, scaling=scaling)
    if knob:  # without a scaling the lost noise is given back in physical pixels, too
        assert torch.allclose(scaled, scaling(physical), atol=1e-5)
    else:
        assert torch.allclose(scaled, scaling(images), atol=1e-5)


def test_noise_at_the_input_comes_after_a_late_scaling(still, galaxies):
    images = galaxies(64)
    scaling = normalisation.fit(images.numpy(), "asinh")
    settings = still.model_copy(update={"noise": 0.5, "dead_pixels": 1e-9})
    noise = augment(images, settings, torch.Generator().manual_seed(1), scaling=scaling) - scaling(images)
    assert noise.std().item() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("name", sorted(ON))
def test_each_knob_shows_in_the_sixteen_views_of_a_stamp(still, galaxies, name):
    stamps = galaxies(6, bands=3, peak=200.0).numpy()
    settings = still.model_copy(update={name: ON[name]})
    varied = pipeline.sixteen_variations(stamps[0], settings, 3, stamps[1:])
    assert np.array_equal(varied, pipeline.sixteen_variations(stamps[0], settings, 3, stamps[1:]))
    assert len({view.tobytes() for view in varied}) > 1
    deviation = np.abs(varied - stamps[0]).max(axis=(1, 2, 3))
    assert deviation.max() > 3  # standard deviations of the sky


def test_sixteen_variations_of_a_stamp_keep_its_units():
    stamp = np.random.default_rng(0).normal(1000, 50, (3, 32, 32)).astype(np.float32)
    varied = pipeline.sixteen_variations(stamp, AugmentationSettings(), 3)
    assert varied.shape == (16, 3, 32, 32)
    assert varied.dtype == np.float32
    assert varied.mean() == pytest.approx(1000, rel=0.01)
    assert len({variation.tobytes() for variation in varied}) == 16
    for settings in (AugmentationSettings(), AugmentationSettings().model_copy(update=ON)):
        assert np.isfinite(pipeline.sixteen_variations(np.zeros((1, 8, 8), np.float32), settings, 0)).all()

from __future__ import annotations

import numpy as np
import pytest
from galaxies import ellipse

from core.data.target import Classes, Quantities
from core.nets.training_range import STATISTICS, TrainingRange, fit_training_range, measure_images

SIZES = Quantities(("size", "angle"), ("arcsec", "deg"), (None, 180.0))
KINDS = Classes("kind", ("disk", "spheroid"))


def stamps(count=400, noise=0.5, flux=100.0, background=3.0, seed=0):
    """Gaussian galaxies of these total fluxes on noise, (n, 2, 32, 32); twice as much of everything in the second."""
    random = np.random.default_rng(seed)
    galaxy = ellipse(32, 2, 2) / ellipse(32, 2, 2).sum()
    images = background + random.normal(0, noise, (count, 2, 32, 32)) + np.multiply(flux, galaxy)
    images[:, 1] *= 2
    return images.astype(np.float32)


def test_background_noise_peak_and_flux_are_those_that_were_drawn():
    found = np.median(measure_images(stamps()), axis=0).reshape(2, 4)
    expected = [3, 0.5, 3 + 100 / (2 * np.pi * 4), 100]
    for place, (statistic, value) in enumerate(zip(STATISTICS, expected, strict=True)):
        if statistic != "peak":  # a maximum is above its mean
            assert found[0, place] == pytest.approx(value, rel=0.1)
        assert found[1, place] == pytest.approx(2 * found[0, place], rel=0.05)
    assert found[0, 2] == pytest.approx(4.5, abs=0.7)


def fitted(images):
    labels = np.stack([np.linspace(1, 2, 50), np.linspace(0, 180, 50)], axis=1)
    return fit_training_range(images, ("g", "r"), SIZES, labels, np.full(len(images), 0.2))


def test_galaxies_like_those_of_the_training_are_inside_and_others_are_told_by_what_is_other():
    known = fitted(stamps(2000))
    names = ("size", "angle")
    assert list(known.quantities) == ["size"]

    def told(images, size=1.5):
        return known.describe_outside(measure_images(images), np.full((len(images), 2), size), names)

    assert np.mean([bool(text) for text in told(stamps(2000, seed=1))]) < 0.03
    assert all("noise in g high" in text and "noise in r high" in text for text in told(stamps(9, noise=1)))
    assert all(text.startswith("peak in g high, flux in g high") for text in told(stamps(9, flux=200)))
    assert all("background in g low" in text for text in told(stamps(9, background=0)))
    assert set(told(stamps(9, noise=0.5), size=0.9)) == {"size low"}
    assert set(told(stamps(9, noise=0.5), size=2.1)) == {"size high"}


def test_equal_images_are_inside_their_own_range():
    images = np.repeat(stamps(1), 20, axis=0)
    assert set(fitted(images).describe_outside(measure_images(images), np.ones((20, 1)), ("size",))) == {""}


def test_the_range_is_saved_as_plain_values():
    known = fitted(stamps(30))
    assert TrainingRange.from_dict(known.to_dict()) == known
    assert known.has_one_scale
    unknown = fit_training_range(stamps(30), ("g", "r"), KINDS, np.zeros(30, np.int64), np.full(30, np.nan))
    assert unknown.pixel_scale is None and not unknown.has_one_scale
    assert not fit_training_range(
        stamps(2), ("g", "r"), KINDS, np.zeros(2, np.int64), np.array([0.2, 0.21])
    ).has_one_scale

"""Noise and size of samples: what was put in is measured, on any stamp."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from galaxies import ellipse

from core.data.sample_statistics import measure_sample
from core.errors import Stopped


def test_the_noise_of_the_sky_and_the_half_light_radius_of_gaussian_galaxies_are_measured() -> None:
    draw = np.random.default_rng(4)
    planes = [
        (7 + 100 * ellipse(48, sigma, sigma) + draw.normal(0, 0.5, (48, 48))).astype(np.float32) for sigma in (2, 4, 6)
    ]
    found = measure_sample(planes)
    np.testing.assert_allclose(found.noise, 0.5, rtol=0.1)
    np.testing.assert_allclose(
        found.radius, 1.1774 * np.array([2, 4, 6]), rtol=0.09
    )  # to half a pixel's diagonal of the smallest


def test_a_stamp_without_a_galaxy_has_a_noise_and_no_size() -> None:
    sky = np.random.default_rng(1).normal(0, 2, (40, 40)).astype(np.float32)
    found = measure_sample([sky])
    assert found.noise[0] == pytest.approx(2, rel=0.1)
    assert np.isnan(found.radius[0])


def test_measuring_ends_when_it_is_asked_to() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        measure_sample([np.zeros((16, 16), np.float32)], stop)

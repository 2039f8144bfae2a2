"""The constants and transforms of Sérsic profiles against closed forms and direct integrals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import gamma, gammainc, j0

from core.simulate import sersic


def transform(index: float, wavenumber: np.ndarray) -> np.ndarray:
    """F at k Rₑ, as the renderer looks it up."""
    rows = sersic.sersic_table().rows(torch.tensor([index]))
    look_up = sersic.LookUp(rows, torch.zeros(1, dtype=torch.int32), len(wavenumber))
    k = torch.from_numpy(wavenumber).float()
    return look_up(torch.tensor([[1.0, 0, 0]]), torch.stack([k, 0 * k, 0 * k]), slice(0, 1))[0].numpy()


@pytest.mark.truth("The constant b of the Sérsic profile", "Ciotti & Bertin 1999")
@pytest.mark.parametrize(("index", "b"), [(0.5, np.log(2)), (1, 1.67834699), (4, 7.66924944)])
def test_b_is_that_of_the_literature_and_halves_the_light(index: float, b: float) -> None:
    assert sersic.sersic_b(index) == pytest.approx(b, rel=1e-7)
    assert gammainc(2 * index, sersic.sersic_b(index)) == pytest.approx(0.5, abs=1e-12)


def test_the_radius_of_a_share_of_the_light_holds_that_share() -> None:
    index, share = np.array([0.5, 1, 2.5, 6]), np.array([0.1, 0.5, 0.9, 0.95])
    radius = sersic.radius_of_light(share, 3.0, index)
    np.testing.assert_allclose(sersic.light_within(radius, 3.0, index), share, rtol=1e-10)
    assert radius[1] == pytest.approx(3.0)


@pytest.mark.truth("Transforms of Sérsic profiles", "closed forms for n = ½ and 1")
def test_the_table_holds_the_closed_forms_of_gaussian_and_exponential() -> None:
    k = np.geomspace(1e-3, 300, 2000)
    np.testing.assert_allclose(transform(0.5, k), np.exp(-(k**2) / (4 * np.log(2))), atol=3e-5)
    exponential = (1 + (k / 1.6783469900) ** 2) ** -1.5
    np.testing.assert_allclose(transform(1.0, k), exponential, rtol=4e-4)
    np.testing.assert_allclose(transform(1.0, k), exponential, atol=3e-5)


@pytest.mark.truth("Transforms of Sérsic profiles", "direct Hankel integrals")
@pytest.mark.parametrize("index", [0.37, 0.8, 1.7, 3.3, 5.9])
def test_the_table_holds_direct_hankel_integrals(index: float) -> None:
    # ∫ I J₀(kr) 2πr dr with r = s^n for n > 1, so that the integrand is smooth
    power = max(index, 1.0)
    s = np.linspace(0, (45 / sersic.sersic_b(index)) ** (index / power), 400_001)
    r = s**power
    weight = sersic.surface_brightness(r, 1.0, index) * 2 * np.pi * r * power * s ** (power - 1)
    for k in (0.05, 0.4, 1.0, 2.5):
        assert transform(index, np.array([k]))[0] == pytest.approx(np.trapezoid(weight * j0(k * r), s), abs=5e-5)


def test_the_table_has_the_series_of_small_and_the_slope_of_large_frequencies() -> None:
    for index in (1.0, 2.0, 4.0):
        mean_square = gamma(4 * index) / gamma(2 * index) * sersic.sersic_b(index) ** (-2 * index)
        k = 0.03 / np.sqrt(mean_square)
        assert 1 - transform(index, np.array([k]))[0] == pytest.approx(k**2 * mean_square / 4, rel=0.03)
    far = np.array([300.0, 600.0])
    for index in (1.5, 2.0):  # of n = 4 it comes beyond k Rₑ = 10⁴ only
        slope = np.diff(np.log(transform(index, far)))[0] / np.log(2)
        assert slope == pytest.approx(-2 - 1 / index, abs=0.1)

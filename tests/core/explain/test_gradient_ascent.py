from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from core.explain import gradient_ascent
from core.explain.gradient_ascent import FourierParametrisation, ascend, band_mixing, blur
from core.explain.settings import AscentSettings


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=30)
@given(
    st.integers(1, 5), st.integers(2, 21), st.integers(2, 21), st.floats(0, 2), st.integers(0, 1000)
)  # odd and even sides
def test_an_image_is_the_sum_of_its_waves(bands, height, width, smoothness, seed) -> None:
    image = torch.randn(bands, height, width, generator=random(seed))
    waves = FourierParametrisation(image, band_mixing(image), smoothness)
    assert torch.allclose(waves.image(waves.coefficients(image)), image, atol=2e-4)


@pytest.mark.parametrize("shift", [[0, 0], [3, -2]])
def test_the_gradient_is_that_of_finite_differences(make, galaxy, shift) -> None:
    predictor = make((3, 16, 20), activation="gelu")  # without kinks
    predictor.network.double()
    image = predictor.normalisation(torch.from_numpy(galaxy((3, 16, 20)))[None])[0].double()
    waves = FourierParametrisation(image, band_mixing(image), 1.0)
    coefficients = waves.coefficients(image).requires_grad_()

    def goal(scaled):
        score = predictor.network(scaled[None])[0, 1]
        return score - 1e-3 * scaled.square().sum(), score

    downhill, shown = gradient_ascent.goal_gradient(coefficients, waves, goal, shift)
    rolled = torch.roll(image, shift, (1, 2))
    with torch.no_grad():
        assert shown == pytest.approx(float(goal(rolled)[1]), abs=1e-5)
        for seed in range(5):
            way = torch.randn(coefficients.shape, generator=random(seed), dtype=torch.float64)
            ahead, behind = (
                goal(torch.roll(waves.image(coefficients + sign * 1e-6 * way), shift, (1, 2)))[0] for sign in (1, -1)
            )
            assert float(-(downhill * way).sum()) == pytest.approx(float(ahead - behind) / 2e-6, rel=1e-4, abs=1e-5)


def test_blur_is_a_gaussian_that_goes_round(galaxy) -> None:
    image = torch.from_numpy(galaxy((2, 31, 40)))
    expected = np.stack([gaussian_filter(band, 1.5, mode="wrap", truncate=8) for band in image.numpy()])
    np.testing.assert_allclose(blur(image, 1.5).numpy(), expected, atol=1e-2)
    assert torch.allclose(blur(image, 0.0), image, atol=1e-4)


def test_bands_that_vary_together_are_mixed_and_others_are_not(galaxy) -> None:
    profile = torch.from_numpy(galaxy((1, 32, 32)))[0]
    together = band_mixing(torch.stack([profile, 2 * profile]))
    (weak, strong), directions = torch.linalg.eigh(together)
    assert float(directions[1, 1] / directions[0, 1]) == pytest.approx(2, rel=1e-3)
    assert strong > 10 * weak > 0
    apart = band_mixing(torch.randn(2, 64, 64, generator=random()))
    assert torch.allclose(apart, torch.eye(2), atol=0.1)
    assert torch.equal(band_mixing(torch.full((3, 8, 8), 7.0)), torch.eye(3))
    assert float((together @ together).trace()) == pytest.approx(2, rel=1e-5)


def test_smoothness_brings_broad_patterns_first() -> None:
    weights = torch.randn(1, 32, 32, generator=random())  # a goal that likes all waves alike

    def share_of_broad(smoothness: float) -> float:
        settings = AscentSettings(steps=5, step=0.01, jitter=0, smoothness=smoothness)
        steps = ascend(
            torch.zeros(1, 32, 32),
            torch.eye(1),
            lambda image: ((weights * image).sum(),) * 2,
            lambda image, _number, _share: image,
            settings,
            random(),
        )
        *_, (image, _) = steps
        power = torch.fft.fft2(image[0]).abs().square()
        broad = torch.hypot(torch.fft.fftfreq(32)[:, None], torch.fft.fftfreq(32)) < 0.1
        return float(power[broad].sum() / power.sum())

    assert share_of_broad(0.0) < 0.1
    assert share_of_broad(1.0) > 0.4
    assert share_of_broad(2.0) > 0.9


def test_restraint_is_asked_after_each_step_with_steps_that_shrink() -> None:
    asked = []

    def restrain(image, number, share):
        asked.append((number, share))
        return image.clamp(max=0.1)

    settings = AscentSettings(steps=10, step=1.0, jitter=2)
    images = [
        image
        for image, _ in ascend(
            torch.zeros(2, 8, 8), torch.eye(2), lambda image: (image.sum(),) * 2, restrain, settings, random()
        )
    ]
    assert [number for number, _ in asked] == list(range(1, 11))
    shares = [share for _, share in asked]
    assert shares[0] == 1 and shares == sorted(shares, reverse=True) and shares[-1] < 0.1
    assert all(float(image.max()) <= 0.1 + 1e-6 for image in images)

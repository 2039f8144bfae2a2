from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from core.errors import NotPossible
from core.events import result_of
from core.explain import integrated_gradients, occlusion
from core.explain.explanation import Explanation
from core.explain.faithfulness.agreement import Agreement, measure_agreement, resolution
from core.explain.faithfulness.map_similarity import rank_correlation
from core.explain.faithfulness.settings import AgreementSettings
from core.explain.settings import GradientSettings, OcclusionSettings
from core.settings.declare import Settings


def explanation(values: np.ndarray, method: str = "a method", settings: Settings | None = None) -> Explanation:
    return Explanation("g", method, "disk", values, 1.0, 0.0, None, settings or GradientSettings())


def compared(*maps: np.ndarray, **knobs) -> Agreement:
    return measure_agreement(
        [explanation(values, f"m{n}") for n, values in enumerate(maps)], AgreementSettings(**knobs)
    )


def noise(seed: int, shape: tuple[int, int] = (64, 64)) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.truth("Rank correlation of maps", "Pearson's correlation of mean ranks")
@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=4, max_size=40).filter(
        lambda pairs: all(len(set(values)) > 1 for values in zip(*pairs, strict=True))
    )
)
def test_the_rank_correlation_is_that_of_mean_ranks(pairs) -> None:
    first, second = np.array(pairs, np.float64).T.reshape(2, 1, -1)
    # twice a value's mean rank: how many lie below it, less those above it, and a constant
    ranks = [(np.sign(values.T - values)).sum(axis=1) for values in (first, second)]
    expected = (ranks[0] @ ranks[1]) / np.sqrt((ranks[0] @ ranks[0]) * (ranks[1] @ ranks[1]))
    assert rank_correlation(first, second) == pytest.approx(expected, abs=1e-9)


def test_the_rank_correlation_of_a_few_untied_values_is_spearmans_formula() -> None:
    first, second = np.array([[1.0, 7.0], [20.0, 3.0]]), np.array([[5.0, 90.0], [6.0, 7.0]])
    # ranks 1 3 4 2 and 1 4 2 3: squared differences 0 + 1 + 4 + 1
    assert rank_correlation(first, second) == pytest.approx(1 - 6 * 6 / (4 * 15))


def test_flat_and_unfinished_maps_have_no_rank_correlation() -> None:
    rising = np.arange(6.0).reshape(2, 3)
    assert rank_correlation(rising, rising**3) == pytest.approx(1)
    assert rank_correlation(rising, -rising) == pytest.approx(-1)
    holed = rising.copy()
    holed[0, 0] = np.nan
    for other in (np.ones((2, 3)), holed):
        assert np.isnan(rank_correlation(rising, other)) and np.isnan(rank_correlation(other, rising))


def test_a_map_agrees_with_itself_and_not_with_noise() -> None:
    found = compared(noise(0), noise(1), -3 * noise(0))
    np.testing.assert_allclose(np.diag(found.correlation), 1)
    np.testing.assert_allclose(np.diag(found.overlap), 1)
    assert found.correlation[0, 2] == pytest.approx(1) and found.overlap[0, 2] == pytest.approx(1)  # sign and unit
    assert abs(found.correlation[0, 1]) < 0.1
    np.testing.assert_allclose(found.correlation, found.correlation.T)
    np.testing.assert_allclose(found.overlap, found.overlap.T)


def test_the_overlap_of_unrelated_maps_is_that_of_chance() -> None:
    overlaps = [compared(noise(seed), noise(seed + 100), resolution=0).overlap[0, 1] for seed in range(20)]
    assert np.mean(overlaps) == pytest.approx(0.01 / 0.19, abs=0.01)


def test_the_overlap_is_that_of_the_brightest_tenth() -> None:
    first, second = np.zeros((2, 10, 10), np.float32)
    first[2, :], second[2, 5:], second[7, :5] = 5, 3, -3  # ten pixels each, five of them the same
    assert compared(first, second, resolution=0).overlap[0, 1] == pytest.approx(5 / 15)
    assert compared(first, second, resolution=0, brightest=0.5).overlap[0, 1] == pytest.approx(5 / 15)  # none is dark


@pytest.mark.parametrize("patch", [3, 8])
def test_a_fine_map_is_brought_to_the_resolution_of_occlusion(patch) -> None:
    """On a linear network, occlusion is the exact map averaged twice over the square."""
    settings = OcclusionSettings(patch=patch, stride=1, fill="zero")
    impulse = np.zeros((65, 65))
    impulse[32, 32] = 1
    square = np.ones((patch, patch)) / patch**2
    spread = np.zeros((65, 65))
    for down, across in np.ndindex(square.shape):
        spread += np.roll(impulse, (down, across), (0, 1))
    blurred = sum(np.roll(spread, (-down, -across), (0, 1)) for down, across in np.ndindex(square.shape))
    offset = np.arange(65) - 32
    variance = (blurred.sum(axis=1) * offset**2).sum() / blurred.sum()
    assert resolution(explanation(impulse, settings=settings)) == pytest.approx(np.sqrt(variance))


def test_occlusion_and_gradients_agree_on_a_linear_network(linear, galaxy) -> None:
    image, stop = galaxy((2, 12, 16)), threading.Event()
    covered = result_of(occlusion.explain(linear, image, 0, OcclusionSettings(patch=3, stride=1), stop))
    exact = result_of(integrated_gradients.explain(linear, image, 0, GradientSettings(), stop))
    found = measure_agreement([covered, exact], AgreementSettings())
    assert found.methods == ("occlusion", "integrated gradients")
    assert found.correlation[0, 1] > 0.85 and found.overlap[0, 1] > 0.5  # the border is covered less often
    raw = rank_correlation(np.abs(covered.map), np.abs(exact.map))
    assert found.correlation[0, 1] > raw + 0.1


def test_smoothing_keeps_the_sign() -> None:
    checks = np.indices((32, 32)).sum(axis=0) % 2 * 2.0 - 1
    blob = np.pad(np.ones((8, 8)), 12)
    fine = (checks * 5 + blob).astype(np.float32)  # a pattern that any resolution but the finest averages away
    smooth = gaussian_filter(blob, 2).astype(np.float32)
    assert compared(fine, smooth, resolution=2).overlap[0, 1] > 0.9
    assert compared(fine, smooth, resolution=0).overlap[0, 1] < 0.5


def test_it_is_said_in_a_sentence() -> None:
    two = compared(noise(0), noise(0))
    assert two.sentence() == "Agreement of m0 and m1: rank correlation 1.00, overlap of the brightest parts 1.00."
    three = compared(noise(0), noise(0), noise(1))
    assert three.sentence().startswith("Mean agreement of 3 methods: ") and " and m2 agree least" in three.sentence()
    flat = compared(noise(0), np.zeros((64, 64), np.float32))
    assert np.isnan(flat.overlap[0, 1]) and flat.sentence() == "There are no two maps to compare."


def test_maps_of_different_sizes_are_not_compared() -> None:
    with pytest.raises(NotPossible, match="different sizes"):
        compared(noise(0), noise(0, (32, 32)))

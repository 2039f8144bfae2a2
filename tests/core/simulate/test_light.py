import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincinv

from core.simulate.light import Component, equivalent_index, mean_axis_ratio, radius_of


def one(share: float, radius: float, index: float, ratio: float) -> Component:
    return Component(*(np.array([float(value)]) for value in (share, radius, index, ratio)))


def brightness(part: Component, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    n, radius, ratio = part.index[0], part.radius[0], part.axis_ratio[0]
    b = gammaincinv(2 * n, 0.5)
    return np.exp(-b * (np.hypot(x, y / ratio) / radius) ** (1 / n))


@pytest.mark.truth("Growth curve of bulge and disk", "the incomplete gamma function")
def test_bulge_and_disk_alike_have_the_usual_growth_curve():
    parts = one(0.3, 2, 4, 0.5), one(0.7, 6, 1, 0.5)

    def beyond_half(r: float) -> float:
        b = gammaincinv([8, 2], 0.5)
        return 0.3 * gammainc(8, b[0] * (r / 2) ** 0.25) + 0.7 * gammainc(2, b[1] * r / 6) - 0.5

    assert radius_of(0.5, parts)[0] == pytest.approx(brentq(beyond_half, 0.1, 20), rel=1e-6)


@pytest.mark.truth("Half-light radius of bulge and disk", "numerical integration")
def test_half_of_the_light_is_within_the_ellipse_also_when_the_axis_ratios_differ():
    parts = one(0.4, 3, 1.5, 0.9), one(0.6, 8, 1, 0.3)
    step = 0.16
    axis = np.arange(-64, 64, step) + step / 2
    x, y = np.meshgrid(axis, axis)
    light = sum(part.share[0] * (part_light := brightness(part, x, y)) / part_light.sum() for part in parts)
    ratio = mean_axis_ratio(parts)[0]
    assert ratio == pytest.approx(0.54)
    within = light[np.hypot(x, y / ratio) < radius_of(0.5, parts)[0]].sum()
    assert within == pytest.approx(0.5, abs=1e-3)


def test_a_galaxy_without_bulge_or_disk_is_the_other():
    for index in (0.5, 1.0, 3.7, 6.0):
        parts = one(1, 3, index, 0.2), one(0, 8, 1, 0.9)
        assert radius_of(0.5, parts)[0] == pytest.approx(3, rel=1e-5)
        assert equivalent_index(parts)[0] == pytest.approx(index, rel=2e-3)


def test_the_corners_of_the_prior_are_solved():
    share, radius, index, ratio = np.meshgrid([1e-3, 0.5, 0.999], [1.6, 31.6], [0.5, 6], [0.05, 0.95], indexing="ij")
    bulge = Component(share.ravel(), radius.ravel(), index.ravel(), ratio.ravel())
    disk = Component(
        1 - bulge.share, bulge.radius[::-1].copy(), np.ones(len(bulge.share)), bulge.axis_ratio[::-1].copy()
    )
    for fraction in (0.2, 0.5, 0.8):
        radii = radius_of(fraction, (bulge, disk))
        assert (radii > 0.01).all()
        assert (radii < 1000).all()

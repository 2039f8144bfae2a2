"""Galaxies, neighbours and skies whose places are known, because they were drawn there."""

from __future__ import annotations

import galsim
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.path import Path as Outline

from core.data.segmentation import segment
from core.data.settings import SegmentationSettings
from core.errors import NotPossible

SIZE = 64


def drawn(*profiles: tuple[galsim.GSObject, float, float], noise: float = 1.0, level: float = 0.0) -> np.ndarray:
    """Profiles at offsets (x, y) in pixels from the centre, seen through 3 pixels of seeing, float32 (1, H, W)."""
    stamp = galsim.ImageF(SIZE, SIZE, scale=1.0)
    for profile, x, y in profiles:
        galsim.Convolve(profile.shift(x, y), galsim.Gaussian(fwhm=3)).drawImage(stamp, add_to_image=True)
    sky = np.random.default_rng(0).normal(level, noise, (SIZE, SIZE)) if noise else level
    return (stamp.array + sky).astype(np.float32)[None]


def disk(flux: float = 20_000, radius: float = 6, q: float = 0.6) -> galsim.GSObject:
    return galsim.Exponential(half_light_radius=radius, flux=flux).shear(q=q, beta=30 * galsim.degrees)


def star(flux: float) -> galsim.GSObject:
    return galsim.DeltaFunction(flux=flux)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum()


def test_a_galaxy_is_where_its_light_is_above_the_threshold() -> None:
    image = drawn((disk(), 0, 0), level=100)
    found = segment(image)
    clean = drawn((disk(), 0, 0), noise=0)[0]
    isophote = clean > 5 / (2 * np.pi**0.5 * 1.5)  # what noise 1 becomes when it is smoothed
    assert found.galaxy.any() and not found.neighbours.any()
    assert overlap(found.galaxy, isophote) > 0.8
    assert found.sky_level == pytest.approx(100, abs=0.3)
    assert found.sky_noise == pytest.approx(1 / (2 * np.pi**0.5 * 1.5), rel=0.3)


@pytest.mark.parametrize(("x", "y", "flux"), [(-22, 20, 500), (20, -18, 3000), (14, -9, 5000)])
def test_a_star_is_a_neighbour_apart_or_blended(x, y, flux) -> None:
    found = segment(drawn((disk(), 0, 0), (star(flux), x, y)))
    centre = SIZE // 2
    assert found.labels[centre, centre] == 1
    assert found.neighbour_labels == (2,)
    assert found.labels[centre + y, centre + x] == 2


def test_two_galaxies_in_contact_are_told_apart_and_the_central_one_is_the_galaxy_though_fainter() -> None:
    found = segment(drawn((disk(10_000, 4, 0.9), 0, 0), (disk(30_000, 4, 0.9), 17, 10)))
    centre = SIZE // 2
    assert found.labels[centre, centre] == 1 and found.labels[centre + 10, centre + 17] == 2
    assert found.galaxy.sum() < found.neighbours.sum()


def test_neighbours_are_numbered_by_size() -> None:
    found = segment(drawn((disk(), 0, 0), (star(600), -24, -24), (star(9000), 24, 24), (star(2000), -24, 24)))
    areas = [int((found.labels == label).sum()) for label in found.neighbour_labels]
    assert len(areas) == 3 and areas == sorted(areas, reverse=True)
    assert found.labels[SIZE // 2 + 24, SIZE // 2 + 24] == 2


def test_arms_belong_to_their_galaxy() -> None:
    """Knots along an arm have shallow saddles in between; the star beside it has a deep one."""
    places = [
        (distance * np.cos(angle), distance * np.sin(angle)) for distance, angle in ((7, 0.4), (11, 1.1), (14, 1.7))
    ]
    arm = [(disk(1500, 1.2, 1.0), x, y) for x, y in places]
    image = drawn((disk(12_000, 7, 1.0), 0, 0), *arm, (star(4000), 20, -20))
    found = segment(image)
    columns, rows = (SIZE // 2 + np.round(places).astype(int)).T
    assert (found.labels[rows, columns] == 1).all()
    assert found.neighbour_labels == (2,)
    strict = segment(image, SegmentationSettings(saddle=1.0, contrast=0.001))
    assert len(strict.neighbour_labels) > 1


def test_a_galaxy_that_fills_the_stamp_is_no_sky() -> None:
    image = drawn((disk(2e6, 22, 0.8), 0, 0), noise=2)
    found = segment(image)
    assert found.galaxy.mean() > 0.5
    bright = image[0] > np.percentile(image[0], 50)
    assert found.galaxy[bright].mean() > 0.99


def test_bits_and_correlated_noise_do_no_harm() -> None:
    """As in a JPEG: rounded, cut off at black, stretched, and smoothed by resampling."""
    raw = drawn((disk(), 0, 0), (star(4000), 20, -18))[0]
    soft = galsim.Image(raw, scale=1.0)
    soft = galsim.Convolve(galsim.InterpolatedImage(soft), galsim.Gaussian(fwhm=2)).drawImage(nx=SIZE, ny=SIZE, scale=1)
    picture = np.clip(np.round(40 * np.arcsinh(soft.array)), 0, 255).astype(np.uint8)[None].repeat(3, axis=0)
    found = segment(picture.astype(np.float32))
    assert found.labels[SIZE // 2, SIZE // 2] == 1
    assert found.labels[SIZE // 2 - 18, SIZE // 2 + 20] > 1
    assert found.galaxy.mean() < 0.45 and found.sky.mean() > 0.4


def test_a_source_far_from_the_centre_is_not_the_galaxy() -> None:
    found = segment(drawn((disk(8000, 3), -21, 20)))
    assert not found.galaxy.any() and found.neighbour_labels == (2,)


def test_a_source_beside_the_centre_is_the_galaxy() -> None:
    found = segment(drawn((star(3000), 9, -6)))
    assert found.galaxy.any() and not found.neighbours.any()


@pytest.mark.parametrize("value", [0.0, 7.5, np.nan, np.inf])
def test_on_a_blank_image_all_is_sky(value) -> None:
    found = segment(np.full((3, 20, 30), value, np.float32))
    assert not found.galaxy.any() and found.sky.all() and found.neighbour_labels == ()
    assert found.contours(1) == []


def test_in_noise_there_is_hardly_anything() -> None:
    found = [segment(np.random.default_rng(seed).normal(0, 1, (2, SIZE, SIZE)).astype(np.float32)) for seed in range(9)]
    assert sum(one.galaxy.any() for one in found) <= 1
    assert np.mean([one.sky.mean() for one in found]) > 0.99


def test_a_band_can_be_chosen() -> None:
    image = np.concatenate([drawn((disk(), 0, 0)), drawn((star(4000), 20, -18))])
    assert segment(image, SegmentationSettings(band=1)).neighbour_labels == ()
    assert not segment(image, SegmentationSettings(band=2)).galaxy.any()
    assert segment(image).galaxy.any() and segment(image).neighbour_labels == (2,)
    with pytest.raises(NotPossible, match="no band 3"):
        segment(image, SegmentationSettings(band=3))


def test_contours_enclose_their_source_and_are_closed() -> None:
    found = segment(drawn((disk(), 0, 0), (star(9000), 31, 12)))  # a neighbour at the border
    y, x = np.indices((SIZE, SIZE))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    for label in (1, 2):
        lines = found.contours(label)
        for line in lines:
            np.testing.assert_array_equal(line[0], line[-1])
        crossings = sum(Outline(line).contains_points(points).astype(int) for line in lines)
        np.testing.assert_array_equal(crossings.reshape(SIZE, SIZE) % 2 == 1, found.labels == label)


@settings(max_examples=40)
@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=12),
        elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan),
    )
)
def test_any_image_is_parted_whatever_it_shows(image) -> None:
    found = segment(image, SegmentationSettings(fewest_pixels=1))
    assert found.labels.shape == image.shape[1:]
    parts = found.galaxy.astype(int) + found.neighbours + found.sky
    assert (parts == 1).all()
    assert all((found.labels == label).any() for label in found.neighbour_labels)

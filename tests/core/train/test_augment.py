import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from scipy import ndimage

from core.data.target import Classes, Quantities, VoteFractions
from core.train import augment
from core.train.settings import AugmentationSettings

STILL = AugmentationSettings(
    rotation=0,
    width_shift=0,
    height_shift=0,
    zoom_min=1,
    zoom_max=1,
    horizontal_flip=False,
    vertical_flip=False,
    noise=0,
)


def _images(height=20, width=24, count=3):
    return torch.rand(count, 2, height, width, generator=torch.Generator().manual_seed(0))


def _map(degrees=0.0, zoom=1.0, shift=(0.0, 0.0), flip=(1.0, 1.0)):
    return augment.matrices(
        torch.tensor([math.radians(degrees)], dtype=torch.float64),
        torch.tensor([zoom], dtype=torch.float64),
        torch.tensor([shift], dtype=torch.float64),
        torch.tensor([flip], dtype=torch.float64),
    )


def _by_scipy(image, matrix):
    """The same map by scipy's splines of order 1: rows before columns, origin in the corner, mirrored edges."""
    linear = matrix[0, :, :2].numpy()[::-1, ::-1]
    moved = matrix[0, :, 2].numpy()[::-1]
    centre = (np.array(image.shape) - 1) / 2
    return ndimage.affine_transform(image, linear, centre + moved - linear @ centre, order=1, mode="reflect")


@effort(max_examples=40, deadline=None)
@given(
    degrees=st.floats(-180, 180),
    zoom=st.floats(0.5, 2),
    dx=st.floats(-5, 5),
    dy=st.floats(-5, 5),
    flip=st.sampled_from([(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)]),
    size=st.sampled_from([(20, 24), (31, 31), (16, 17)]),
)
def test_the_affine_map_agrees_with_scipy(degrees, zoom, dx, dy, flip, size):
    images = _images(*size, count=1)
    matrix = _map(degrees, zoom, (dx, dy), flip)
    moved = augment.warped(images, matrix)
    for band in range(2):
        assert np.allclose(moved[0, band].numpy(), _by_scipy(images[0, band].numpy(), matrix), atol=1e-4)


@pytest.mark.parametrize("size", [(20, 20), (21, 21), (64, 64), (106, 106)])
def test_quarter_turns_flips_and_rest_are_exact_without_half_a_pixel_of_drift(size):
    images = _images(*size)[:1]
    for turns in range(4):
        # anticlockwise as drawn, with row 0 at the bottom
        turned = augment.warped(images, _map(90 * turns))
        assert torch.allclose(turned, torch.rot90(images, -turns, dims=(2, 3)), atol=1e-4)
    assert torch.allclose(augment.warped(images, _map(flip=(-1.0, 1.0))), images.flip(3), atol=1e-4)
    assert torch.allclose(augment.warped(images, _map(flip=(1.0, -1.0))), images.flip(2), atol=1e-4)


def test_a_shift_moves_the_galaxy_right_and_up_and_a_zoom_enlarges_it():
    y, x = np.mgrid[:41, :41] - 20.0
    image = torch.from_numpy(np.exp(-(x**2 + y**2) / 18)).float()[None, None]

    def moments(moved):
        weight = moved[0, 0].numpy() / moved.sum().item()
        cx, cy = (weight * x).sum(), (weight * y).sum()
        return cx, cy, math.sqrt((weight * ((x - cx) ** 2 + (y - cy) ** 2)).sum() / 2)

    cx, cy, width = moments(augment.warped(image, _map(shift=(3.0, -5.0))))
    assert (cx, cy, width) == pytest.approx((3, -5, 3), abs=0.02)
    cx, cy, width = moments(augment.warped(image, _map(zoom=1.5)))
    assert (cx, cy, width) == pytest.approx((0, 0, 4.5), abs=0.05)


def test_the_drawn_maps_stay_within_the_settings_and_fill_them():
    settings = AugmentationSettings(
        rotation=30, width_shift=0.1, height_shift=0.25, zoom_min=0.8, zoom_max=1.6, vertical_flip=False
    )
    maps = augment.affine_maps(4000, (40, 60), settings, torch.Generator().manual_seed(0))
    linear = maps[:, :, :2]
    zoom = 1 / torch.linalg.det(linear).abs().sqrt()
    assert (zoom.min().item(), zoom.max().item()) == pytest.approx((0.8, 1.6), abs=0.01)
    flipped = torch.linalg.det(linear) < 0
    assert flipped.float().mean().item() == pytest.approx(0.5, abs=0.03)
    angle = torch.rad2deg(torch.atan2(linear[:, 0, 1], linear[:, 0, 0])[~flipped])
    assert (angle.min().item(), angle.max().item()) == pytest.approx((-30, 30), abs=0.2)
    shift = -(torch.linalg.inv(linear) @ maps[:, :, 2:])[:, :, 0]
    assert shift.abs().max(0).values.tolist() == pytest.approx([6, 10], abs=0.05)


def test_nothing_asked_for_leaves_the_images_untouched():
    images = _images()
    assert torch.equal(augment.augmented(images, STILL, torch.Generator()), images)


def test_the_noise_has_the_width_that_was_asked_for_and_differs_from_batch_to_batch():
    settings = STILL.model_copy(update={"noise": 0.1})
    random = torch.Generator().manual_seed(0)
    images = torch.zeros(64, 1, 32, 32)
    pool = augment.NoisePool.drawn(images.numel(), random)
    for source in (None, pool):
        one, two = (augment.augmented(images, settings, random, source) for _ in range(2))
        assert one.std().item() == pytest.approx(0.1, rel=0.02)
        assert abs(np.corrcoef(one.flatten(), two.flatten())[0, 1]) < 0.02


def test_the_same_generator_gives_the_same_variation_and_the_input_is_kept():
    images = _images()
    kept = images.clone()
    one, two = (augment.augmented(images, AugmentationSettings(), torch.Generator().manual_seed(9)) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.equal(images, kept)


def test_sixteen_variations_of_a_stamp_keep_its_units():
    stamp = np.random.default_rng(0).normal(1000, 50, (3, 32, 32)).astype(np.float32)
    varied = augment.sixteen(stamp, AugmentationSettings(), 3)
    assert varied.shape == (16, 3, 32, 32)
    assert varied.dtype == np.float32
    assert varied.mean() == pytest.approx(1000, rel=0.01)
    assert len({variation.tobytes() for variation in varied}) == 16
    assert np.array_equal(varied, augment.sixteen(stamp, AugmentationSettings(), 3))
    assert np.isfinite(augment.sixteen(np.zeros((1, 8, 8), np.float32), AugmentationSettings(), 0)).all()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("spiral_cw", "spiral_acw"), True),
        (("Clockwise", "Anticlockwise"), True),
        (("anti-clockwise spiral", "edge on"), True),
        (("counterclockwise", "other"), True),
        (("S-wise", "Z-wise"), True),
        (("left-handed", "right handed"), True),
        (("p_cw", "p_acw", "p_el"), True),
        (("elliptical", "spiral", "edge_on"), False),
        (("cwts", "acwb"), False),
        (("round", "in-between", "cigar"), False),
    ],
)
def test_names_that_tell_the_sense_of_rotation_are_recognised(names, expected):
    assert augment.handed(names) is expected


def test_flips_are_taken_out_and_told_of_where_handedness_is_learned():
    suited, notices = augment.suited(AugmentationSettings(), Classes("c", ("spiral_cw", "spiral_acw")))
    assert not suited.horizontal_flip
    assert not suited.vertical_flip
    assert suited.rotation == AugmentationSettings().rotation
    assert "clockwise" in notices[0].sentence
    assert augment.suited(suited, Classes("c", ("spiral_cw", "spiral_acw"))) == (suited, [])
    assert augment.suited(AugmentationSettings(), VoteFractions(("smooth", "disk")))[1] == []


@pytest.mark.parametrize(
    ("column", "unit", "gone"),
    [
        ("half_light_radius", "arcsec", {"zoom_min", "zoom_max"}),
        ("R_e", "", {"zoom_min", "zoom_max"}),
        ("petroR50", "", {"zoom_min", "zoom_max"}),
        ("magnitude", "mag", {"zoom_min", "zoom_max"}),
        ("anything", "pix", {"zoom_min", "zoom_max"}),
        ("position_angle", "deg", {"rotation", "horizontal_flip", "vertical_flip"}),
        ("PA", "", {"rotation", "horizontal_flip", "vertical_flip"}),
        ("axis_ratio", "", set()),
        ("redshift", "", set()),
        ("n_sersic", "", set()),
        ("inclination", "deg", set()),
    ],
)
def test_what_would_change_a_quantity_is_left_out(column, unit, gone):
    before = AugmentationSettings(zoom_min=0.8, zoom_max=1.3)
    suited, notices = augment.suited(before, Quantities((column,), (unit,)))
    changed = {name for name in type(before).model_fields if getattr(before, name) != getattr(suited, name)}
    assert changed == gone
    assert len(notices) == bool(gone)


@pytest.mark.parametrize("blur", [0.0, 0.7])
def test_the_skys_noise_is_as_strong_after_a_rotation_as_before(blur):
    random = np.random.default_rng(0)
    sky = random.normal(0, [[[[0.4]], [[1.5]]]], (100, 2, 32, 32))
    sky = ndimage.gaussian_filter(sky, (0, 0, blur, blur), mode="wrap") if blur else sky
    images = torch.from_numpy(sky.astype(np.float32))
    images[::7, :, :12, :12] += 40  # some have a neighbour at the edge
    lost = augment.lost_noise(images)
    settings = AugmentationSettings(noise=0)

    def middle(varied):
        return varied[1::7, :, 12:20, 12:20].std(dim=(0, 2, 3))

    plain = augment.augmented(images, settings, torch.Generator().manual_seed(1))
    mended = augment.augmented(images, settings, torch.Generator().manual_seed(1), lost=lost)
    assert (middle(plain) < 0.93 * middle(images)).all()
    assert torch.allclose(middle(mended), middle(images), rtol=0.08)


def test_flips_alone_take_no_noise_away():
    images = torch.randn(8, 1, 16, 16)
    settings = STILL.model_copy(update={"horizontal_flip": True})
    varied = augment.augmented(images, settings, torch.Generator().manual_seed(0), lost=torch.ones(1))
    same = torch.isclose(varied, images, atol=1e-4).all(dim=3).all(dim=2)[:, 0]
    mirrored = torch.isclose(varied, images.flip(3), atol=1e-4).all(dim=3).all(dim=2)[:, 0]
    assert (same ^ mirrored).all()
    assert same.any()
    assert mirrored.any()

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from scipy import ndimage

from core.train.augmentation import geometry
from core.train.augmentation.sky import sky_level
from core.train.settings import AugmentationSettings

SCIPY = {"reflect": "reflect", "nearest": "nearest", "constant": "grid-constant", "wrap": "grid-wrap"}
FLIPS = [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)]


def _images(height=20, width=24, count=3):
    return torch.rand(count, 2, height, width, generator=torch.Generator().manual_seed(0))


def _map(degrees=0.0, zoom=1.0, shift=(0.0, 0.0), flip=(1.0, 1.0), shear=0.0):
    return geometry.compose_maps(
        np.array([math.radians(degrees)]),
        np.array([zoom]),
        np.array([shift]),
        np.array([flip]),
        np.array([math.radians(shear)]),
    )


def _by_scipy(image, matrix, mode="reflect", constant=0.0):
    """The same map by scipy's splines of order 1: rows before columns, origin in the corner."""
    linear = matrix[0, :, :2][::-1, ::-1]
    moved = matrix[0, :, 2][::-1]
    centre = (np.array(image.shape) - 1) / 2
    offset = centre + moved - linear @ centre
    return ndimage.affine_transform(image, linear, offset, order=1, mode=mode, cval=constant)


@pytest.mark.truth("Rotation, zoom, shift and shear", "scipy")
@effort(max_examples=80)
@given(
    degrees=st.floats(-180, 180),
    zoom=st.floats(0.3, 2),
    dx=st.floats(-15, 15),
    dy=st.floats(-15, 15),
    shear=st.floats(-45, 45),
    flip=st.sampled_from(FLIPS),
    size=st.sampled_from([(20, 24), (31, 31), (16, 17)]),
    fill=st.sampled_from(sorted(SCIPY)),
)
def test_the_affine_map_agrees_with_scipy_in_every_fill_mode(degrees, zoom, dx, dy, shear, flip, size, fill):
    images = _images(*size, count=1)
    matrix = _map(degrees, zoom, (dx, dy), flip, shear)
    moved = geometry.warp(images, matrix, fill)
    for band, constant in enumerate(sky_level(images)[0, :, 0, 0].tolist()):
        expected = _by_scipy(images[0, band].numpy(), matrix, SCIPY[fill], constant)
        assert np.allclose(moved[0, band].numpy(), expected, atol=2e-4)


@pytest.mark.parametrize("fill", sorted(SCIPY))
@pytest.mark.parametrize(("theta", "shear", "zoom"), [(0, 20, 1), (35, 0, 0.8), (-130, 15, 1.3)])
def test_rotation_shear_and_zoom_are_those_of_keras(fill, theta, shear, zoom):
    """Keras' matrices act on (row, column): rotation, then shear, then zoom, about the centre."""
    turn, slant = math.radians(theta), math.radians(shear)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    shearing = np.array([[1, -math.sin(slant)], [0, math.cos(slant)]])
    matrix = rotation @ shearing @ np.diag([zoom, zoom])
    images = _images(21, 26, count=1)
    centre = np.array([21, 26]) / 2 - 0.5
    constant = float(sky_level(images)[0, 0])
    expected = ndimage.affine_transform(
        images[0, 0].numpy(), matrix, centre - matrix @ centre, order=1, mode=SCIPY[fill], cval=constant
    )
    moved = geometry.warp(images, _map(theta, 1 / zoom, shear=shear), fill)
    assert np.allclose(moved[0, 0].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("size", [(20, 20), (21, 21), (64, 64), (106, 106)])
def test_quarter_turns_flips_and_rest_are_exact_without_half_a_pixel_of_drift(size):
    images = _images(*size)[:1]
    for turns in range(4):
        # anticlockwise as drawn, with row 0 at the bottom
        turned = geometry.warp(images, _map(90 * turns))
        assert torch.allclose(turned, torch.rot90(images, -turns, dims=(2, 3)), atol=1e-4)
    assert torch.allclose(geometry.warp(images, _map(flip=(-1.0, 1.0))), images.flip(3), atol=1e-4)
    assert torch.allclose(geometry.warp(images, _map(flip=(1.0, -1.0))), images.flip(2), atol=1e-4)


@pytest.mark.parametrize("shift", [(5, -7), (-24, 20), (30, 1)])
def test_whole_shifts_that_wrap_roll_the_image(shift):
    images = _images()[:1]
    moved = geometry.warp(images, _map(shift=shift), "wrap")
    assert torch.allclose(moved, images.roll((shift[1], shift[0]), (2, 3)), atol=1e-4)


def test_a_shift_moves_the_galaxy_right_and_up_and_a_zoom_enlarges_it():
    y, x = np.mgrid[:41, :41] - 20.0
    image = torch.from_numpy(np.exp(-(x**2 + y**2) / 18)).float()[None, None]

    def moments(moved):
        weight = moved[0, 0].numpy() / moved.sum().item()
        cx, cy = (weight * x).sum(), (weight * y).sum()
        return cx, cy, math.sqrt((weight * ((x - cx) ** 2 + (y - cy) ** 2)).sum() / 2)

    cx, cy, width = moments(geometry.warp(image, _map(shift=(3.0, -5.0))))
    assert (cx, cy, width) == pytest.approx((3, -5, 3), abs=0.02)
    cx, cy, width = moments(geometry.warp(image, _map(zoom=1.5)))
    assert (cx, cy, width) == pytest.approx((0, 0, 4.5), abs=0.05)


def test_the_drawn_maps_stay_within_the_settings_and_fill_them():
    settings = AugmentationSettings(
        rotation=30, width_shift=0.1, height_shift=0.25, zoom_min=0.8, zoom_max=1.6, vertical_flip=False
    )
    maps = torch.from_numpy(geometry.draw_affine_maps(4000, (40, 60), settings, torch.Generator().manual_seed(0)))
    linear = maps[:, :, :2]
    zoom = 1 / torch.linalg.det(linear).abs().sqrt()
    assert (zoom.min().item(), zoom.max().item()) == pytest.approx((0.8, 1.6), abs=0.01)
    flipped = torch.linalg.det(linear) < 0
    assert flipped.float().mean().item() == pytest.approx(0.5, abs=0.03)
    angle = torch.rad2deg(torch.atan2(linear[:, 0, 1], linear[:, 0, 0])[~flipped])
    assert (angle.min().item(), angle.max().item()) == pytest.approx((-30, 30), abs=0.2)
    shift = -(torch.linalg.inv(linear) @ maps[:, :, 2:])[:, :, 0]
    assert shift.abs().max(0).values.tolist() == pytest.approx([6, 10], abs=0.05)


def test_the_drawn_shears_stay_within_the_settings_and_leave_the_other_numbers_as_they_were(still):
    settings = still.model_copy(update={"shear": 20.0})
    maps = torch.from_numpy(geometry.draw_affine_maps(4000, (40, 60), settings, torch.Generator().manual_seed(0)))
    shear = torch.rad2deg(torch.asin(-maps[:, 1, 0]))
    assert (shear.min().item(), shear.max().item()) == pytest.approx((-20, 20), abs=0.05)
    both = [
        geometry.draw_affine_maps(50, (40, 60), AugmentationSettings(shear=shear), torch.Generator().manual_seed(0))
        for shear in (0, 1e-9)
    ]
    assert np.allclose(*both, atol=1e-6)

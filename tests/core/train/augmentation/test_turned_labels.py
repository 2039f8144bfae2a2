"""Angles turn with their galaxies in the augmentation, measured with photutils before and after."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from astropy.modeling.models import Gaussian2D
from photutils.morphology import data_properties

from core.data.target import Quantities
from core.nets import angles, encoding
from core.train.augmentation import geometry
from core.train.augmentation.label_preserving import without_label_changes
from core.train.augmentation.pipeline import augment
from core.train.augmentation.settings import AugmentationSettings
from core.train.augmentation.views import permitted_views

AXIS = Quantities(("position_angle",), ("deg",), (180.0,))
SIDE = 48
EVERYTHING = AugmentationSettings(noise=0, fill_mode="constant")
ONE_EACH = [
    AugmentationSettings(
        noise=0,
        fill_mode="constant",
        rotation=rotation,
        zoom_min=1,
        zoom_max=1,
        horizontal_flip=along,
        vertical_flip=up,
    )
    for rotation, along, up in ((180, False, False), (0, True, False), (0, False, True))
]


def draw_galaxy(angle: float, ahead: float = 0.0) -> np.ndarray:
    """An elongated Gaussian at this position angle, moved ahead along it, row 0 at the bottom."""
    phi = np.radians(angle)
    middle = (SIDE - 1) / 2
    y, x = np.mgrid[:SIDE, :SIDE]
    shape = (6, 2) if not ahead else (2, 2)
    return Gaussian2D(1, middle - ahead * np.sin(phi), middle + ahead * np.cos(phi), *shape, theta=phi + np.pi / 2)(
        x, y
    )


def measure_axis(image: np.ndarray) -> float:
    """photutils counts from +x anticlockwise."""
    return float(data_properties(np.clip(image, 0, None)).orientation.value) - 90


def measure_direction(image: np.ndarray) -> float:
    x, y = data_properties(np.clip(image, 0, None)).centroid - (SIDE - 1) / 2
    return float(np.degrees(np.arctan2(-x, y)))


@pytest.mark.parametrize("settings", [EVERYTHING, *ONE_EACH])
def test_the_label_is_the_angle_of_the_galaxy_as_it_is_shown(settings):
    true = torch.tensor([[0.0], [20], [90], [135], [178]])
    images = torch.from_numpy(np.stack([draw_galaxy(float(angle)) for angle in true])).float()[:, None]
    varied = augment(images, settings, torch.Generator().manual_seed(3))
    maps = geometry.draw_linear_maps(len(true), settings, torch.Generator().manual_seed(3))
    turned = encoding.join(AXIS, angles.turn(AXIS, encoding.split(AXIS, true), maps))
    shown = np.array([measure_axis(image) for image in varied[:, 0].numpy()])
    assert np.abs((turned[:, 0].numpy() - shown + 90) % 180 - 90).max() < 1
    assert np.abs((shown - true[:, 0].numpy() + 90) % 180 - 90).max() > 5, "the augmentation turns them"


@pytest.mark.parametrize("settings", [EVERYTHING.model_copy(update={"width_shift": 0, "height_shift": 0}), *ONE_EACH])
def test_a_direction_keeps_its_two_ends_apart(settings):
    target = Quantities(("jet",), ("rad",), (2 * np.pi,))
    settings = settings.model_copy(update={"width_shift": 0, "height_shift": 0})
    true = torch.tensor([[0.0], [20], [110], [200], [300]])
    images = torch.from_numpy(np.stack([draw_galaxy(float(angle), 12) for angle in true])).float()[:, None]
    varied = augment(images, settings, torch.Generator().manual_seed(8))
    maps = geometry.draw_linear_maps(len(true), settings, torch.Generator().manual_seed(8))
    turned = encoding.join(target, angles.turn(target, encoding.split(target, torch.deg2rad(true)), maps))
    shown = np.array([measure_direction(image) for image in varied[:, 0].numpy()])
    assert np.abs((np.degrees(turned[:, 0].numpy()) - shown + 180) % 360 - 180).max() < 1


def test_an_angle_is_turned_and_a_plain_one_keeps_rotation_and_flips_away():
    settings = AugmentationSettings(shear=5)
    fit, notices = without_label_changes(settings, AXIS)
    assert fit == settings.model_copy(update={"shear": 0.0})
    assert "angles" in notices[0].sentence
    assert len(permitted_views(fit, (1, SIDE, SIDE))) == 8
    plain, _ = without_label_changes(settings, Quantities(AXIS.columns, AXIS.units))
    assert (plain.rotation, plain.horizontal_flip, plain.vertical_flip) == (0, False, False)
    beside, _ = without_label_changes(settings, Quantities(("e1", "pa"), ("", "deg"), (None, 180.0)))
    assert beside.rotation == 0, "components of a shear cannot be turned"

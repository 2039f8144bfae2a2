"""Over which mirror images and turns answers are averaged."""

from __future__ import annotations

import itertools

import pytest
import torch

from core.data.target import Classes, Quantities
from core.nets.predictor import AS_IT_STANDS
from core.train.augmentation.label_preserving import without_label_changes
from core.train.augmentation.settings import AugmentationSettings
from core.train.augmentation.views import permitted_views

SQUARE, OBLONG = (1, 24, 24), (1, 24, 32)
ALL_EIGHT = tuple(itertools.product((False, True), range(4)))


@pytest.mark.parametrize(
    ("wish", "shape", "expected"),
    [
        ({}, SQUARE, ALL_EIGHT),
        ({"average_answers": False}, SQUARE, (AS_IT_STANDS,)),
        ({"rotation": 0}, SQUARE, ((False, 0), (False, 2), (True, 0), (True, 2))),
        ({"rotation": 45, "vertical_flip": False}, SQUARE, ((False, 0), (True, 0))),
        ({"rotation": 0, "horizontal_flip": False}, SQUARE, ((False, 0), (True, 2))),
        (
            {"rotation": 90, "horizontal_flip": False, "vertical_flip": False},
            SQUARE,
            ((False, 0), (False, 1), (False, 3)),
        ),
        ({}, OBLONG, ((False, 0), (False, 2), (True, 0), (True, 2))),
        ({"rotation": 0, "horizontal_flip": False, "vertical_flip": False}, SQUARE, (AS_IT_STANDS,)),
    ],
)
def test_they_are_those_that_the_training_may_show(wish, shape, expected):
    assert permitted_views(AugmentationSettings(**wish), shape) == expected


def test_where_classes_tell_the_sense_of_rotation_no_mirror_image_is_asked():
    handed = Classes("c", ("spiral_cw", "spiral_acw"))
    fit, _ = without_label_changes(AugmentationSettings(), handed)
    assert {mirrored for mirrored, _ in permitted_views(fit, SQUARE)} == {False}
    swapped = AugmentationSettings(swap_labels=True)
    views = permitted_views(swapped, SQUARE, mirrors_swap_labels=True)
    assert views == tuple((False, turns) for turns in range(4))


def test_where_position_angles_are_learned_only_the_galaxy_as_it_stands_is_asked():
    fit, _ = without_label_changes(AugmentationSettings(), Quantities(("position_angle",), ("deg",)))
    assert permitted_views(fit, SQUARE) == (AS_IT_STANDS,)


def test_a_vertical_flip_is_a_mirror_image_turned_by_half():
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert torch.equal(torch.rot90(image.flip(3), 2, (2, 3)), image.flip(2))

import itertools

import numpy as np
import pytest
import torch

from core.data.cutouts import Cutouts
from core.data.target import Classes, VoteFractions
from core.nets.settings import NetworkSettings
from core.train import forward, preparation
from core.train.augmentation import geometry
from core.train.augmentation.handedness import has_handed_names, mirror_indices, swap_mirrored
from core.train.augmentation.label_preserving import without_label_changes
from core.train.settings import AugmentationSettings, RunSettings


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
    assert has_handed_names(names) is expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("p_cw", "p_acw", "p_el"), (1, 0, 2)),
        (("elliptical", "Anticlockwise", "Clockwise"), (0, 2, 1)),
        (("S-wise", "Z-wise"), (1, 0)),
        (("left-handed", "right-handed", "left-handed bar", "right-handed bar"), (1, 0, 3, 2)),
        (("counterclockwise", "other"), None),
        (("spiral_cw", "galaxy_acw"), None),
        (("round", "flat"), (0, 1)),
    ],
)
def test_pairs_of_mirror_images_are_found_by_their_names(names, expected):
    assert mirror_indices(names) == expected


def test_labels_are_swapped_where_a_galaxy_is_mirrored_and_other_columns_stay():
    mirror, is_mirrored = torch.tensor([1, 0, 2]), torch.tensor([True, False, True])
    assert swap_mirrored(torch.tensor([0, 1, 2]), mirror, is_mirrored).tolist() == [1, 1, 2]
    shares = torch.tensor([[0.7, 0.2, 0.1, 30.0]] * 3)  # the last column is the number of votes
    expected = torch.tensor([[0.2, 0.7, 0.1, 30.0], [0.7, 0.2, 0.1, 30.0], [0.2, 0.7, 0.1, 30.0]])
    assert torch.equal(swap_mirrored(shares, mirror, is_mirrored), expected)


def test_it_is_known_which_galaxies_are_shown_mirrored():
    settings = AugmentationSettings(shear=10)
    maps = geometry.draw_affine_maps(500, (30, 40), settings, torch.Generator().manual_seed(4))
    found = geometry.are_mirrored(geometry.draw_linear_maps(500, settings, torch.Generator().manual_seed(4)))
    assert found.tolist() == (np.linalg.det(maps[:, :, :2]) < 0).tolist()
    assert found.float().mean().item() == pytest.approx(0.5, abs=0.06)


def test_flips_stay_where_labels_are_swapped_with_them_and_only_there():
    wish = AugmentationSettings(swap_labels=True)
    assert without_label_changes(wish, Classes("c", ("spiral_cw", "spiral_acw"))) == (wish, [])
    assert without_label_changes(wish, VoteFractions(("p_cw", "p_acw", "p_el"))) == (wish, [])
    fit, notices = without_label_changes(wish, Classes("c", ("spiral_cw", "other")))
    assert not fit.horizontal_flip
    assert "clockwise" in notices[0].sentence


def _pinwheels(count, size=32):
    """Galaxies with one arm each, which winds one way or the other; and which way, ±1."""
    random = np.random.default_rng(0)
    sense = np.where(random.random(count) < 0.5, -1, 1)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    turned = random.uniform(0, 2 * np.pi, (count, 1, 1))
    arm = np.cos(angle - turned - sense[:, None, None] * 0.25 * radius)
    images = np.exp(-radius / 8) * (1 + arm) * 30 + random.normal(0, 0.1, (count, size, size))
    return images[:, None].astype(np.float32), sense


def _winding(images):
    """Which way the arms wind, ±1: the sign in which the phase of their light turns with the radius."""
    size = images.shape[-1]
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radius, wave = np.hypot(x, y), np.exp(1j * np.arctan2(y, x))
    rings = [(images * wave * ((radius >= r) & (radius < r + 2))).sum(axis=(1, 2)) for r in (3, 5, 7, 9, 11)]
    return np.sign(sum(np.imag(b * a.conj()) for a, b in itertools.pairwise(rings)))


def test_the_labels_of_a_batch_are_those_of_the_galaxies_as_they_are_shown(new_dataset):
    images, sense = _pinwheels(64)
    assert (_winding(images[:, 0]) == sense).all()
    data = new_dataset(images, {"sense": np.where(sense > 0, "cw", "acw")}, ["sense"], bands=("r",))
    wish = RunSettings(
        augmentation=AugmentationSettings(swap_labels=True, width_shift=0, height_shift=0),
        network=NetworkSettings(depth=2, channels=4, normalisation="standard"),
        device="cpu",
    )
    with Cutouts.open(data) as cutouts:
        plan = preparation.prepare(wish, cutouts)
        rows = plan.split.train
        stamps = plan.scaling_on_read(torch.from_numpy(cutouts.images[rows]))
    shown, _ = forward.forward_batch(plan, rows, stamps, 1, 1)
    labels = forward.batch_labels(plan, rows, 1, 1)
    names = np.array(plan.predictor.output_names)[labels.numpy()]
    assert (np.where(_winding(shown[:, 0].float().numpy()) > 0, "cw", "acw") == names).all()
    assert 0.2 < (labels != plan.labels[rows]).float().mean() < 0.8
    assert plan.predictor.views == tuple((False, turns) for turns in range(4)), "answers are averaged without mirroring"

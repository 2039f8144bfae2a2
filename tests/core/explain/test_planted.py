"""Maps of a network that decides by one patch must point at it; those of a network that knows nothing must not.

The patch fills a fortieth of the image, and its surroundings, for maps as coarse as a covering square, an eighth.
One network with random weights may hit it by chance, so that the mean over several is looked at.
"""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from planted import PATCH

from core.events import result_of
from core.explain import methods
from core.explain.settings import (
    ExpectedGradientSettings,
    GradCamSettings,
    GradientSettings,
    GuidedSettings,
    OcclusionSettings,
    SmoothGradSettings,
)

MARGIN = 3
"""Pixels beyond the patch that a covering square of four pixels reaches."""
WAYS = {
    "occlusion": OcclusionSettings(patch=MARGIN + 1, stride=1),
    "integrated-gradients": GradientSettings(),
    "smoothgrad": SmoothGradSettings(),
    "expected-gradients": ExpectedGradientSettings(),
    "guided-backprop": GuidedSettings(),
    "grad-cam": GradCamSettings(layer="activation2"),
}


def share_near_the_patch(planted, predictor, name) -> float:
    """Mean share of the maps' mass, whatever its sign, that lies on the patch and its surroundings."""
    near, shares = planted.around(MARGIN), []
    for image in planted.marked[:6]:
        found = result_of(methods.explain(name, predictor, image, "marked", WAYS[name], threading.Event()))
        mass = np.abs(found.map)
        shares.append(mass[near].sum() / mass.sum() if mass.any() else 0.0)
    return float(np.mean(shares))


def test_the_network_has_learned_the_patch_and_nothing_else(planted) -> None:
    """A plain and a marked galaxy that exchange the pixels of the patch exchange their classes."""
    swapped = planted.images.copy()
    swapped[0::2, :, *PATCH], swapped[1::2, :, *PATCH] = (
        planted.images[1::2, :, *PATCH],
        planted.images[0::2, :, *PATCH],
    )
    for images, labels in ((planted.images, planted.labels), (swapped, 1 - planted.labels)):
        said = planted.predictor.logits(torch.from_numpy(images)).argmax(dim=1).numpy()
        assert (said == labels).mean() >= 0.95


@pytest.mark.truth("All maps of a network that has learned a planted patch", "where the patch is")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "expected-gradients" else name for name in WAYS]
)
def test_most_of_the_evidence_lies_on_the_patch(planted, name) -> None:
    """Less of SmoothGrad's: what a little more light would change is not what the score is made of."""
    bound = 0.4 if name == "smoothgrad" else 0.55
    assert share_near_the_patch(planted, planted.predictor, name) > bound


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "occlusion" else name
        for name in WAYS
        if name != "expected-gradients"  # it takes the longest
    ],
)
def test_networks_that_have_learned_nothing_do_not_point_there(planted, name) -> None:
    assert np.mean([share_near_the_patch(planted, network, name) for network in planted.untaught]) < 0.25

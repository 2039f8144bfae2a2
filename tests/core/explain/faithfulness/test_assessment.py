"""Assessment in maps whose truth is known: of a linear network, of planted evidence, of networks that know nothing."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from core.data.segmentation import segment
from core.events import result_of
from core.explain.faithfulness.assessment import Assessment, explain_and_assess
from core.explain.faithfulness.settings import DeletionSettings, FaithfulnessSettings

QUICK = FaithfulnessSettings(deletion=DeletionSettings(steps=12))


def belief(predictor, image, output=None, settings=QUICK) -> Assessment:
    return result_of(explain_and_assess(predictor, image, output, settings, threading.Event(), "galaxy"))


def test_the_shares_of_a_linear_network_are_those_of_weight_times_light(linear, galaxy) -> None:
    image = galaxy((2, 12, 16))
    found = belief(linear, image)
    light = torch.from_numpy(image).requires_grad_()
    index = linear.output_names.index(found.explanation.target_name)
    (weights,) = torch.autograd.grad(linear.logits(light[None])[0, index], light)
    border = np.concatenate([image[:, 0], image[:, -1], image[:, 1:-1, 0], image[:, 1:-1, -1]], axis=1)
    step = image - np.median(border, axis=1)[:, None, None]
    mass = np.abs((weights.numpy() * step).sum(axis=0))
    parts = segment(image)
    assert found.localisation.galaxy == pytest.approx(mass[parts.galaxy].sum() / mass.sum(), rel=1e-3)
    assert found.localisation.sky == pytest.approx(mass[parts.sky].sum() / mass.sum(), rel=1e-3)


def test_a_map_is_judged_for_the_output_that_was_asked_for(linear, galaxy) -> None:
    found = belief(linear, galaxy((2, 12, 16)), "spheroid")
    assert found.curves is not None
    assert found.explanation.target_name == found.curves.target_name == "spheroid"
    assert found.sentences() == [*found.localisation.sentences(), found.curves.sentence()]


@pytest.mark.slow
def test_planted_evidence_is_found_beside_the_galaxy_and_the_network_needs_it_and_no_more(planted) -> None:
    found = [belief(planted.predictor, image, "marked") for image in planted.marked[:8]]
    assert sum(one.localisation.rests_on in ("neighbour", "sky") for one in found) >= 7
    assert sum(one.localisation.galaxy < 0.3 for one in found) >= 7
    curves = [one.curves for one in found if one.curves]
    assert len(curves) == len(found)
    assert all(one.insertion_area > one.random_insertion_area + 0.2 for one in curves)
    assert all(one.deletion_area < one.random_deletion_area - 0.2 for one in curves)


def test_of_networks_with_random_weights_deletion_is_no_better_than_chance(planted) -> None:
    curves = [belief(network, image, "marked").curves for network in planted.untaught for image in planted.marked[:2]]
    gains = [one.random_deletion_area - one.deletion_area for one in curves if one]
    assert len(gains) == len(curves) and abs(np.mean(gains)) < 0.03


def test_an_unsigned_map_can_be_judged(planted) -> None:
    settings = QUICK.model_copy(update={"method": "grad-cam"})
    found = belief(planted.predictor, planted.marked[0], "marked", settings)
    assert not found.explanation.is_signed and found.localisation.rests_on in ("neighbour", "sky")

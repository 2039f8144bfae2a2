"""Explanations of networks whose input scaling mixes the pixels of a stamp."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Occlusion
from tolerances import peak_of, summed, through

from core.errors import NotPossible
from core.events import result_of
from core.explain import dreams, integrated_gradients, occlusion, sampled_gradients
from core.explain.explained_output import select_output
from core.explain.faithfulness import deletion
from core.explain.faithfulness.settings import DeletionSettings
from core.explain.settings import (
    ClassDreamSettings,
    DeepDreamSettings,
    GradientSettings,
    OcclusionSettings,
    SmoothGradSettings,
)
from core.nets import normalisation

SHAPE = (2, 24, 24)


@pytest.fixture(params=["by itself", pytest.param("whitened", marks=pytest.mark.slow)])
def predictor(request, make, galaxy):
    """A network whose scaling depends on all pixels."""
    found = make(SHAPE, depth=2)
    stamps = np.stack([galaxy(SHAPE, seed) for seed in range(60)])
    if request.param == "by itself":
        found.normalisation = normalisation.fit(stamps, "asinh", "standard")
    else:
        found.normalisation = normalisation.fit(stamps, "asinh", "none", 0.1)
    return found


def scaling_and(predictor, peak: float = 1.0) -> float:
    """Rounding of a whitening, which sums over all pixels, and of the network after it."""
    return through(predictor.network, peak) + summed(math.prod(SHAPE), peak)


def test_occlusion_is_captums(predictor, galaxy) -> None:
    image = galaxy(SHAPE, 99)
    settings = OcclusionSettings(patch=6, stride=4, fill="zero")
    found = result_of(occlusion.explain(predictor, image, 1, settings, threading.Event()))
    with torch.no_grad():
        expected = Occlusion(predictor.logits).attribute(
            torch.from_numpy(image)[None], (2, 6, 6), (2, 4, 4), baselines=0.0, target=1
        )
    exact = scaling_and(predictor, peak_of(found.score, found.baseline_score, expected))
    np.testing.assert_allclose(found.map, expected[0, 0].numpy(), atol=exact)


@pytest.mark.truth("Integrated gradients of a network that scales each galaxy by itself", "Captum, 600 steps")
@pytest.mark.parametrize("baseline", ["background", "noise"])
def test_integrated_gradients_are_captums_and_add_up(predictor, galaxy, baseline) -> None:
    """Where each stamp is divided by its own scatter, Captum is given the rest of the network and what that sees."""
    image = galaxy(SHAPE, 99)
    settings = GradientSettings(baseline=baseline, steps=100, most_steps=400, tolerance=0.002)
    found = result_of(integrated_gradients.explain(predictor, image, 1, settings, threading.Event()))
    start = select_output(predictor, image, 1).baseline_image(baseline)
    ends, answer = torch.stack([torch.from_numpy(image), start]), predictor.logits
    with torch.no_grad():
        scores = predictor.logits(ends)[:, 1].tolist()
    if predictor.normalisation.samplewise == "standard":
        spread = ends.std(dim=(1, 2, 3), correction=0, keepdim=True)
        ends = (ends - ends.mean(dim=(1, 2, 3), keepdim=True)) / torch.where(spread > 1e-5, spread, 1)
        bands = [getattr(predictor.normalisation, name)[:, None, None] for name in ("sky", "knee", "centre", "scale")]

        def answer(scaled: torch.Tensor) -> torch.Tensor:
            sky, knee, centre, scale = bands
            return predictor.network((torch.asinh((scaled - sky) / knee) - centre) / scale)

    expected = IntegratedGradients(answer).attribute(ends[:1], ends[1:], target=1, n_steps=600, internal_batch_size=200)
    assert found.bands_map is not None and found.error is not None
    off = np.abs(found.bands_map - expected[0].numpy()).sum() / expected.abs().sum().item()
    assert off < 0.05
    assert [found.score, found.baseline_score] == pytest.approx(
        scores, abs=scaling_and(predictor, max(map(abs, scores)))
    )
    assert found.error <= settings.tolerance
    assert found.map.sum() == pytest.approx(scores[0] - scores[1], rel=1.1 * settings.tolerance, abs=1e-5)


def test_on_the_straight_path_in_the_image_a_galaxy_scaled_by_itself_never_fades(predictor, galaxy) -> None:
    """So the score jumps at the baseline, and there is nothing to integrate."""
    explained = select_output(predictor, galaxy(SHAPE, 99), 1)
    empty = explained.baseline_image("zero")
    faint = predictor.normalisation(torch.stack([torch.lerp(empty, explained.image, share) for share in (1e-3, 1)]))
    if predictor.normalisation.samplewise == "standard":
        assert torch.allclose(faint[0], faint[1], atol=0.01)
    else:
        assert (faint[0] - faint[1]).abs().max() > 1


def test_smoothgrad_is_the_mean_gradient_in_the_pixels_that_the_first_layer_sees(predictor, galaxy) -> None:
    image = galaxy(SHAPE, 99)
    settings = SmoothGradSettings(samples=1, noise=1e-6)
    found = result_of(sampled_gradients.explain(predictor, image, 1, settings, threading.Event()))
    scaled = predictor.normalisation(torch.from_numpy(image)[None]).requires_grad_()
    (expected,) = torch.autograd.grad(predictor.network(scaled)[0, 1], scaled)
    # the noise of a millionth is part of it
    np.testing.assert_allclose(found.bands_map, expected[0].numpy(), atol=1e-3 * expected.abs().max().item())


def test_deletion_asks_for_whole_physical_images(predictor, galaxy) -> None:
    explained = select_output(predictor, galaxy(SHAPE, 99), 1)
    kept = torch.zeros(1, 24, 24, dtype=torch.bool)
    kept[:, 6:18, 6:18] = True
    settings = DeletionSettings(fill="zero")
    values = result_of(deletion._evaluate_masks(explained, settings, kept, threading.Event()))
    stamps = torch.stack([explained.image, torch.zeros(SHAPE), explained.image * kept])
    np.testing.assert_allclose(values, predictor.scores(stamps)[:, 1].numpy(), atol=scaling_and(predictor))


@pytest.mark.parametrize(
    ("dream", "settings"), [(dreams.class_dream, ClassDreamSettings()), (dreams.deep_dream, DeepDreamSettings())]
)
def test_dreams_are_refused_with_the_reason(predictor, galaxy, dream, settings) -> None:
    with pytest.raises(NotPossible, match="mixes the pixels"):
        result_of(dream(predictor, galaxy(SHAPE), 0, settings, threading.Event()))

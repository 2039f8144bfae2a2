from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from tolerances import peak_of, summed, through

from core.data.target import Quantities
from core.errors import Stopped
from core.events import Preview, Progress, result_of
from core.explain import integrated_gradients
from core.explain.explained_output import select_output
from core.explain.explanation import Explanation
from core.explain.settings import GradientSettings
from core.nets.heads import OutputScale


def explained(predictor, image, output=None, **knobs) -> Explanation:
    return result_of(
        integrated_gradients.explain(predictor, image, output, GradientSettings(**knobs), threading.Event())
    )


@pytest.mark.truth("Integrated gradients", "Captum with many steps")
@pytest.mark.parametrize(("activation", "pooling"), [("relu", "global"), ("gelu", "flatten")])
def test_values_are_those_of_captum_with_many_steps(make, galaxy, activation, pooling) -> None:
    predictor, image = make((3, 25, 30), activation=activation, pooling=pooling), galaxy((3, 25, 30))
    captum = IntegratedGradients(predictor.logits).attribute(
        torch.from_numpy(image)[None], 0.0, target=1, n_steps=500, internal_batch_size=100
    )
    expected = captum[0].numpy()
    found = explained(predictor, image, 1, baseline="zero", steps=300, most_steps=300)
    assert found.bands_map is not None
    off = np.abs(found.bands_map - expected).sum() / np.abs(expected).sum()
    assert off < 0.02
    np.testing.assert_allclose(found.map, found.bands_map.sum(axis=0))


@pytest.mark.truth("Integrated gradients of a linear network", "weight × height, written out")
def test_of_a_linear_network_each_pixel_has_its_weight_times_its_height(linear, galaxy) -> None:
    image = galaxy((2, 12, 16))
    impulses = torch.eye(2 * 12 * 16).reshape(-1, 2, 12, 16)
    with torch.no_grad():
        weights = (linear.logits(impulses) - linear.logits(torch.zeros_like(impulses[:1])))[:, 0]
    expected = weights.reshape(2, 12, 16).numpy() * (image - image.mean(axis=(1, 2), keepdims=True))
    found = explained(linear, image, 0, baseline="mean")
    # a weight found from outputs, which are larger than it
    exact = through(linear.network, peak_of(linear.logits(impulses)) * peak_of(image), passes=2)
    np.testing.assert_allclose(found.bands_map, expected, atol=exact)
    difference = abs(found.score - found.baseline_score)
    assert found.error < summed(image.size, np.abs(found.bands_map).sum() / difference)
    assert found.steps == found.settings.steps + 1  # nothing to refine


@pytest.mark.truth("Completeness of integrated gradients", "the difference of the two scores")
@pytest.mark.parametrize("tolerance", [0.1, 0.01, pytest.param(0.001, marks=pytest.mark.slow)])
def test_the_shares_add_up_to_the_score_difference_within_the_tolerance(make, galaxy, tolerance) -> None:
    predictor = make((3, 32, 32), depth=4)
    for seed in range(3):
        found = explained(predictor, galaxy((3, 32, 32), seed), 2, tolerance=tolerance, most_steps=2000)
        difference = found.score - found.baseline_score
        off = abs(float(found.map.sum(dtype=np.float64)) - difference) / abs(difference)
        exact = summed(found.map.size, np.abs(found.map).max() / abs(difference))
        assert found.error == pytest.approx(off, abs=exact)
        assert off <= tolerance * 1.01 + exact


def test_it_goes_on_no_longer_than_allowed_and_says_how_far_off_it_is(make, galaxy) -> None:
    found = explained(make((3, 32, 32), depth=4), galaxy((3, 32, 32)), 0, tolerance=1e-9, steps=4, most_steps=50)
    assert found.steps == 51
    assert found.error > 1e-9


def test_a_first_map_comes_before_the_refinement(make, galaxy) -> None:
    settings = GradientSettings(tolerance=1e-6, most_steps=64)
    work = integrated_gradients.explain(make((1, 32, 32)), galaxy((1, 32, 32)), 0, settings, threading.Event())
    events = list(work)
    kinds = [type(event) for event in events]
    assert kinds.count(Preview) == 1 and kinds.index(Preview) == 1
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == [settings.steps, settings.steps + 64]  # the second row is one of its own


def test_it_stops_between_steps(make, galaxy) -> None:
    stop = threading.Event()
    settings = GradientSettings(tolerance=1e-9, most_steps=5000)
    work = integrated_gradients.explain(make((1, 32, 32)), galaxy((1, 32, 32)), 0, settings, stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)


@pytest.mark.parametrize("kind", ["smooth", "make"])
def test_chunks_do_not_change_the_result(kind, request, galaxy, monkeypatch) -> None:
    """Nor where a gradient is an average with the neighbours, of which some are in other chunks."""
    predictor, image = request.getfixturevalue(kind)((2, 32, 32)), galaxy((2, 32, 32))
    whole = explained(predictor, image, 0, tolerance=1.0)
    monkeypatch.setattr(integrated_gradients, "_CHUNK_BYTES", 1)
    exact = through(predictor.network, np.abs(whole.map).max(), passes=2)
    np.testing.assert_allclose(explained(predictor, image, 0, tolerance=1.0).map, whole.map, atol=exact)


def test_an_image_without_a_galaxy_has_an_empty_map(make) -> None:
    found = explained(make((2, 24, 24)), np.full((2, 24, 24), 3, np.float32))
    assert not found.map.any()
    assert found.error == 0


def test_a_quantity_is_explained_in_its_unit(make, galaxy) -> None:
    scale = OutputScale(torch.tensor([3.0]), torch.tensor([2.0]))
    predictor, image = make((1, 24, 24), Quantities(("radius",), ("arcsec",)), scale), galaxy((1, 24, 24))
    found = explained(predictor, image)
    assert found.unit == "arcsec" and found.probability is None
    with torch.no_grad():
        score = predictor.scores(torch.from_numpy(image)[None])[0, 0].item()
    assert found.score == pytest.approx(score, abs=through(predictor.network, score))
    assert found.map.sum() == pytest.approx(found.score - found.baseline_score, rel=0.02)


def test_it_works_for_one_and_for_five_bands(make, galaxy) -> None:
    for bands in (1, 5):
        found = explained(make((bands, 45, 45)), galaxy((bands, 45, 45)))
        assert found.map.shape == (45, 45) and found.bands_map.shape == (bands, 45, 45)


def test_it_leaves_no_gradients_on_the_network(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    predictor.network.requires_grad_(requires_grad=True)
    explained(predictor, image)
    assert all(parameter.grad is None for parameter in predictor.network.parameters())


@pytest.mark.parametrize("baseline", ["blurred", "noise"])
def test_it_starts_from_a_blurred_image_or_from_noise_of_the_border(make, galaxy, baseline) -> None:
    predictor, image = make((2, 32, 32)), galaxy((2, 32, 32))
    chosen = select_output(predictor, image)
    start = chosen.blurred(3) if baseline == "blurred" else chosen.baseline_image("noise", 5)
    found = explained(predictor, image, 1, baseline=baseline, blur=3, seed=5, steps=300, most_steps=300)
    with torch.no_grad():
        score = float(predictor.logits(start[None])[0, 1])
    assert found.baseline_score == pytest.approx(score, abs=through(predictor.network, score))
    captum = IntegratedGradients(predictor.logits).attribute(
        torch.from_numpy(image)[None], start[None], target=1, n_steps=400, internal_batch_size=100
    )
    off = np.abs(found.bands_map - captum[0].numpy()).sum() / np.abs(captum.numpy()).sum()
    assert off < 0.02
    assert found.error < 0.01


def test_a_blurred_image_keeps_its_light_and_loses_its_structure(make, galaxy) -> None:
    image = galaxy((2, 32, 32))
    blurred = select_output(make((2, 32, 32)), image).blurred(8).numpy()
    assert blurred.mean(axis=(1, 2)) == pytest.approx(image.mean(axis=(1, 2)), rel=0.01)
    assert (blurred.std(axis=(1, 2)) < 0.3 * image.std(axis=(1, 2))).all()


@pytest.mark.truth("The error that is told of a map", "a map of many hundreds of gradients")
@pytest.mark.parametrize("tolerance", [0.03, pytest.param(0.003, marks=pytest.mark.slow)])
def test_it_tells_about_how_far_the_map_itself_is_off(make, galaxy, tolerance) -> None:
    """Much more than the sum of the map, in which errors of pixels cancel."""
    predictor = make((3, 32, 32), depth=4)
    told, true = [], []
    for seed in range(4):
        image = galaxy((3, 32, 32), seed)
        best = explained(predictor, image, 2, steps=600, most_steps=600).bands_map
        found = explained(predictor, image, 2, tolerance=tolerance)
        told.append(found.map_error)
        true.append(np.abs(found.bands_map - best).sum() / np.abs(best).sum())
        assert true[-1] > found.error
    assert 0.4 < np.mean(true) / np.mean(told) < 1.6


def test_evidence_for_and_against_add_up_to_the_whole(make, galaxy) -> None:
    found = explained(make((2, 32, 32)), galaxy((2, 32, 32)), 1)
    assert found.evidence_for > 0 > found.evidence_against
    assert found.evidence_for + found.evidence_against == pytest.approx(
        float(found.map.sum()), abs=summed(found.map.size, np.abs(found.map).sum())
    )

from __future__ import annotations

import copy
import math
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Saliency
from tolerances import peak_of, summed, through

from core.data.target import Quantities
from core.errors import Stopped
from core.events import Progress, result_of
from core.explain import integrated_gradients, methods, sampled_gradients
from core.explain.explained_output import select_output
from core.explain.explanation import Explanation
from core.explain.settings import ExpectedGradientSettings, SmoothGradSettings
from core.nets.heads import OutputScale

BOTH = (SmoothGradSettings, ExpectedGradientSettings)


def explained(predictor, image, output, settings) -> Explanation:
    return result_of(sampled_gradients.explain(predictor, image, output, settings, threading.Event()))


def weights_of(linear, output: int) -> np.ndarray:
    """Of a linear network, how much each pixel (2, 12, 16) counts."""
    impulses = torch.eye(2 * 12 * 16).reshape(-1, 2, 12, 16)
    with torch.no_grad():
        found = (linear.logits(impulses) - linear.logits(torch.zeros_like(impulses[:1])))[:, output]
    return found.reshape(2, 12, 16).numpy()


def close(predictor, found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, atol=through(predictor.network, peak_of(expected), passes=2))


@pytest.mark.truth("SmoothGrad", "Captum with the same noise")
@pytest.mark.parametrize(("kind", "noise"), [("make", 0.0), ("smooth", 0.0), ("smooth", 2.5)])
def test_smoothgrad_is_captums_with_the_same_noise(request, galaxy, kind, noise) -> None:
    predictor, image = request.getfixturevalue(kind)((1, 32, 32)), galaxy((1, 32, 32))
    predictor.normalisation.kind = "standard"  # of mean zero and deviation one
    scatter = float(select_output(predictor, image).background_scatter())
    assert scatter == pytest.approx(1, rel=0.3)  # that of the noise in the image
    with torch.random.fork_rng():
        torch.manual_seed(7)
        expected = NoiseTunnel(Saliency(predictor.logits)).attribute(
            torch.from_numpy(image)[None],
            nt_samples=20,
            nt_samples_batch_size=1,
            stdevs=noise * scatter,
            target=2,
            abs=False,
        )
    found = explained(predictor, image, 2, SmoothGradSettings(samples=20, noise=noise, seed=7))
    close(predictor, found.bands_map, expected[0].numpy())
    assert found.error is None and np.isnan(found.baseline_score)


@pytest.mark.truth("SmoothGrad", "finite differences")
def test_smoothgrad_is_a_mean_of_finite_differences(make, galaxy) -> None:
    predictor, image = make((2, 24, 24), activation="gelu"), galaxy((2, 24, 24))
    scatter = select_output(predictor, image).background_scatter()[:, None, None].double()
    found = explained(predictor, image, 1, SmoothGradSettings(samples=4, seed=3)).bands_map
    random = torch.Generator().manual_seed(3)
    direction = torch.randn(image.shape, generator=torch.Generator().manual_seed(0)).double()
    predictor.network.double()
    predictor.normalisation.double()
    rises = []
    for _ in range(4):
        noisy = torch.from_numpy(image) + scatter * torch.randn(image.shape, generator=random)
        scaled = predictor.normalisation(noisy)
        with torch.no_grad():
            up, down = predictor.network(torch.stack([scaled + 1e-7 * direction, scaled - 1e-7 * direction]))[:, 1]
        rises.append(float(up - down) / 2e-7)
    assert float((found * direction.numpy()).sum()) == pytest.approx(np.mean(rises), rel=1e-3)


@pytest.mark.truth("SmoothGrad and expected gradients of a linear network", "the weights, written out")
def test_of_a_linear_network_both_are_exact(linear, galaxy) -> None:
    image, weights = galaxy((2, 12, 16)), weights_of(linear, 1)
    # weights found from outputs, which are larger than they
    exact = through(linear.network, peak_of(linear.logits(torch.zeros(1, 2, 12, 16))), passes=2)
    smooth = explained(linear, image, 1, SmoothGradSettings(samples=3))
    np.testing.assert_allclose(smooth.bands_map, weights, atol=exact)
    expected = explained(linear, image, 1, ExpectedGradientSettings(samples=9, seed=4))
    random = np.random.default_rng(4)
    random.permutation(9), random.random(9)  # the places
    skies = [select_output(linear, image).baseline_image("noise", random).numpy() for _ in range(9)]
    exact *= peak_of(image)
    np.testing.assert_allclose(expected.bands_map, weights * (image - np.mean(skies, axis=0)), atol=exact)
    assert expected.error * abs(expected.score - expected.baseline_score) < exact * math.sqrt(image.size)


@pytest.mark.truth("Expected gradients", "integrated gradients averaged over skies")
@pytest.mark.slow
@pytest.mark.parametrize("samplewise", ["none", "standard"])
def test_expected_gradients_are_the_mean_of_integrated_gradients_over_skies(make, galaxy, samplewise) -> None:
    """Where each stamp is divided by its own scatter, those of the rest of the network in what that sees."""
    predictor, image = make((1, 24, 24)), galaxy((1, 24, 24))
    skies = torch.stack([select_output(predictor, image).baseline_image("noise", seed) for seed in range(200)])
    batch, answer = torch.from_numpy(image)[None].expand_as(skies), predictor.logits
    if samplewise == "standard":
        rest = replace(predictor, normalisation=copy.deepcopy(predictor.normalisation))
        predictor.normalisation.samplewise = samplewise
        batch, skies = (
            (each - each.mean(dim=(1, 2, 3), keepdim=True)) / each.std(dim=(1, 2, 3), correction=0, keepdim=True)
            for each in (batch, skies)
        )
        answer = rest.logits
    captum = IntegratedGradients(answer)
    mean = captum.attribute(batch, skies, target=0, n_steps=10, internal_batch_size=400).mean(dim=0)[0].numpy()

    def off(samples: int) -> float:
        found = explained(predictor, image, 0, ExpectedGradientSettings(samples=samples, seed=1)).map
        return float(np.abs(found - mean).sum() / np.abs(mean).sum())

    assert off(1000) < (0.15 if samplewise == "none" else 0.25)  # skies as bright as the galaxy scatter more
    assert off(1000) < 0.3 * off(20)


def test_expected_gradients_add_up_the_better_the_more_there_are(make, galaxy) -> None:
    predictor = make((2, 32, 32), depth=4)
    errors = {10: [], 300: []}
    for samples, found in errors.items():
        for seed in range(4):
            settings = ExpectedGradientSettings(samples=samples, seed=seed)
            made = explained(predictor, galaxy((2, 32, 32)), 0, settings)
            difference = made.score - made.baseline_score
            off = abs(float(made.map.sum(dtype=np.float64)) - difference) / abs(difference)
            exact = summed(made.map.size, np.abs(made.map).max() / abs(difference))
            assert made.error == pytest.approx(off, abs=exact)
            found.append(made.error)
    assert np.mean(errors[300]) < 0.5 * np.mean(errors[10])


@pytest.mark.parametrize("kind", BOTH)
def test_the_seed_decides_and_not_how_many_go_through_at_a_time(smooth, galaxy, kind, monkeypatch) -> None:
    predictor, image = smooth((2, 24, 24)), galaxy((2, 24, 24))
    one, other = (explained(predictor, image, 0, kind(samples=7, seed=seed)).map for seed in (1, 2))
    assert not np.allclose(one, other, atol=1e-3 * np.abs(one).max())
    monkeypatch.setattr(integrated_gradients, "_CHUNK_BYTES", 1)
    close(predictor, explained(predictor, image, 0, kind(samples=7, seed=1)).map, one)


@pytest.mark.parametrize("kind", BOTH)
def test_it_stops_between_draws_and_leaves_no_gradients(make, galaxy, kind, monkeypatch) -> None:
    predictor, image, stop = make((2, 24, 24)), galaxy((2, 24, 24)), threading.Event()
    predictor.network.requires_grad_(requires_grad=True)
    monkeypatch.setattr(integrated_gradients, "_CHUNK_BYTES", 1)
    work = sampled_gradients.explain(predictor, image, 0, kind(samples=5), stop)
    assert next(work) == Progress(1, 5, "samples")
    stop.set()
    with pytest.raises(Stopped):
        next(work)
    assert all(parameter.grad is None for parameter in predictor.network.parameters())


@pytest.mark.parametrize("name", ["smoothgrad", "expected-gradients"])
def test_a_quantity_is_explained_in_its_unit(make, galaxy, name) -> None:
    scale = OutputScale(torch.tensor([3.0]), torch.tensor([2.0]))
    predictor = make((1, 24, 24), Quantities(("radius",), ("arcsec",)), scale)
    settings = methods.METHODS[name].settings()
    found = result_of(methods.explain(name, predictor, galaxy((1, 24, 24)), None, settings, threading.Event()))
    assert found.unit == "arcsec" and found.probability is None and found.is_signed
    assert found.method == name.replace("-gradients", " gradients")


def test_an_image_without_a_galaxy_has_no_evidence_against_skies(make) -> None:
    flat = np.full((1, 24, 24), 3, np.float32)
    found = explained(make((1, 24, 24)), flat, 0, ExpectedGradientSettings(samples=5))
    assert not found.map.any()

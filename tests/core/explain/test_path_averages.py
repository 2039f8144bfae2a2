"""Gradients that are averaged along a path: exact where nothing switches, and nearer to the truth where much does."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from tolerances import through
from torch import nn

from core.events import result_of
from core.explain import fused, integrated_gradients
from core.explain.path_averages import _AveragedPool, _AveragedRectifier, outputs_along_path
from core.explain.settings import GradientSettings


def test_a_rectifier_has_the_share_of_the_stretch_on_which_it_is_on() -> None:
    responses = torch.tensor([-0.2, 0.8, -0.4, -2.0, 2.0])[:, None].requires_grad_()
    _AveragedRectifier.apply(responses).sum().backward()
    # zero is crossed after 0.2, 2/3 and 0.5 of a step; the half steps to both neighbours count, at an end the one
    expected = [0.6, (1 + 1) / 2, (1 / 3 + 0) / 2, 0, 1]
    assert responses.grad[:, 0].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.truth("Average of a maximum's derivative", "the mean over ten thousand places of the stretch")
@pytest.mark.parametrize("is_rectified", [True, False])
def test_of_a_maximum_each_response_has_the_share_on_which_it_is_the_largest(is_rectified) -> None:
    """With two responses in a window, of which one overtakes the other or zero, or not at all."""
    torch.manual_seed(3)
    path = torch.randn(5, 2, 2, 6).requires_grad_()
    weights = torch.randn(5, 2, 2, 3)
    pool = nn.MaxPool2d((1, 2))
    (_AveragedPool.apply(path, pool, is_rectified) * weights).sum().backward()
    images = path.detach()
    places = (torch.arange(20_000) + 0.5) / 20_000 - 0.5
    expected = torch.zeros_like(images)
    for node in range(5):
        stretch = places[(places > 0) if node == 0 else (places < 0) if node == 4 else slice(None)]
        other = torch.stack([images[min(node + 1, 4)], images[max(node - 1, 0)]])[(stretch < 0).long()]
        on_the_way = (images[node] + stretch.abs()[:, None, None, None] * (other - images[node])).requires_grad_()
        largest = pool(on_the_way)
        ((largest.relu() if is_rectified else largest) * weights[node]).sum().backward()
        expected[node] = on_the_way.grad.mean(dim=0)
    # one response, the other and zero in one step: of three only those at its ends are taken
    off = (path.grad - expected).abs()
    if is_rectified:
        assert off.median() < 2e-4 and (off > 2e-3).float().mean() < 0.25
    else:
        assert off.max() < 2e-3


def test_where_nothing_switches_it_is_the_gradient(make, galaxy) -> None:
    predictor, image = make((2, 32, 32), depth=3), torch.from_numpy(galaxy((2, 32, 32)))
    path = predictor.normalisation(torch.stack([image, image * (1 + 1e-7), image * (1 + 2e-7)]))
    found = []
    for outputs in (outputs_along_path(predictor), fused.logits_of_scaled(predictor)):
        assert outputs is not None
        scaled = path.clone().requires_grad_()
        outputs(scaled)[:, 1].sum().backward()
        found.append(scaled.grad)
    exact = through(predictor.network, float(found[1].abs().max()), passes=2)
    assert torch.allclose(*found, atol=exact)


def test_other_layers_are_left_as_they_are(make) -> None:
    predictor = make((2, 32, 32))
    predictor.network.features.append(nn.Hardtanh())
    assert outputs_along_path(predictor) is None


@pytest.mark.parametrize(
    "knobs",
    [
        {"residual": True, "activation": "prelu"},
        {"layers": 2, "activation": "leaky relu", "normalise": "group"},
        {"normalise": "none", "pooling": "flatten", "activation": "gelu"},
    ],
)
def test_the_outputs_are_the_networks_own(make, galaxy, knobs) -> None:
    predictor = make((2, 32, 32), **knobs)
    scaled = predictor.normalisation(torch.from_numpy(np.stack([galaxy((2, 32, 32), seed) for seed in range(3)])))
    outputs = outputs_along_path(predictor)
    assert outputs is not None
    expected = predictor.network(scaled)
    assert torch.allclose(outputs(scaled), expected, atol=through(predictor.network, float(expected.abs().max())))


@pytest.mark.truth("Integrated gradients averaged along the path", "Captum with 600 steps")
@pytest.mark.parametrize("residual", [False, True])
def test_the_map_is_nearer_to_one_of_many_gradients(make, galaxy, monkeypatch, residual) -> None:
    predictor, errors = make((3, 32, 32), depth=4, residual=residual), []
    settings = GradientSettings(baseline="zero", steps=24, tolerance=1)
    for seed in range(3):
        image = galaxy((3, 32, 32), seed)
        truth = (
            IntegratedGradients(predictor.logits)
            .attribute(torch.from_numpy(image)[None], 0.0, target=2, n_steps=600, internal_batch_size=100)[0]
            .numpy()
        )
        found = [result_of(integrated_gradients.explain(predictor, image, 2, settings))]
        with monkeypatch.context() as patched:
            patched.setattr(integrated_gradients, "outputs_along_path", lambda _: None)
            found.append(result_of(integrated_gradients.explain(predictor, image, 2, settings)))
        assert found[0].steps == found[1].steps == 25
        errors.append([np.abs(each.bands_map - truth).sum() / np.abs(truth).sum() for each in found])
    averaged, plain = np.mean(errors, axis=0)
    assert averaged < 0.75 * plain

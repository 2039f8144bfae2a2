"""Gradients that are averaged along a path: exact where nothing switches, and nearer to the truth where much does."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from tolerances import through
from torch import nn

from core.events import result_of
from core.explain import fused, integrated_gradients
from core.explain.path_averages import _Averaged, outputs_along_path
from core.explain.settings import GradientSettings


def test_a_rectifier_has_the_share_of_the_stretch_on_which_it_is_on() -> None:
    responses = torch.tensor([-0.2, 0.8, -0.5, -2.0])[:, None].requires_grad_()
    _Averaged.apply(responses, nn.ReLU()).sum().backward()
    # at itself and a third of the way to both neighbours: -0.2, -0.2, 0.13; 0.47, 0.8, 0.37; -0.07, -0.5, -1; -1.5 ...
    assert responses.grad[:, 0].tolist() == pytest.approx([1 / 3, 1, 0, 0])


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


@pytest.mark.parametrize("knobs", [{"activation": "gelu"}, {"residual": True}])
def test_other_layers_are_left_as_they_are(make, knobs) -> None:
    assert outputs_along_path(make((2, 32, 32), **knobs)) is None


@pytest.mark.truth("Integrated gradients averaged along the path", "Captum with 600 steps")
def test_the_map_is_nearer_to_one_of_many_gradients(make, galaxy, monkeypatch) -> None:
    predictor, errors = make((3, 32, 32), depth=4), []
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
    assert averaged < 0.9 * plain

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop, NeuronGuidedBackprop
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerances import peak_of, through
from torch import nn

from core.data.target import Quantities
from core.errors import NotPossible, Stopped
from core.events import result_of
from core.explain import activations, backward_rules, guided, methods
from core.explain.explanation import Explanation
from core.explain.settings import GuidedSettings
from core.nets.heads import OutputScale

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU:UserWarning")  # Captum's
NUMBERS = st.floats(-4, 4, width=32, allow_subnormal=False)


def explained(predictor, image, output=None, **knobs) -> Explanation:
    return result_of(guided.explain(predictor, image, output, GuidedSettings(**knobs), threading.Event()))


def scaled(predictor, image) -> torch.Tensor:
    return activations.scale_images(predictor, torch.from_numpy(image)[None]).requires_grad_()


def close(predictor, found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, atol=through(predictor.network, peak_of(expected), passes=2))


@pytest.mark.truth("Guided backpropagation", "Captum")
@pytest.mark.parametrize("knobs", [{}, {"normalise": "none"}, {"kernel": 5, "pooling": "flatten"}, {"depth": 6}])
@pytest.mark.parametrize("shape", [(3, 33, 46), (1, 32, 32)])
def test_with_relu_it_is_captums(make, galaxy, shape, knobs) -> None:
    predictor, image = make(shape, **({"depth": 5} | knobs)), galaxy(shape)
    for output in range(3):
        expected = GuidedBackprop(predictor.network).attribute(scaled(predictor, image), output)[0].detach().numpy()
        found = explained(predictor, image, output)
        close(predictor, found.bands_map, expected)
        np.testing.assert_allclose(found.map, found.bands_map.sum(axis=0))


def test_of_a_filter_it_is_captums_times_the_response_as_a_deconvnet_has_it(make, galaxy) -> None:
    predictor, image = make((2, 32, 32)), galaxy((2, 32, 32))
    responses = activations.responses(predictor, torch.from_numpy(image)[None], "activation2")[0, 3].numpy()
    unit = np.unravel_index(responses.argmax(), responses.shape)
    captum = NeuronGuidedBackprop(predictor.network, predictor.network.features.activation2)
    expected = captum.attribute(scaled(predictor, image), (3, int(unit[0]), int(unit[1])))[0].detach().numpy()
    found = explained(predictor, image, layer="activation2", filter=4)
    close(predictor, found.bands_map, float(responses.max()) * expected)
    assert found.target_name == "activation2, filter 4" and found.score == pytest.approx(responses.max())


@pytest.mark.parametrize("activation", ["leaky relu", "prelu", "gelu"])
def test_other_activations_drop_what_is_negative_on_either_way(make, galaxy, activation) -> None:
    """Captum would take their plain gradient; here it is bent by hooks on the activations, as for ReLU."""
    predictor, image = make((2, 32, 32), activation=activation), galaxy((2, 32, 32))
    for module in predictor.network.modules():
        if isinstance(module, nn.PReLU):
            module.weight.copy_(torch.linspace(-0.5, 0.5, module.weight.numel()))
    found = explained(predictor, image, 1).bands_map
    given_to: dict[nn.Module, torch.Tensor] = {}
    for module in predictor.network.modules():
        if isinstance(module, backward_rules.ACTIVATIONS):
            module.register_forward_hook(lambda own, inputs, _output: given_to.update({own: inputs[0].detach()}))
            module.register_full_backward_pre_hook(lambda _own, signals: (signals[0].clamp(min=0),))
            module.register_full_backward_hook(lambda own, signals, _: (signals[0] * (given_to[own] > 0),))
    pixels = scaled(predictor, image)
    (expected,) = torch.autograd.grad(predictor.network(pixels)[0, 1], pixels)
    close(predictor, found, expected[0].numpy())


@settings(max_examples=30)
@given(x=NUMBERS, signal=NUMBERS, kind=st.sampled_from(["relu", "leaky", "prelu", "gelu"]))
def test_the_rules_at_one_activation(x, signal, kind) -> None:
    activation = {"relu": nn.ReLU(), "leaky": nn.LeakyReLU(0.1), "prelu": nn.PReLU(), "gelu": nn.GELU()}[kind]
    at = torch.tensor([[x]], requires_grad=True)
    (slope,) = torch.autograd.grad(activation(at).sum(), at)
    for rule, expected in (
        (backward_rules.deconvnet_rule, max(signal, 0)),
        (backward_rules.guided_rule, max(signal, 0) * float(slope) if x > 0 else 0),
    ):
        y = backward_rules.forward_with_rule([activation], at, rule)
        torch.testing.assert_close(y, activation(at))
        (found,) = torch.autograd.grad(y, at, torch.tensor([[signal]]))
        assert float(found) == pytest.approx(expected, abs=1e-6)


@pytest.mark.truth("Guided backpropagation of a linear network", "its weights")
def test_of_a_linear_network_it_is_the_weights(linear, galaxy) -> None:
    impulses = torch.eye(2 * 12 * 16).reshape(-1, 2, 12, 16)
    with torch.no_grad():
        weights = (linear.logits(impulses) - linear.logits(torch.zeros_like(impulses[:1])))[:, 2]
    # weights found from outputs, which are larger than they
    exact = through(linear.network, peak_of(linear.logits(torch.zeros(1, 2, 12, 16))), passes=2)
    found = explained(linear, galaxy((2, 12, 16)), 2).bands_map
    np.testing.assert_allclose(found, weights.reshape(2, 12, 16).numpy(), atol=exact)


def test_a_quantity_is_explained_in_its_unit(make, galaxy) -> None:
    target, image = Quantities(("radius",), ("arcsec",)), galaxy((1, 32, 32))
    one, three = (
        explained(make((1, 32, 32), target, OutputScale(torch.tensor([1.0]), torch.tensor([scale]))), image)
        for scale in (1.0, 3.0)
    )
    assert one.unit == "arcsec" and one.probability is None
    close(make((1, 32, 32), target), three.map, 3 * one.map)


def test_an_unknown_layer_a_missing_filter_and_a_missing_layer_are_told(make, galaxy) -> None:
    predictor, image = make((1, 24, 24)), galaxy((1, 24, 24))
    with pytest.raises(NotPossible, match="activation3"):
        explained(predictor, image, layer="activation9")
    with pytest.raises(NotPossible, match="It has"):
        explained(predictor, image, layer="conv1", filter=999)
    with pytest.raises(ValueError, match="needs a layer"):
        GuidedSettings(filter=2)
    assert methods.unsupported_reason("guided-backprop", predictor) == ""
    predictor.network.features.register_module("activation2", nn.Sequential(nn.Tanh()))
    assert "activation2" in methods.unsupported_reason("guided-backprop", predictor)


def test_it_can_be_stopped_and_leaves_the_network_as_it_was(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    predictor.network.requires_grad_(requires_grad=True)
    before = {name: value.clone() for name, value in predictor.network.state_dict().items()}
    explained(predictor, image)
    assert all(torch.equal(before[name], value) for name, value in predictor.network.state_dict().items())
    assert all(parameter.grad is None for parameter in predictor.network.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in predictor.network.modules())
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(guided.explain(predictor, image, None, GuidedSettings(), stop))

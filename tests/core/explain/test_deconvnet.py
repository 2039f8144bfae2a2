from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from captum.attr import NeuronDeconvolution, NeuronGradient
from tolerances import peak_of, through
from torch import nn
from torch.nn import functional

from core.errors import NotPossible
from core.events import result_of
from core.explain import activations, deconvnet, methods
from core.explain.explanation import Explanation
from core.explain.settings import DeconvnetSettings

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU:UserWarning")  # Captum's


def explained(predictor, image, **knobs) -> Explanation:
    return result_of(deconvnet.explain(predictor, image, None, DeconvnetSettings(**knobs), threading.Event()))


def strongest(predictor, image, layer, number) -> tuple[float, tuple[int, int]]:
    """The largest response of a filter (from 0), and where it is."""
    responses = activations.responses(predictor, torch.from_numpy(image)[None], layer)[0, number].numpy()
    row, column = np.unravel_index(responses.argmax(), responses.shape)
    return float(responses.max()), (int(row), int(column))


def captums(method, predictor, image, layer, number, unit) -> np.ndarray:
    """One of Captum's neuron methods, from the scaled image on."""
    scaled = activations.scale_images(predictor, torch.from_numpy(image)[None]).requires_grad_()
    found = method(predictor.network, predictor.network.get_submodule(f"features.{layer}"))
    return found.attribute(scaled, (number, *unit))[0].detach().numpy()


def close(predictor, found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, atol=through(predictor.network, peak_of(expected), passes=2))


def test_of_a_convolution_it_is_the_kernel_where_the_response_is_strongest(make, galaxy) -> None:
    predictor, image = make((2, 20, 26), depth=1), galaxy((2, 20, 26))
    kernel = predictor.network.features.conv1.weight[4].numpy()
    response, (row, column) = strongest(predictor, image, "conv1", 4)
    expected = np.zeros((2, 22, 28), np.float32)
    expected[:, row : row + 3, column : column + 3] = response * kernel
    found = explained(predictor, image, layer="conv1", filter=5)
    close(predictor, found.bands_map, expected[:, 1:-1, 1:-1])
    assert found.score == pytest.approx(response)
    np.testing.assert_allclose(found.map, found.bands_map.sum(axis=0))


@pytest.mark.truth("Deconvnet", "Captum")
@pytest.mark.parametrize("knobs", [{}, {"normalise": "none"}, {"kernel": 5}, {"depth": 6, "dense": 0}])
@pytest.mark.parametrize("shape", [(3, 33, 46), (1, 32, 32)])
def test_with_relu_it_is_captums_deconvolution_times_the_response(make, galaxy, shape, knobs) -> None:
    """Captum's starts from one and bends the gradient at every ReLU; ours starts from the response, as in the paper."""
    predictor, image = make(shape, **knobs), galaxy(shape)
    layer = f"activation{min(knobs.get('depth', 3), 4)}"
    for number in (0, 3):
        response, unit = strongest(predictor, image, layer, number)
        expected = response * captums(NeuronDeconvolution, predictor, image, layer, number, unit)
        close(predictor, explained(predictor, image, layer=layer, filter=number + 1).bands_map, expected)


@pytest.mark.parametrize("activation", ["leaky relu", "prelu", "gelu"])
def test_other_activations_too_let_positive_values_back_where_captum_takes_their_gradient(
    make, galaxy, activation
) -> None:
    predictor, image = make((2, 32, 32), activation=activation), galaxy((2, 32, 32))
    responses = activations.responses(predictor, torch.from_numpy(image)[None], "activation3")[0]
    number = int(responses.amax(dim=(1, 2)).argmax())
    response, unit = strongest(predictor, image, "activation3", number)
    found = explained(predictor, image).bands_map
    captum = response * captums(NeuronDeconvolution, predictor, image, "activation3", number, unit)
    assert np.abs(found - captum).max() > 1e-2 * np.abs(found).max(), "Captum knows nn.ReLU only"
    for name, module in list(predictor.network.features.named_children()):
        if isinstance(module, nn.LeakyReLU | nn.PReLU | nn.GELU):
            predictor.network.features.register_module(name, ReluOnTheWayBack(module))
    close(predictor, found, response * captums(NeuronGradient, predictor, image, "activation3", number, unit))


class ReluOnTheWayBack(nn.Module):
    """An activation whose gradient is replaced by what the paper does."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _Bent.apply(x, self.activation(x))


class _Bent(torch.autograd.Function):
    @staticmethod
    def forward(_context, _x, y):
        return y.clone()

    @staticmethod
    def backward(_context, signal):
        return torch.relu(signal), None


def test_where_every_weight_and_response_is_positive_it_is_the_gradient(make, galaxy) -> None:
    predictor, image = make((2, 24, 24), normalise="none"), np.abs(galaxy((2, 24, 24))) + 1
    for parameter in predictor.network.parameters():
        parameter.abs_()
    response, unit = strongest(predictor, image, "activation3", 1)
    expected = response * captums(NeuronGradient, predictor, image, "activation3", 1, unit)
    close(predictor, explained(predictor, image, layer="activation3", filter=2).bands_map, expected)


@pytest.mark.truth("Deconvnet", "torch's unpooling and transposed convolution")
def test_the_way_back_is_that_of_torchs_own_unpooling_and_transposed_convolution(make, galaxy) -> None:
    predictor, image = make((3, 24, 32), depth=2), galaxy((3, 24, 32))
    layers = predictor.network.features
    scaled = activations.scale_images(predictor, torch.from_numpy(image)[None])
    first, switches = functional.max_pool2d(layers.conv1(scaled), 2, return_indices=True)
    second = layers.conv2(layers.activation1(layers.norm1(first)))
    response, (row, column) = strongest(predictor, image, "conv2", 0)
    signal = torch.zeros_like(second)
    signal[0, 0, row, column] = response
    signal = functional.conv_transpose2d(signal, layers.conv2.weight, padding=1).clamp(min=0)
    norm = layers.norm1
    signal = signal * (norm.weight / (norm.running_var + norm.eps).sqrt())[:, None, None]
    signal = functional.max_unpool2d(signal, switches, 2, output_size=(24, 32))
    expected = functional.conv_transpose2d(signal, layers.conv1.weight, padding=1)[0].numpy()
    close(predictor, explained(predictor, image, layer="conv2", filter=1).bands_map, expected)


def test_several_galaxies_go_back_at_once(make, galaxy) -> None:
    predictor = make((3, 32, 32))
    images = torch.from_numpy(np.stack([galaxy((3, 32, 32), seed) for seed in range(3)]))
    filters, units = [4, 0, 4], [(0, 1), (3, 3), (2, 0)]
    whole = deconvnet.project_responses(predictor, images, "activation3", filters, units)
    for place in range(3):
        one = deconvnet.project_responses(
            predictor, images[place, None], "activation3", [filters[place]], [units[place]]
        )
        close(predictor, whole[place].numpy(), one[0].numpy())


def test_a_pattern_stays_in_what_the_filter_sees(make, galaxy) -> None:
    predictor, image = make((2, 64, 64), depth=3), galaxy((2, 64, 64))
    layer = activations.find_layer(predictor, "activation2", (2, 64, 64))
    for unit in ((0, 0), (5, 9), (15, 15)):
        found = deconvnet.project_responses(predictor, torch.from_numpy(image)[None], "activation2", [1], [unit])[
            0
        ].numpy()
        row, column = (layer.offset + layer.stride * step for step in unit)
        y, x = np.mgrid[:64, :64]
        inside = np.maximum(np.abs(y - row), np.abs(x - column)) <= (layer.receptive_field - 1) / 2
        assert not found[:, ~inside].any()


def test_without_a_wish_it_is_the_filter_that_the_galaxy_excites_most(make, galaxy) -> None:
    predictor, image = make((3, 32, 32)), galaxy((3, 32, 32))
    responses = activations.responses(predictor, torch.from_numpy(image)[None], "activation3")[0]
    found = explained(predictor, image)
    assert found.score == float(responses.max())
    number = int(responses.amax(dim=(1, 2)).argmax()) + 1
    assert found.target_name == f"activation3, filter {number}"
    np.testing.assert_array_equal(
        found.map, explained(predictor, image, layer="features.activation3", filter=number).map
    )


def test_a_response_of_zero_has_no_pattern(make, galaxy) -> None:
    predictor, image = make((1, 32, 32), normalise="none"), galaxy((1, 32, 32))
    predictor.network.features.conv3.bias[2] = -1e6
    found = explained(predictor, image, layer="activation3", filter=3)
    assert found.score == 0 and not found.map.any()


@pytest.mark.parametrize("depth", range(1, 8))
@pytest.mark.parametrize("normalise", ["batch", "none"])
def test_it_works_at_every_depth(make, galaxy, depth, normalise) -> None:
    predictor, image = make((1, 64, 64), depth=depth, normalise=normalise, activation="prelu"), galaxy((1, 64, 64))
    found = explained(predictor, image)
    assert methods.unsupported_reason("deconvnet", predictor) == ""
    assert found.bands_map.shape == (1, 64, 64) and np.isfinite(found.map).all() and found.map.any()


def test_a_network_without_switches_or_with_an_unknown_layer_is_told_so(make, linear) -> None:
    assert "AvgPool2d" in deconvnet.unsupported_reason(linear)
    strided = make((1, 32, 32))
    for name, module in list(strided.network.features.named_children()):
        if isinstance(module, nn.MaxPool2d):
            strided.network.features.register_module(name, nn.Conv2d(1, 1, 2, 2))
    assert "no max pooling" in deconvnet.unsupported_reason(strided)


@pytest.mark.parametrize(
    ("knobs", "told"),
    [({"layer": "activation9"}, "activation3"), ({"layer": "head.output"}, "conv1"), ({"filter": 999}, "It has")],
)
def test_a_layer_or_filter_that_is_not_there_is_named(make, galaxy, knobs, told) -> None:
    with pytest.raises(NotPossible, match=told):
        explained(make((1, 32, 32)), galaxy((1, 32, 32)), **knobs)


def test_the_network_is_left_as_it_was(make, galaxy) -> None:
    predictor = make((2, 24, 24))
    before = {name: value.clone() for name, value in predictor.network.state_dict().items()}
    explained(predictor, galaxy((2, 24, 24)))
    assert all(torch.equal(before[name], value) for name, value in predictor.network.state_dict().items())
    assert not any(module._forward_hooks or module._backward_hooks for module in predictor.network.modules())


@pytest.mark.parametrize(("knobs", "layer"), [({"normalise": "group"}, "GroupNorm"), ({"residual": True}, "Residual")])
def test_what_has_no_way_back_is_named(make, knobs, layer) -> None:
    assert layer in methods.unsupported_reason("deconvnet", make((1, 32, 32), depth=2, **knobs))


def test_it_works_with_several_layers_per_block(make, galaxy) -> None:
    predictor, image = make((1, 32, 32), depth=2, layers=3), galaxy((1, 32, 32))
    assert explained(predictor, image, layer="activation2_1").map.any()

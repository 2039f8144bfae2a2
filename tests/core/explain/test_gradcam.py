from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from tolerances import peak_of, through

from core.data.target import Quantities
from core.errors import NotPossible, Stopped
from core.events import result_of
from core.explain import activations, explained_output, gradcam, methods
from core.explain.explanation import Explanation
from core.explain.settings import GradCamSettings
from core.nets.heads import OutputScale


def explained(predictor, image, output=None, **knobs) -> Explanation:
    return result_of(gradcam.explain(predictor, image, output, GradCamSettings(**knobs), threading.Event()))


@pytest.mark.truth("Grad-CAM", "Captum")
@pytest.mark.parametrize("activation", ["relu", "leaky relu", "prelu", "gelu"])
@pytest.mark.parametrize(
    ("depth", "pooling", "layer"), [(2, "global", "conv2"), (4, "flatten", "activation4"), (5, "global", "conv5")]
)
def test_values_are_those_of_captum(make, galaxy, depth, pooling, activation, layer) -> None:
    predictor = make((3, 32, 64), depth=depth, pooling=pooling, activation=activation)
    image = galaxy((3, 32, 64))
    module = predictor.network.get_submodule(f"features.{layer}")
    scaled = activations.scale_images(predictor, torch.from_numpy(image)[None]).requires_grad_()
    for output in range(3):
        coarse = LayerGradCam(predictor.network, module).attribute(scaled, output, relu_attributions=True)
        expected = LayerAttribution.interpolate(coarse, (32, 64), "bilinear")[0, 0].detach().numpy()
        found = explained(predictor, image, output, layer=layer)
        np.testing.assert_allclose(found.map, expected, atol=through(predictor.network, expected.max(), passes=2))
        assert not found.is_signed


@pytest.mark.parametrize("side", [32, 45])
def test_each_response_is_drawn_where_the_network_sees_it(make, galaxy, side) -> None:
    """Where halving leaves pixels over, stretching the map to the stamp's size would shift it."""
    predictor, image = make((1, side, side), depth=3), galaxy((1, side, side))
    layer = activations.find_layer(predictor, "", (1, side, side))
    coarse = np.zeros_like(gradcam.class_activation_map(explained_output.select_output(predictor, image), layer))
    coarse[1, 2] = 1
    y, x = (np.average(axis, weights=gradcam.upsample(coarse, layer, (side, side))) for axis in np.mgrid[:side, :side])
    assert (y, x) == pytest.approx((layer.offset + layer.stride, layer.offset + 2 * layer.stride))


@pytest.mark.truth("Grad-CAM before a linear head", "the score")
def test_right_before_a_linear_head_it_adds_up_to_the_score(make, galaxy) -> None:
    """Each filter's mean slope is then its weight in the head: the sum of the map before clipping is the score."""
    predictor = make((2, 16, 24), depth=2, dense=0)
    image = galaxy((2, 16, 24))
    responses = activations.responses(predictor, torch.from_numpy(image)[None], "activation2")[0].numpy()
    output, asked = predictor.network.head.output, explained_output.select_output(predictor, image, 1)
    expected = np.einsum("k,khw->hw", output.weight[1].numpy(), responses) / responses[0].size
    found = gradcam.class_activation_map(asked, activations.find_layer(predictor, "", (2, 16, 24)))
    exact = through(predictor.network, peak_of(responses), passes=2)
    np.testing.assert_allclose(found, np.clip(expected, 0, None), atol=exact)
    assert expected.sum() + output.bias[1].item() == pytest.approx(asked.score, abs=exact)


@pytest.mark.parametrize(
    ("depth", "side", "layer"), [(5, 64, "activation3"), (3, 64, "activation3"), (2, 12, "activation2")]
)
def test_without_a_layer_it_is_the_last_one_with_maps_worth_the_name(make, galaxy, depth, side, layer) -> None:
    predictor, image = make((1, side, side), depth=depth), galaxy((1, side, side))
    np.testing.assert_array_equal(explained(predictor, image).map, explained(predictor, image, layer=layer).map)


def test_a_quantity_is_explained_in_its_unit(make, galaxy) -> None:
    target, image = Quantities(("radius",), ("arcsec",)), galaxy((1, 32, 32))
    one, three = (
        explained(make((1, 32, 32), target, OutputScale(torch.tensor([1.0]), torch.tensor([scale]))), image)
        for scale in (1.0, 3.0)
    )
    exact = through(make((1, 32, 32), target).network, three.map.max(), passes=2)
    assert one.unit == "arcsec" and one.probability is None
    np.testing.assert_allclose(three.map, 3 * one.map, atol=exact)


def test_a_layer_that_is_not_there_is_named_and_a_network_without_maps_told_so(make, galaxy) -> None:
    predictor = make((1, 24, 24))
    assert methods.unsupported_reason("grad-cam", predictor) == ""
    with pytest.raises(NotPossible, match="activation3"):
        explained(predictor, galaxy((1, 24, 24)), layer="activation9")
    predictor.network.features = torch.nn.Sequential()
    assert "no convolution" in methods.unsupported_reason("grad-cam", predictor)


def test_it_can_be_stopped_and_leaves_the_network_as_it_was(make, galaxy) -> None:
    predictor, image = make((2, 24, 24)), galaxy((2, 24, 24))
    predictor.network.requires_grad_(requires_grad=True)
    explained(predictor, image)
    assert all(parameter.grad is None for parameter in predictor.network.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in predictor.network.modules())
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        result_of(gradcam.explain(predictor, image, None, GradCamSettings(), stop))

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import NotANumber, NotPossible
from core.explain import activations
from core.explain.signed_colours import signed_rgb


@pytest.mark.parametrize(
    "knobs", [{}, {"normalise": "none", "activation": "prelu"}, {"pooling": "flatten", "depth": 5}]
)
def test_every_layer_shows_what_it_hands_on(make, galaxy, knobs) -> None:
    predictor, image = make((3, 40, 32), **knobs), galaxy((3, 40, 32))
    heard: dict[str, torch.Tensor] = {}
    for name, module in predictor.network.features.named_children():
        module.register_forward_hook(lambda _module, _inputs, output, name=name: heard.update({name: output}))
    with torch.no_grad():
        predictor.logits(torch.from_numpy(image)[None])
    expected = {name: value[0].numpy().copy() for name, value in heard.items()}
    found = activations.feature_maps(predictor, image)
    assert [maps.name for maps in found] == list(expected)
    for maps in found:
        assert maps.responses.dtype == np.float32
        assert maps.responses.shape == maps.layer.shape
        np.testing.assert_array_equal(maps.responses, expected[maps.name])
        one = activations.responses(predictor, torch.from_numpy(image)[None], maps.name)[0].numpy()
        np.testing.assert_array_equal(one, maps.responses)


def test_maps_lie_on_the_stamp(make, galaxy) -> None:
    """A point of light makes the strongest change in the response that lies over it."""
    predictor, image = make((1, 32, 48), kernel=5), galaxy((1, 32, 48))
    for kernel in (module.weight for module in predictor.network.features if isinstance(module, nn.Conv2d)):
        kernel.zero_()
        kernel[:, :, 2, 2] = 1
    row, column = 13, 38
    image[:, row, column] += 1e3
    found = activations.feature_maps(predictor, image)
    assert found
    for maps in found:
        left, right, bottom, top = maps.extent
        assert (left, right, bottom, top) == (-0.5, 47.5, -0.5, 31.5)
        _, height, width = maps.responses.shape
        change = np.abs(maps.responses[0] - np.median(maps.responses[0]))
        y, x = np.unravel_index(change.argmax(), (height, width))
        assert bottom + y * (top - bottom) / height <= row <= bottom + (y + 1) * (top - bottom) / height
        assert left + x * (right - left) / width <= column <= left + (x + 1) * (right - left) / width


def test_the_first_weights_are_told_as_numbers_and_as_pictures(make) -> None:
    predictor = make((3, 24, 24))
    weights = activations.first_weights(predictor)
    np.testing.assert_array_equal(weights, predictor.network.features.conv1.weight.numpy())
    weights[0] = 0
    assert predictor.network.features.conv1.weight[0].any(), "a copy"
    pictures = activations.first_weights_rgb(predictor)
    assert pictures.shape == (8, 3, 3, 3) and pictures.dtype == np.uint8
    assert ((pictures == 0) | (pictures == 255)).any(axis=(1, 2, 3)).all(), "each has its own scale"


@pytest.mark.parametrize("bands", [("g",), ("g", "r"), ("g", "r", "i"), ("u", "g", "r", "i", "z")])
def test_signed_patterns_are_grey_at_zero_and_monotonous(bands) -> None:
    pattern = np.zeros((2, len(bands), 1, 5), np.float32)
    pattern[0, :, 0] = [-2, -1, 0, 1, 2]
    shown = signed_rgb(pattern, bands).astype(int)
    assert (shown[1] == 128).all(), "nothing is grey"
    assert (shown[0, 0, 2] == 128).all() and (np.diff(shown[0, 0], axis=0) > 0).all()
    assert (shown[0] == shown[0, :, :, :1]).all(), "equal in all bands is a shade"
    assert (shown[0, 0, 0], shown[0, 0, 4]) == pytest.approx((0, 255)) or shown[0, 0, 4, 0] == 255


def test_the_reddest_band_is_red() -> None:
    pattern = np.zeros((1, 3, 1, 1), np.float32)
    pattern[0, 2] = 1
    assert signed_rgb(pattern, ("g", "r", "i")).tolist() == [[[[255, 128, 128]]]]


def test_an_image_or_a_layer_that_does_not_fit_is_refused(make, galaxy) -> None:
    predictor = make((2, 24, 24))
    with pytest.raises(NotPossible, match="2 bands"):
        activations.feature_maps(predictor, galaxy((3, 24, 24)))
    with pytest.raises(NotANumber):
        activations.feature_maps(predictor, np.full((2, 24, 24), np.nan, np.float32))
    with pytest.raises(NotPossible, match=r"conv4.*conv1, pool1"):
        activations.find_layer(predictor, "conv4", (2, 24, 24))
    assert activations.find_layer(predictor, "", (2, 24, 24)).name == "features.activation3"
    predictor.network.features = nn.Sequential(nn.ReLU())
    with pytest.raises(NotPossible, match="begin"):
        activations.first_weights(predictor)

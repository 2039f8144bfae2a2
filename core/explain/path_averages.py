r"""Gradients along a path, averaged over the stretch from one image to the next.

The gradient of a network with rectifiers and max pooling jumps wherever one of them switches, thousands of times along
a path, and a sum over nodes is off by about one step for each of them. Between two neighbouring images the responses of
a layer are nearly linear, so when it switches is known without another pass of the convolutions: the derivative of a
layer without weights is averaged over places on the way to both neighbours, with responses interpolated between them.
That halves the error of a map of as many gradients, or better; as the steps become short, it vanishes.

The first such layers are left out: they have most of the responses, take most of the time, and gain least.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from core.explain.fused import fuse_layers
from core.nets.cnn import GlobalMean, Head, OwnDropout
from core.nets.device import arrange
from core.nets.predictor import Predictor

_WITH_WEIGHTS = (nn.Conv2d, nn.Linear)
_SWITCHING = (nn.ReLU, nn.MaxPool2d, GlobalMean, OwnDropout, nn.Flatten, nn.Identity)
_PLACES = (-1 / 3, 0.0, 1 / 3)  # in steps to the neighbours: the middles of the thirds of a stretch


def outputs_along_path(predictor: Predictor) -> Callable[[Tensor], Tensor] | None:
    """The outputs (n, K) of scaled images (n, C, H, W) in their order along a path, with gradients that are averages.

    None if the network has layers of another kind.
    """
    network = predictor.network
    if type(network.head) is not Head:
        return None
    layers = [*fuse_layers(network.features), network.neck, *network.head]
    if not all(type(layer) in {*_WITH_WEIGHTS, *_SWITCHING} for layer in layers):
        return None
    grouped = itertools.groupby(layers, key=lambda layer: isinstance(layer, _WITH_WEIGHTS))
    stages = [(is_weighted, nn.Sequential(*members)) for is_weighted, members in grouped]
    switching = [stage for is_weighted, stage in stages if not is_weighted]

    def outputs(scaled: Tensor) -> Tensor:
        x = arrange(scaled)
        for is_weighted, stage in stages:
            x = stage(x) if is_weighted or stage is switching[0] else _Averaged.apply(x, stage)
        return x

    return outputs


class _Averaged(torch.autograd.Function):
    """A layer without weights, whose derivative is the mean of those on the way to both neighbours in the batch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: nn.Module) -> Tensor:
        ctx.save_for_backward(x)
        ctx.layer = layer
        return layer(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        change = x.diff(dim=0)
        total: Tensor | None = None
        for place in _PLACES:
            between = x.clone()
            if place > 0:
                between[:-1].add_(change, alpha=place)
            elif place < 0:
                between[1:].add_(change, alpha=place)
            between.requires_grad_()
            with torch.enable_grad():
                responses = ctx.layer(between)
            (found,) = torch.autograd.grad(responses, between, gradients)
            total = found if total is None else total.add_(found)
        assert total is not None
        return total.div_(len(_PLACES)), None

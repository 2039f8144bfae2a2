r"""Gradients along a path, averaged over the stretch from one image to the next.

The gradient of a network with rectifiers and max pooling jumps wherever one of them switches, thousands of times along
a path, and a sum over nodes is off by about one step for each of them. Between two neighbouring images the responses of
a layer are nearly linear, so when it switches is known without another pass of the convolutions: where responses
:math:`a` and :math:`b` differ by :math:`d_0 = a - b` at one image and by :math:`d_1 < 0` at the next, :math:`b`
takes over after the share :math:`d_0 / (d_0 - d_1)` of the step. Each image stands for the half steps to both of its
neighbours, and the derivative of a layer is the mean over that stretch: of a rectifier the share of it on which it is
on, of a maximum the shares of the responses that are largest in turn. (Of more than two in one step those at its ends
are taken.) At the ends of the path there is half a stretch.

Few maxima switch within a step, so that the mean takes little more time than the derivative of one image. A map has a
third of the error of one of as many plain gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.explain.fused import FixedConvolution, fuse_layers
from core.explain.reach import pair
from core.nets.cnn import GlobalMean, Head, OwnDropout, Residual
from core.nets.device import arrange
from core.nets.predictor import Predictor

_LINEAR = (FixedConvolution, nn.Linear, nn.AvgPool2d, GlobalMean, OwnDropout, nn.Flatten, nn.Identity)
_SMOOTH = (nn.GELU, nn.SiLU, nn.ELU, nn.GroupNorm)  # their slopes have no jumps to average

_Layer = Callable[[Tensor], Tensor]


def outputs_along_path(predictor: Predictor) -> _Layer | None:
    """The outputs (n, K) of scaled images (n, C, H, W) in an even row along a path, with gradients that are averages.

    None if the network has layers of another kind.
    """
    network = predictor.network
    if type(network.head) is not Head:
        return None
    chain = _chain([*fuse_layers(network.features), network.neck, *network.head])
    return None if chain is None else lambda scaled: chain(arrange(scaled))


def _chain(layers: list[nn.Module]) -> _Layer | None:
    """Layers in sequence, with averages where they switch; a pool and a rectifier are one layer in any order."""
    found: list[_Layer | None] = []
    rest = list(layers)
    while rest:
        layer = rest.pop(0)
        after = rest[0] if rest else None
        if isinstance(layer, Residual):
            found.append(_sum_of(_chain(fuse_layers(layer.main)), _chain(fuse_layers(layer.way_round))))
        elif isinstance(layer, nn.MaxPool2d) or (isinstance(layer, nn.ReLU) and isinstance(after, nn.MaxPool2d)):
            pool = layer if isinstance(layer, nn.MaxPool2d) else after
            assert isinstance(pool, nn.MaxPool2d)
            is_rectified = pool is after or isinstance(after, nn.ReLU)
            if is_rectified:
                rest.pop(0)
            found.append(_averaged_pool(pool, is_rectified=is_rectified))
        elif isinstance(layer, nn.ReLU | nn.LeakyReLU | nn.PReLU):
            found.append(_averaged_rectifier(layer))
        else:
            found.append(layer if type(layer) in {*_LINEAR, *_SMOOTH} or _is_fixed_norm(layer) else None)
    known = [layer for layer in found if layer is not None]
    return (lambda x: reduce(lambda value, layer: layer(value), known, x)) if len(known) == len(found) else None


def _averaged_rectifier(layer: nn.ReLU | nn.LeakyReLU | nn.PReLU) -> _Layer:
    if isinstance(layer, nn.ReLU):
        return _AveragedRectifier.apply

    def leaky(x: Tensor) -> Tensor:
        slope = layer.negative_slope if isinstance(layer, nn.LeakyReLU) else layer.weight.view(-1, *[1] * (x.ndim - 2))
        return slope * x + (1 - slope) * _AveragedRectifier.apply(x)

    return leaky


def _averaged_pool(pool: nn.MaxPool2d, *, is_rectified: bool) -> _Layer:
    return lambda x: _AveragedPool.apply(x, pool, is_rectified)


def _is_fixed_norm(layer: nn.Module) -> bool:
    return isinstance(layer, nn.BatchNorm2d) and not layer.training and layer.running_mean is not None


def _sum_of(one: _Layer | None, other: _Layer | None) -> _Layer | None:
    return None if one is None or other is None else lambda x: one(x) + other(x)


class _AveragedRectifier(torch.autograd.Function):
    """A rectifier, whose derivative is the share of the stretch on which it is on."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.relu(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        if len(x) == 1:
            return gradients[0] * (x > 0)
        change = x.diff(dim=0)
        after, before = _share_above_zero(x[:-1], change), _share_above_zero(x[1:], -change)
        shares = torch.cat([after[:1], (after[1:] + before[:-1]) / 2, before[-1:]])
        return shares.mul_(gradients[0])


def _share_above_zero(x: Tensor, change: Tensor) -> Tensor:
    """On which share of the first half of a step values that start at ``x`` are positive."""
    reached = 2 * x / change.abs() + (change > 0)
    return reached.nan_to_num_(0.0).clamp_(0, 1)  # no number: zero all the way


class _AveragedPool(torch.autograd.Function):
    """Max pooling, with or without a rectifier, whose derivative is the mean over the stretch.

    The derivative of each image by itself is corrected where the largest response changes within a step: its place in
    the window, or whether it is positive.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, pool: nn.MaxPool2d, is_rectified: bool) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        largest, places = functional.max_pool2d(
            x, pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode, return_indices=True
        )
        if is_rectified:
            largest = largest.relu_()
        ctx.save_for_backward(x, largest, places)
        ctx.pool, ctx.is_rectified = pool, is_rectified
        return largest

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x, largest, places = ctx.saved_tensors
        (gradient,), pool = gradients, ctx.pool
        if ctx.is_rectified:
            gradient = torch.ops.aten.threshold_backward(gradient, largest, 0)
        steps = [list(pair(each)) for each in (pool.kernel_size, pool.stride, pool.padding, pool.dilation)]
        found = torch.ops.aten.max_pool2d_with_indices_backward(gradient, x, *steps, pool.ceil_mode, places)
        found = found.contiguous(memory_format=torch.channels_last)
        is_on = _flat(largest > 0) if ctx.is_rectified else None
        _correct_switches(_flat(found), _flat(gradients[0]), _flat(x), _flat(largest), _flat(places), is_on, x.shape)
        return found, None, None


def _correct_switches(
    found: Tensor,
    gradient: Tensor,
    x: Tensor,
    largest: Tensor,
    places: Tensor,
    is_on: Tensor | None,
    shape: torch.Size,
) -> None:
    """Move gradients in ``found`` between the winners of neighbouring images, all flat and with channels last.

    The winners are responses at ``places`` in the image's maps, or zero where ``is_on`` is false.
    """
    images, channels = shape[:2]
    row, size = len(places) // images, len(x) // images  # numbers for each image after and before the pool
    switches = places[row:] != places[:-row]
    if is_on is not None:
        switches = switches.logical_and_(is_on[row:]).logical_or_(is_on[row:] != is_on[:-row])
    here = switches.nonzero()[:, 0]  # between an image and the next
    after, image, channel = here + row, here // row, here % channels
    is_first, is_last = (None, None) if is_on is None else (is_on.index_select(0, here), is_on.index_select(0, after))
    # who is largest at the step's start, and at its end
    first = image * size + places.index_select(0, here) * channels + channel
    last = image * size + places.index_select(0, after) * channels + channel
    lead = largest.index_select(0, here) - _where(is_last, x.index_select(0, last))
    lag = largest.index_select(0, after) - _where(is_first, x.index_select(0, first + size))
    share = (lead / (lead + lag)).nan_to_num_(0.5)  # equal all the way: either will do
    is_late = share > 0.5
    # late, the last image loses to the first winner
    moved = gradient.index_select(0, here + row * is_late) * (0.5 - share)
    moved[torch.where(is_late, image == images - 2, image == 0)] *= 2  # at an end, where there is half a stretch
    shift = size * is_late
    found.index_add_(0, last + shift, _where(is_last, moved))
    found.index_add_(0, first + shift, _where(is_first, -moved))


def _where(is_on: Tensor | None, values: Tensor) -> Tensor:
    """The values, zero where it is not on."""
    return values if is_on is None else values * is_on


def _flat(x: Tensor) -> Tensor:
    """All values in a row, channels last; without a copy where they lie like that."""
    return x.permute(0, 2, 3, 1).reshape(-1)

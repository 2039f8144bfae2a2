"""The same network with fewer passes over its responses.

In evaluation, batch normalisation is a fixed factor and offset for each filter, which the convolution before it can
take over; max pooling in between lets them through where no factor is negative. Values agree to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.nets.device import memory_format
from core.nets.normalisation import Normalisation
from core.nets.predictor import Predictor


def layers(features: nn.Sequential) -> list[nn.Module]:
    """The layers in their order, each batch normalisation taken over by the convolution before it where it can be.

    Convolutions are copies, with their weights in the order in memory that suits the device; the others are the
    network's own.
    """
    found: list[nn.Module] = []
    for module in features:
        place = _convolution_before(found, module)
        before = None if place is None else found[place]
        if place is not None and isinstance(before, nn.Conv2d) and isinstance(module, nn.BatchNorm2d):
            found[place] = fuse_conv_bn_eval(before, module)
        else:
            found.append(copy.deepcopy(module) if type(module) is nn.Conv2d else module)
    for module in found:
        if type(module) is nn.Conv2d:
            module.requires_grad_(requires_grad=False)
            module.weight.data = module.weight.data.contiguous(memory_format=memory_format(module.weight.device))
    return found


def _convolution_before(found: list[nn.Module], module: nn.Module) -> int | None:
    """Place of the convolution that can take over ``module``, which follows the layers ``found``."""
    if not isinstance(module, nn.BatchNorm2d) or module.training or not found:
        return None
    pooled = isinstance(found[-1], nn.MaxPool2d) and bool((module.weight >= 0).all())
    place = len(found) - (2 if pooled else 1)
    return place if place >= 0 and type(found[place]) is nn.Conv2d else None


def logits(predictor: Predictor) -> Callable[[Tensor], Tensor]:
    """What :meth:`~core.nets.predictor.Predictor.logits` computes, faster."""
    outputs = after_scaling(predictor)
    return lambda images: outputs(predictor.normalisation(images))


def after_scaling(predictor: Predictor) -> Callable[[Tensor], Tensor]:
    """The network's outputs for images that are scaled already."""
    network, order = predictor.network, memory_format(predictor.device)
    features = nn.Sequential(*layers(network.features))

    def outputs(scaled: Tensor) -> Tensor:
        return network.head(network.neck(features(scaled.contiguous(memory_format=order))))

    return outputs


def scaled_with_way_back(normalisation: Normalisation, images: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Scaled images (N, C, H, W), and what takes a gradient with respect to them to one with respect to the images.

    Where each pixel is scaled by itself, in few passes and without a record for gradients: torch's own asinh takes each
    number by itself.
    """
    if not normalisation.is_pixelwise:
        with torch.enable_grad():
            own = images.detach().requires_grad_()
            scaled = normalisation(own)
        return scaled.detach(), lambda gradient: torch.autograd.grad(scaled, own, gradient)[0]
    sky, knee, centre, scale = (
        getattr(normalisation, name)[:, None, None] for name in ("sky", "knee", "centre", "scale")
    )
    if normalisation.kind != "asinh":
        return normalisation(images), lambda gradient: gradient / scale
    distance = (images - sky) / knee
    root = torch.sqrt(distance * distance + 1)
    compressed = torch.log(distance.abs() + root).copysign_(distance)
    slope = root.mul_(knee * scale).reciprocal_()
    return compressed.sub_(centre).div_(scale), lambda gradient: gradient * slope

"""The same network with fewer passes over its responses.

In evaluation, batch normalisation is a fixed factor and offset for each filter, which the convolution before it can
absorb; max pooling in between commutes with them where no factor is negative. Values agree to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from core.nets.device import arrange
from core.nets.normalisation import Normalisation
from core.nets.predictor import Predictor


def fuse_layers(features: nn.Sequential) -> list[nn.Module]:
    """The layers in their order, each batch normalisation fused into the convolution before it where possible.

    Convolutions are copies, with their weights in the memory format that suits the device; the others are the
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
            module.weight.data = arrange(module.weight.data)
    return found


def _convolution_before(found: list[nn.Module], module: nn.Module) -> int | None:
    """Index of the convolution that can absorb ``module``, which follows the layers ``found``, or None."""
    if not isinstance(module, nn.BatchNorm2d) or module.training or not found:
        return None
    pooled = isinstance(found[-1], nn.MaxPool2d) and bool((module.weight >= 0).all())
    place = len(found) - (2 if pooled else 1)
    return place if place >= 0 and type(found[place]) is nn.Conv2d else None


def logits_of_physical(predictor: Predictor) -> Callable[[Tensor], Tensor]:
    """A faster equivalent of :meth:`~core.nets.predictor.Predictor.logits`."""
    outputs = logits_of_scaled(predictor)
    return lambda images: outputs(predictor.normalisation(images))


def logits_of_scaled(predictor: Predictor) -> Callable[[Tensor], Tensor]:
    """The same for images that are scaled already."""
    network = predictor.network
    features = nn.Sequential(*fuse_layers(network.features))

    def outputs(scaled: Tensor) -> Tensor:
        return network.head(network.neck(features(arrange(scaled))))

    return outputs


def scale_with_vjp(normalisation: Normalisation, images: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Scaled images (N, C, H, W), and the scaling's vector-Jacobian product.

    The latter takes gradients with respect to scaled images to those with respect to the images. Pixelwise scalings
    need few passes and no autograd graph; asinh is written out, since torch's own is not vectorised.
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
        free = (images - centre) / scale
        inside = normalisation.limit_scaled(free) == free
        return normalisation(images), lambda gradient: gradient / scale * inside
    distance = (images - sky) / knee
    root = torch.sqrt(distance * distance + 1)
    compressed = torch.log(distance.abs() + root).copysign_(distance)
    slope = root.mul_(knee * scale).reciprocal_()
    free = compressed.sub_(centre).div_(scale)
    scaled = normalisation.limit_scaled(free)
    slope.mul_(scaled == free)  # no slope beyond the limit
    return scaled, lambda gradient: gradient * slope

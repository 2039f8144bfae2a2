"""The same network with fewer passes over its responses.

In evaluation, batch normalisation is a fixed factor and offset for each filter, which the convolution before it can
absorb; max pooling in between commutes with them where no factor is negative. Values agree to rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from core.nets.device import arrange
from core.nets.normalisation import Normalisation
from core.nets.predictor import Predictor


def fuse_layers(features: nn.Sequential) -> list[nn.Module]:
    """The layers in their order, each batch normalisation fused into the convolution before it where possible.

    Convolutions are copies, with their weights in the memory format that suits the device; the others are the
    network's own.
    """
    found: list[nn.Module] = []
    absorbed: dict[int, nn.BatchNorm2d] = {}
    for module in features:
        place = _convolution_before(found, module)
        if place is not None and place not in absorbed and isinstance(module, nn.BatchNorm2d):
            absorbed[place] = module
        else:
            found.append(module)
    return [
        _copy(module, absorbed.get(place)) if type(module) is nn.Conv2d else module
        for place, module in enumerate(found)
    ]


class FixedConvolution(nn.Conv2d):
    """A convolution whose weights are given."""

    def reset_parameters(self) -> None:
        """Draw none, which would take longer than all the rest."""


def _copy(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> FixedConvolution:
    """A convolution with its own, fixed weights, in a small part of the time of a deep copy."""
    weight, bias = convolution.weight, convolution.bias
    if norm is not None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        weight, bias = fuse_conv_bn_weights(
            weight, bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
    padding = convolution.padding
    own = FixedConvolution(
        convolution.in_channels,
        convolution.out_channels,
        _two(convolution.kernel_size),
        _two(convolution.stride),
        padding if isinstance(padding, str) else _two(padding),
        _two(convolution.dilation),
        convolution.groups,
        bias is not None,
        convolution.padding_mode,
        device="meta",
    )
    own.weight = nn.Parameter(arrange(weight.detach().clone()), requires_grad=False)
    own.bias = None if bias is None else nn.Parameter(bias.detach().clone(), requires_grad=False)
    return own.train(convolution.training)


def _two(along_axes: tuple[int, ...]) -> tuple[int, int]:
    return along_axes[0], along_axes[1]


def _convolution_before(found: list[nn.Module], module: nn.Module) -> int | None:
    """Index of the convolution that can absorb ``module``, which follows the layers ``found``, or None."""
    if not isinstance(module, nn.BatchNorm2d) or module.training or module.running_mean is None or not found:
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

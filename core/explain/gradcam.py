r"""Grad-CAM: a layer's feature maps, weighted by their gradients.

With :math:`A^k` the maps of a layer's filters and :math:`f` the score, each filter's weight is the mean gradient of the
score over its responses, and the map is

.. math:: M = \max\Bigl(0, \sum_k \Bigl\langle \frac{\partial f}{\partial A^k} \Bigr\rangle A^k\Bigr) ,

evidence against the output being dropped. It is as coarse as the layer's maps. Every response is put at the centre of
its receptive field on the stamp, with linear interpolation in between; where stamps can be halved as often as the
network pools, this is the usual bilinear upsampling.

References
----------
Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV.
"""

from __future__ import annotations

import math
import threading

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.explain import activations
from core.explain.explained_output import ExplainedOutput, full_precision, select_output
from core.explain.explanation import Explanation
from core.explain.settings import GradCamSettings
from core.nets.layers import LayerRow
from core.nets.predictor import Predictor

_SMALLEST_MAP = 7  # responses along a side, as the last maps of the networks of the paper have at least


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: GradCamSettings = GradCamSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Map where the responses of a layer are evidence for one output.

    The explanation's ``map`` (H, W) is never negative. There is no baseline image.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        The layer.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Id of the galaxy.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, or the image is not finite, or there is no such layer.
    """
    explained = select_output(predictor, image, output)
    channels, height, width = explained.image.shape
    layer = _choose_layer(predictor, settings.layer, (channels, height, width))
    if stop.is_set():
        raise Stopped
    coarse = class_activation_map(explained, layer)
    yield Progress(1, 1, "maps")
    return Explanation(
        galaxy_id=galaxy_id,
        method="grad-cam",
        target_name=explained.name,
        map=upsample(coarse, layer, (height, width)),
        score=explained.score,
        baseline_score=math.nan,
        error=None,
        settings=settings,
        probability=explained.probability,
        unit=explained.unit,
        is_signed=False,
    )


def unsupported_reason(predictor: Predictor) -> str:
    """Why there are no maps to weight; empty if there are."""
    if any(isinstance(module, nn.Conv2d) for module in predictor.network.features.modules()):
        return ""
    return "The network has no convolution, whose maps Grad-CAM could weight."


def _choose_layer(predictor: Predictor, name: str, shape: tuple[int, int, int]) -> LayerRow:
    """The layer of this name; empty: the end of the last block whose maps still resolve the stamp."""
    if name:
        return activations.find_layer(predictor, name, shape)
    known = activations.layers_with_maps(predictor, shape)
    ends = {row.block: row for row in known}.values()
    return ([row for row in ends if min(row.shape[1:]) >= _SMALLEST_MAP] or known)[-1]


def class_activation_map(explained: ExplainedOutput, layer: LayerRow) -> NDArray[np.float64]:
    """Weighted sum of a layer's feature maps, clipped at zero, (h, w)."""
    network = explained.predictor.network
    before = activations.responses(explained.predictor, explained.image[None], layer.name)
    with torch.enable_grad(), full_precision(before.device):
        responses = x = before.requires_grad_()  # (1, F, h, w)
        for module in _layers_after(network.features, activations.short_name(layer.name)):
            x = module(x)
        score = explained.scores(network.head(network.neck(x)))
        (slope,) = torch.autograd.grad(score.sum(), responses)
    weights = slope.mean(dim=(2, 3), keepdim=True)
    found = (weights * responses.detach()).sum(dim=1)[0].clamp(min=0)
    return found.cpu().numpy().astype(np.float64)


def upsample(coarse: NDArray[np.float64], layer: LayerRow, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Interpolate a layer's map (h, w) on the pixels (H, W) of the stamp; constant beyond the outermost responses."""
    down, across = (
        _interpolation_weights(responses, layer, pixels) for responses, pixels in zip(coarse.shape, shape, strict=True)
    )
    return (down @ coarse @ across.T).astype(np.float32)


def _layers_after(features: nn.Sequential, layer: str) -> list[nn.Module]:
    names = [name for name, _ in features.named_children()]
    return list(features)[names.index(layer) + 1 :]


def _interpolation_weights(responses: int, layer: LayerRow, pixels: int) -> NDArray[np.float64]:
    """Weight of each response along an axis at each pixel, (pixels, responses)."""
    centres = layer.offset + layer.stride * np.arange(responses)
    return np.stack([np.interp(np.arange(pixels), centres, one) for one in np.eye(responses)], axis=1)

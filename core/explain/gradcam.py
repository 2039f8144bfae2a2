r"""Grad-CAM: which of a layer's responses speak for an output, and where they are.

With :math:`A^k` the maps of a layer's filters and :math:`f` the score, each filter weighs as much as the score's mean
slope along its responses, and the map is

.. math:: M = \max\Bigl(0, \sum_k \Bigl\langle \frac{\partial f}{\partial A^k} \Bigr\rangle A^k\Bigr) ,

what speaks against the output being dropped. It is as coarse as the layer's maps. Every response is put where the
centre of what it sees lies on the stamp, and what lies between two responses is taken from straight lines; where
stamps can be halved as often as the network pools, this is the usual bilinear enlargement.

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
from core.explain.explanation import Explanation
from core.explain.question import Question, ask, full_precision
from core.explain.settings import GradCamSettings
from core.nets.layers import LayerRow
from core.nets.predictor import Predictor

_FEWEST = 7  # responses along a side, as the last maps of the networks of the paper have at least


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: GradCamSettings = GradCamSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Map where the responses of a layer speak for one output.

    The explanation's ``map`` (H, W) is never negative. There is no image without the galaxy to compare with.

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
        Whose explanation it is.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, or the image is not finite, or there is no such layer.
    """
    question = ask(predictor, image, output)
    channels, height, width = question.image.shape
    layer = _layer(predictor, settings.layer, (channels, height, width))
    if stop.is_set():
        raise Stopped
    coarse = weighed(question, layer)
    yield Progress(1, 1, "maps")
    return Explanation(
        galaxy_id=galaxy_id,
        method="grad-cam",
        target_name=question.name,
        map=enlarged(coarse, layer, (height, width)),
        score=question.score,
        baseline_score=math.nan,
        error=None,
        settings=settings,
        probability=question.probability,
        unit=question.unit,
        is_signed=False,
    )


def why_not(predictor: Predictor) -> str:
    """Without a convolution there are no maps to weigh."""
    if any(isinstance(module, nn.Conv2d) for module in predictor.network.features.modules()):
        return ""
    return "The network has no convolution, whose maps Grad-CAM could weigh."


def _layer(predictor: Predictor, name: str, shape: tuple[int, int, int]) -> LayerRow:
    """The layer of this name; empty: the end of the last block whose maps still tell one place from another."""
    if name:
        return activations.row_of(predictor, name, shape)
    known = activations.rows(predictor, shape)
    ends = {row.block: row for row in known}.values()
    return ([row for row in ends if min(row.shape[1:]) >= _FEWEST] or known)[-1]


def weighed(question: Question, layer: LayerRow) -> NDArray[np.float64]:
    """The responses of a layer, each filter times its weight and added up; never negative, (h, w)."""
    network = question.predictor.network
    before = activations.responses(question.predictor, question.image[None], layer.name)
    with torch.enable_grad(), full_precision(before.device):
        responses = x = before.requires_grad_()  # (1, F, h, w)
        for module in _after(network.features, activations.short(layer.name)):
            x = module(x)
        score = question.scores(network.head(network.neck(x)))
        (slope,) = torch.autograd.grad(score.sum(), responses)
    weights = slope.mean(dim=(2, 3), keepdim=True)
    found = (weights * responses.detach()).sum(dim=1)[0].clamp(min=0)
    return found.cpu().numpy().astype(np.float64)


def enlarged(coarse: NDArray[np.float64], layer: LayerRow, shape: tuple[int, int]) -> NDArray[np.float32]:
    """A layer's map (h, w) on the pixels (H, W) of the stamp; beyond the outermost responses it stays level."""
    down, across = (_shares(responses, layer, pixels) for responses, pixels in zip(coarse.shape, shape, strict=True))
    return (down @ coarse @ across.T).astype(np.float32)


def _after(features: nn.Sequential, layer: str) -> list[nn.Module]:
    names = [name for name, _ in features.named_children()]
    return list(features)[names.index(layer) + 1 :]


def _shares(responses: int, layer: LayerRow, pixels: int) -> NDArray[np.float64]:
    """What each response along an axis counts for each pixel, (pixels, responses)."""
    centres = layer.offset + layer.stride * np.arange(responses)
    return np.stack([np.interp(np.arange(pixels), centres, one) for one in np.eye(responses)], axis=1)

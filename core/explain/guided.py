r"""Guided backpropagation: which pixels raise the score along paths that raise it at every layer.

The gradient of the score is propagated back to the pixels, and at every activation two things are dropped: what the
gradient drops, where the response was not positive, and what a deconvnet drops, where the backward signal is negative.
What is left shows fine edges that many filters agree on. With :math:`g` the backward signal at an activation :math:`a`
whose input was :math:`x`,

.. math:: g' = \max(0, g)\, [x > 0]\, a'(x) .

The slope :math:`a'` is one for ReLU, and for leaky ReLU and PReLU too where :math:`x` is positive; what they pass below
zero is dropped. GELU's slope is kept. Like a deconvnet's pattern the map is in scaled pixels, in which all bands have
the same spread: the score's rise per standard deviation of the training pixels. The map does not add up to the score;
and since it hardly changes when the weights of the higher layers are replaced by random ones, it shows more of the
image than of what the network has learned.

References
----------
Springenberg, Dosovitskiy, Brox & Riedmiller 2015, "Striving for simplicity: the all convolutional net", ICLR
workshop; Adebayo et al. 2018, "Sanity checks for saliency maps", NeurIPS.
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
from core.explain import activations, backward_rules, deconvnet
from core.explain.explained_output import (
    ExplainedOutput,
    check_image,
    full_precision,
    select_from_outputs,
    select_output,
)
from core.explain.explanation import Explanation
from core.explain.settings import GuidedSettings
from core.nets.cnn import GlobalMean
from core.nets.predictor import Predictor

_SMOOTH = (nn.BatchNorm2d, nn.GroupNorm, nn.Dropout, nn.Identity, nn.Flatten)
_SUPPORTED = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, *_SMOOTH)


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: GuidedSettings = GuidedSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Propagate the score of one output, or the strongest response of a filter, back to the pixels.

    The explanation's ``bands_map`` (C, H, W) is the pattern, ``map`` (H, W) its sum over bands.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one with the highest score.
    settings
        Layer and filter; without a layer, the score.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Id of the galaxy.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, or the image is not finite, or there is no such layer or
        filter.
    """
    if stop.is_set():
        raise Stopped
    if settings.layer:
        found = deconvnet.project_filter(
            select_output(predictor, image, output), settings.layer, settings.filter, backward_rules.guided_rule
        )
        yield Progress(1, 1, "patterns")
        return found.explanation("guided backprop", settings, galaxy_id)
    explained, pattern = backpropagate_score(predictor, image, output)
    bands = pattern.cpu().numpy()
    yield Progress(1, 1, "patterns")
    return Explanation(
        galaxy_id=galaxy_id,
        method="guided backprop",
        target_name=explained.name,
        map=bands.sum(axis=0),
        score=explained.score,
        baseline_score=math.nan,
        error=None,
        settings=settings,
        probability=explained.probability,
        unit=explained.unit,
        bands_map=bands,
    )


def unsupported_reason(predictor: Predictor) -> str:
    """Why there is no guided backward pass through one of the layers; empty if there is."""
    network = predictor.network
    for name, module in (*network.features.named_children(), ("neck", network.neck), *network.head.named_children()):
        if not isinstance(module, (*_SUPPORTED, GlobalMean, *backward_rules.ACTIVATIONS)):
            return f"What comes back through the layer “{name}” ({type(module).__name__}) cannot be guided."
    return ""


def backpropagate_score(
    predictor: Predictor, image: Tensor | NDArray[np.float32], output: int | str | None
) -> tuple[ExplainedOutput, Tensor]:
    """The explained output, and the guided gradient (C, H, W) of its score in scaled pixels, from one pass each way."""
    network, tensor = predictor.network, check_image(predictor, image)
    layers = (*network.features, network.neck, *network.head)
    with torch.enable_grad(), full_precision(predictor.device):
        x = activations.scale_images(predictor, tensor[None]).requires_grad_()
        outputs = backward_rules.forward_with_rule(layers, x, backward_rules.guided_rule)
        explained = select_from_outputs(predictor, tensor, output, outputs.detach())
        (found,) = torch.autograd.grad(explained.scores(outputs).sum(), x)
    return explained, found[0].contiguous()

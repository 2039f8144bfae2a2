r"""Guided backpropagation: which pixels raise the score along ways that raise it at every layer.

The gradient of the score is led back to the pixels, and at every activation two things are dropped: what the gradient
drops, where the response was not positive, and what a deconvnet drops, where the signal that comes back is negative.
What is left shows fine edges that many filters agree on. With :math:`g` the signal that comes back to an activation
:math:`a` that was given :math:`x`,

.. math:: g' = \max(0, g)\, [x > 0]\, a'(x) .

The slope :math:`a'` is one for ReLU, and for leaky ReLU and PReLU too where :math:`x` is positive; what these let
through below zero is dropped, as its response is. GELU's slope is kept. Like a deconvnet's pattern the map is told in
the pixels that the first layer sees, in which all bands have the same spread: the score's rise per standard deviation
of the training pixels. The map does not add up to the score; and since it hardly changes when the weights of the
higher layers are replaced by random ones, it tells more of the image than of what the network has learned.

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
from core.explain.explanation import Explanation
from core.explain.question import Question, answered, ask, full_precision, looked_at
from core.explain.settings import GuidedSettings
from core.nets.cnn import GlobalMean
from core.nets.predictor import Predictor

_SMOOTH = (nn.BatchNorm2d, nn.GroupNorm, nn.Dropout, nn.Identity, nn.Flatten)
_PLAIN = (nn.Conv2d, nn.Linear, nn.MaxPool2d, nn.AvgPool2d, *_SMOOTH)


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: GuidedSettings = GuidedSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """Lead the score of one output, or the strongest response of a filter, back to the pixels.

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
        Layer and filter, if not the score.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Whose explanation it is.

    Raises
    ------
    NotPossible, NotANumber
        The image or the output does not fit the network, or the image is not finite, or there is no such layer or
        filter.
    """
    if stop.is_set():
        raise Stopped
    if settings.layer:
        found = deconvnet.of_filter(
            ask(predictor, image, output), settings.layer, settings.filter, backward_rules.guided
        )
        yield Progress(1, 1, "patterns")
        return found.explanation("guided backprop", settings, galaxy_id)
    question, pattern = of_score(predictor, image, output)
    bands = pattern.cpu().numpy()
    yield Progress(1, 1, "patterns")
    return Explanation(
        galaxy_id=galaxy_id,
        method="guided backprop",
        target_name=question.name,
        map=bands.sum(axis=0),
        score=question.score,
        baseline_score=math.nan,
        error=None,
        settings=settings,
        probability=question.probability,
        unit=question.unit,
        bands_map=bands,
    )


def why_not(predictor: Predictor) -> str:
    """Each layer must be one whose activations can be guided."""
    network = predictor.network
    for name, module in (*network.features.named_children(), ("neck", network.neck), *network.head.named_children()):
        if not isinstance(module, (*_PLAIN, GlobalMean, *backward_rules.ACTIVATIONS)):
            return f"What comes back through the layer “{name}” ({type(module).__name__}) cannot be guided."
    return ""


def of_score(
    predictor: Predictor, image: Tensor | NDArray[np.float32], output: int | str | None
) -> tuple[Question, Tensor]:
    """What is asked, and the pattern (C, H, W) of the score in scaled pixels, from one pass there and back."""
    network, tensor = predictor.network, looked_at(predictor, image)
    layers = (*network.features, network.neck, *network.head)
    with torch.enable_grad(), full_precision(predictor.device):
        x = activations.scaled(predictor, tensor[None]).requires_grad_()
        outputs = backward_rules.through(layers, x, backward_rules.guided)
        question = answered(predictor, tensor, output, outputs.detach())
        (found,) = torch.autograd.grad(question.scores(outputs).sum(), x)
    return question, found[0].contiguous()

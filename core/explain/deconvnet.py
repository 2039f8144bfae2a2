r"""Deconvnet: lead one response of one filter back to the pixels that caused it.

The image goes forward to the chosen layer. There all responses but one are set to zero, and what is left goes back,
each layer undone in turn:

- max pooling puts each value back where the maximum was; these *switches* are kept on the way forward, and it is they
  that make the pattern one of this galaxy;
- an activation lets positive values pass, whatever its own shape is (ReLU, leaky ReLU, PReLU, GELU) and whatever the
  response was on the way forward; this is where the pattern differs from a gradient;
- a convolution is transposed;
- batch normalisation is, in evaluation, the linear map :math:`x \mapsto g x + b`, and is transposed like a
  convolution: the value is multiplied by :math:`g`, not divided by it. A filter with a small :math:`g` hardly
  matters to the layers above, and hardly matters to the pattern.

The input scaling is not undone: the pattern is told in the pixels that the first layer sees, in which all bands have
the same spread. A response of zero has no pattern.

References
----------
Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks", ECCV.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import NotPossible, Stopped
from core.events import NEVER, Progress, Work
from core.explain import activations, backward_rules
from core.explain.backward_rules import Rule
from core.explain.explanation import Explanation
from core.explain.question import Question, ask, full_precision
from core.explain.settings import DeconvnetSettings
from core.nets.predictor import Predictor
from core.settings.declare import Settings

_KNOWN = (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, *backward_rules.ACTIVATIONS)


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None = None,
    settings: DeconvnetSettings = DeconvnetSettings(),  # noqa: B008 - frozen
    stop: threading.Event = NEVER,
    galaxy_id: str = "",
) -> Work[Explanation]:
    """The pattern in an image to which a filter responds, at the place where it responds most strongly.

    The explanation's ``bands_map`` (C, H, W) is the pattern, ``map`` (H, W) its sum over bands, ``score`` the
    response.

    Parameters
    ----------
    predictor
        The network.
    image
        (C, H, W) in physical units.
    output
        Only looked at: the pattern is that of a filter, not of an output.
    settings
        Layer and filter.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Whose explanation it is.

    Raises
    ------
    NotPossible, NotANumber
        The image does not fit the network or is not finite, or there is no such layer or filter.
    """
    question = ask(predictor, image, output)
    if stop.is_set():
        raise Stopped
    made = of_filter(question, settings.layer, settings.filter, backward_rules.rectified)
    yield Progress(1, 1, "patterns")
    return made.explanation("deconvnet", settings, galaxy_id)


def why_not(predictor: Predictor) -> str:
    """Without max pooling there are no switches; and each layer must have a way back."""
    for name, module in predictor.network.features.named_children():
        if not isinstance(module, _KNOWN):
            return f"The layer “{name}” ({type(module).__name__}) has no way back in a deconvnet."
    if not any(isinstance(module, nn.MaxPool2d) for module in predictor.network.features):
        return "The network has no max pooling, whose switches a deconvnet needs to find its way back."
    return ""


@dataclass(frozen=True, eq=False)
class FilterPattern:
    """What excited a filter of a layer most in one image.

    Attributes
    ----------
    name
        Of layer and filter.
    response
        The strongest one of the filter.
    bands_map
        float32 (C, H, W), in scaled pixels.
    """

    name: str
    response: float
    bands_map: NDArray[np.float32]

    def explanation(self, method: str, settings: Settings, galaxy_id: str) -> Explanation:
        """The pattern as a map; its score is the response."""
        return Explanation(
            galaxy_id=galaxy_id,
            method=method,
            target_name=self.name,
            map=self.bands_map.sum(axis=0),
            score=self.response,
            baseline_score=0.0,
            error=None,
            settings=settings,
            bands_map=self.bands_map,
        )


def of_filter(question: Question, layer: str, number: int | None, rule: Rule) -> FilterPattern:
    """Lead the strongest response of a filter back by a rule; see :func:`explain` for what may be left open.

    Raises
    ------
    NotPossible
        There is no such layer or filter.
    """
    predictor, images = question.predictor, question.image[None]
    channels, height, width = question.image.shape
    name = activations.short(activations.row_of(predictor, layer, (channels, height, width)).name)
    responses = activations.responses(predictor, images, name)[0]  # (F, h, w)
    chosen = _filter(responses, number)
    unit = divmod(int(responses[chosen].argmax()), responses.shape[2])
    pattern = patterns(predictor, images, name, [chosen], [unit], rule)[0].cpu().numpy()
    return FilterPattern(f"{name}, filter {chosen + 1}", float(responses[chosen].max()), pattern)


def patterns(
    predictor: Predictor,
    images: Tensor,
    layer: str,
    filters: list[int],
    units: list[tuple[int, int]],
    rule: Rule = backward_rules.rectified,
) -> Tensor:
    """Lead one response of each image back to its pixels.

    Parameters
    ----------
    predictor
        The network.
    images
        (n, C, H, W) in physical units.
    layer
        One with maps.
    filters
        n numbers of filters, from 0.
    units
        n places (row, column) on the layer's maps.
    rule
        What activations let back.

    Returns
    -------
    Tensor
        float32 (n, C, H, W), in scaled pixels; proportional to the response that was led back.
    """
    features = dict(predictor.network.features.named_children())
    layers = list(features.values())[: list(features).index(activations.short(layer)) + 1]
    with torch.enable_grad(), full_precision(predictor.device):
        x = activations.scaled(predictor, images).requires_grad_()
        responses = backward_rules.through(layers, x, rule)
        every = torch.arange(len(x), device=x.device)
        row, column = torch.tensor(units, device=x.device).T
        chosen = (every, torch.tensor(filters, device=x.device), row, column)
        signal = torch.zeros_like(responses)
        signal[chosen] = responses.detach()[chosen]
        (found,) = torch.autograd.grad(responses, x, signal)
    return found.contiguous()


def _filter(responses: Tensor, number: int | None) -> int:
    """The filter that was asked for, counted from 0; without a wish the one with the strongest response."""
    if number is None:
        return int(responses.amax(dim=(1, 2)).argmax())
    if number > len(responses):
        raise NotPossible(f"The layer has no filter {number}.", f"It has {len(responses)}.")
    return number - 1

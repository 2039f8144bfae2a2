r"""Deconvnet: project one response of one filter back to the pixels that caused it.

The image is propagated forward to the chosen layer. There all responses but one are set to zero, and the rest is
propagated backward, each layer inverted in turn:

- max pooling puts each value back where the maximum was; these *switches* are recorded in the forward pass, and
  they make the pattern specific to this galaxy;
- an activation passes positive values, whatever its own shape is (ReLU, leaky ReLU, PReLU, GELU) and whatever the
  response was in the forward pass; this is where the pattern differs from a gradient;
- a convolution is transposed;
- batch normalisation is, in evaluation, the linear map :math:`x \mapsto g x + b`, and is transposed like a
  convolution: the value is multiplied by :math:`g`, not divided by it. A filter with a small :math:`g` hardly
  affects the layers above, nor the pattern.

The input scaling is not inverted: the pattern is in scaled pixels, in which all bands have the same spread. A response
of zero has no pattern.

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
from core.explain.explained_output import ExplainedOutput, full_precision, select_output
from core.explain.explanation import Explanation
from core.explain.settings import DeconvnetSettings
from core.nets.predictor import Predictor
from core.settings.declare import Settings

_SUPPORTED = (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, *backward_rules.ACTIVATIONS)


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
        Checked, but without effect: the pattern is that of a filter, not of an output.
    settings
        Layer and filter.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    galaxy_id
        Id of the galaxy.

    Raises
    ------
    NotPossible, NotANumber
        The image does not fit the network or is not finite, or there is no such layer or filter.
    """
    explained = select_output(predictor, image, output)
    if stop.is_set():
        raise Stopped
    made = project_filter(explained, settings.layer, settings.filter, backward_rules.deconvnet_rule)
    yield Progress(1, 1, "patterns")
    return made.explanation("deconvnet", settings, galaxy_id)


def unsupported_reason(predictor: Predictor) -> str:
    """Why a deconvnet cannot invert the network: an unknown layer, or no max pooling; empty if it can."""
    for name, module in predictor.network.features.named_children():
        if not isinstance(module, _SUPPORTED):
            return f"The layer “{name}” ({type(module).__name__}) cannot be inverted by a deconvnet."
    if not any(isinstance(module, nn.MaxPool2d) for module in predictor.network.features):
        return "The network has no max pooling, whose switches a deconvnet needs."
    return ""


@dataclass(frozen=True, eq=False)
class FilterPattern:
    """The pattern that excites a filter of a layer most in one image.

    Attributes
    ----------
    name
        Names of layer and filter.
    response
        The filter's strongest response.
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


def project_filter(explained: ExplainedOutput, layer: str, number: int | None, rule: Rule) -> FilterPattern:
    """Project the strongest response of a filter back by a rule; layer and filter may be omitted as in :func:`explain`.

    Raises
    ------
    NotPossible
        There is no such layer or filter.
    """
    predictor, images = explained.predictor, explained.image[None]
    channels, height, width = explained.image.shape
    name = activations.short_name(activations.find_layer(predictor, layer, (channels, height, width)).name)
    responses = activations.responses(predictor, images, name)[0]  # (F, h, w)
    chosen = _choose_filter(responses, number)
    position = divmod(int(responses[chosen].argmax()), responses.shape[2])
    pattern = project_responses(predictor, images, name, [chosen], [position], rule)[0].cpu().numpy()
    return FilterPattern(f"{name}, filter {chosen + 1}", float(responses[chosen].max()), pattern)


def project_responses(
    predictor: Predictor,
    images: Tensor,
    layer: str,
    filters: list[int],
    positions: list[tuple[int, int]],
    rule: Rule = backward_rules.deconvnet_rule,
) -> Tensor:
    """Project one response of each image back to its pixels.

    Parameters
    ----------
    predictor
        The network.
    images
        (n, C, H, W) in physical units.
    layer
        A layer with maps.
    filters
        Numbers of n filters, from 0.
    positions
        n positions (row, column) on the layer's maps.
    rule
        What activations pass backward.

    Returns
    -------
    Tensor
        float32 (n, C, H, W), in scaled pixels; proportional to the projected response.
    """
    features = dict(predictor.network.features.named_children())
    layers = list(features.values())[: list(features).index(activations.short_name(layer)) + 1]
    with torch.enable_grad(), full_precision(predictor.device):
        x = activations.scale_images(predictor, images).requires_grad_()
        responses = backward_rules.forward_with_rule(layers, x, rule)
        every = torch.arange(len(x), device=x.device)
        row, column = torch.tensor(positions, device=x.device).T
        chosen = (every, torch.tensor(filters, device=x.device), row, column)
        signal = torch.zeros_like(responses)
        signal[chosen] = responses.detach()[chosen]
        (found,) = torch.autograd.grad(responses, x, signal)
    return found.contiguous()


def _choose_filter(responses: Tensor, number: int | None) -> int:
    """The given filter, counted from 0; None: the one with the strongest response."""
    if number is None:
        return int(responses.amax(dim=(1, 2)).argmax())
    if number > len(responses):
        raise NotPossible(f"The layer has no filter {number}.", f"It has {len(responses)}.")
    return number - 1

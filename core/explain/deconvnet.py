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
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input

from core.errors import NotPossible, Stopped
from core.events import Progress, Work
from core.explain import activations
from core.explain.explanation import Explanation
from core.explain.question import ask, full_precision
from core.explain.settings import DeconvnetSettings
from core.nets.predictor import Predictor

_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.GELU)
_KNOWN = (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, *_ACTIVATIONS)


def explain(
    predictor: Predictor,
    image: Tensor | NDArray[np.float32],
    output: int | str | None,
    settings: DeconvnetSettings,
    stop: threading.Event,
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
    images = question.image[None]
    channels, height, width = question.image.shape
    layer = activations.row_of(predictor, settings.layer, (channels, height, width))
    if stop.is_set():
        raise Stopped
    responses = activations.responses(predictor, images, layer.name)[0]  # (F, h, w)
    number = _filter(responses, settings.filter)
    unit = divmod(int(responses[number].argmax()), responses.shape[2])
    pattern = patterns(predictor, images, layer.name, [number], [unit])[0].cpu().numpy()
    yield Progress(1, 1, "patterns")
    return Explanation(
        galaxy_id=galaxy_id,
        method="deconvnet",
        target_name=f"{activations.short(layer.name)}, filter {number + 1}",
        map=pattern.sum(axis=0),
        score=float(responses[number].max()),
        baseline_score=0.0,
        error=None,
        settings=settings,
        bands_map=pattern,
    )


def why_not(predictor: Predictor) -> str:
    """Without max pooling there are no switches; and each layer must have a way back."""
    for name, module in predictor.network.features.named_children():
        if not isinstance(module, _KNOWN):
            return f"The layer “{name}” ({type(module).__name__}) has no way back in a deconvnet."
    if not any(isinstance(module, nn.MaxPool2d) for module in predictor.network.features):
        return "The network has no max pooling, whose switches a deconvnet needs to find its way back."
    return ""


@torch.no_grad()
def patterns(
    predictor: Predictor,
    images: Tensor,
    layer: str,
    filters: list[int],
    units: list[tuple[int, int]],
) -> Tensor:
    """Lead one response of each image back to its pixels.

    Parameters
    ----------
    predictor
        The network; all layers up to ``layer`` must have a way back.
    images
        (n, C, H, W) in physical units.
    layer
        One with maps.
    filters
        n numbers of filters, from 0.
    units
        n places (row, column) on the layer's maps.

    Returns
    -------
    Tensor
        float32 (n, C, H, W), in scaled pixels; proportional to the response that was led back.
    """
    ways: list[Callable[[Tensor], Tensor]] = []
    with full_precision(predictor.device):
        x = activations.scaled(predictor, images)
        for name, module in predictor.network.features.named_children():
            x, way = _passed(module, x)
            ways.append(way)
            if name == activations.short(layer):
                break
        every = torch.arange(len(x), device=x.device)
        row, column = torch.tensor(units, device=x.device).T
        chosen = (every, torch.tensor(filters, device=x.device), row, column)
        signal = torch.zeros_like(x)
        signal[chosen] = x[chosen]
        for way in reversed(ways):
            signal = way(signal)
    return signal.contiguous()


def _passed(module: nn.Module, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What a layer hands on, and its way back."""
    shape = x.shape
    if isinstance(module, nn.Conv2d):
        weight, how = module.weight, (module.stride, module.padding, module.dilation, module.groups)
        return module(x), lambda signal: conv2d_input(shape, weight, signal, *how)  # pyright: ignore[reportArgumentType]
    if isinstance(module, nn.BatchNorm2d):
        return module(x), partial(_rescaled, module)
    if isinstance(module, nn.MaxPool2d):
        how = (module.kernel_size, module.stride, module.padding, module.dilation)
        pooled, switches = nn.MaxPool2d(*how, return_indices=True, ceil_mode=module.ceil_mode)(x)
        return pooled, lambda signal: _unpooled(signal, switches, shape)
    if isinstance(module, _ACTIVATIONS):
        return module(x), torch.relu
    raise NotPossible(f"A layer of the kind {type(module).__name__} has no way back in a deconvnet.")


def _rescaled(norm: nn.BatchNorm2d, signal: Tensor) -> Tensor:
    """Each filter times its factor: the normalisation without its offsets."""
    none = signal.new_zeros(signal.shape[1])
    return functional.batch_norm(signal, none, norm.running_var, norm.weight, None, eps=norm.eps)


def _unpooled(signal: Tensor, switches: Tensor, shape: torch.Size) -> Tensor:
    """Each value where the maximum was; those of overlapping pools add up, as a transposition wants it."""
    spread = signal.new_zeros(shape).flatten(2)
    return spread.scatter_add_(2, switches.flatten(2), signal.flatten(2)).view(shape)


def _filter(responses: Tensor, number: int | None) -> int:
    """The filter that was asked for, counted from 0; without a wish the one with the strongest response."""
    if number is None:
        return int(responses.amax(dim=(1, 2)).argmax())
    if number > len(responses):
        raise NotPossible(f"The layer has no filter {number}.", f"It has {len(responses)}.")
    return number - 1

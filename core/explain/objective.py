"""What is read off a network: the score of an output, or how strongly a layer or one of its filters responds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from core.errors import NotPossible
from core.explain import activations, fused
from core.explain.explained_output import ExplainedOutput
from core.nets.cnn import GlobalMean
from core.nets.device import full_precision


@dataclass(frozen=True, eq=False)
class Objective:
    """A number read off a network for each image.

    Attributes
    ----------
    name
        What it is: a class, answer or quantity, or a layer's response.
    unit
        Unit of the number; empty for classes, vote fractions, responses and pure numbers.
    probability
        Probability of the class that is explained, or the vote fraction; None for everything else.
    layers
        The layers applied to the scaled image, in order.
    neck, head
        Applied to the last responses (n, C, h, w): ``neck`` gives one row of values for each image, ``head`` the
        numbers (n,).
    """

    name: str
    unit: str
    probability: float | None
    layers: list[nn.Module]
    neck: Callable[[Tensor], Tensor]
    head: Callable[[Tensor], Tensor]

    @torch.no_grad()
    def evaluate(self, explained: ExplainedOutput, images: Tensor) -> Tensor:
        """The numbers (n,) for images (n, C, H, W) in physical units."""
        with full_precision(explained.image.device):
            x = activations.scale_images(explained.predictor, images)
            for layer in self.layers:
                x = layer(x)
            return self.head(self.neck(x))


def output_score(explained: ExplainedOutput, layers: list[nn.Module]) -> Objective:
    """The score of the output that is explained, with the network's ``layers`` before the neck."""
    network = explained.predictor.network
    return Objective(
        name=explained.name,
        unit=explained.unit,
        probability=explained.probability,
        layers=layers,
        neck=network.neck,
        head=lambda values: explained.scores(network.head(values)),
    )


def layer_response(
    explained: ExplainedOutput, layer: str, number: int | None, kind: Literal["mean", "maximum"]
) -> Objective:
    """The mean or maximum response of a layer, or of its filter of this ``number``, counted from 1.

    Raises
    ------
    NotPossible
        There is no such layer with maps, or no such filter.
    """
    predictor = explained.predictor
    channels, height, width = explained.image.shape
    row = activations.find_layer(predictor, layer, (channels, height, width))
    name, filters = activations.short_name(row.name), row.shape[0]
    if number is not None and number > filters:
        raise NotPossible(f"The layer {name} has no filter {number}.", f"It has {filters}.", "filter")
    features = predictor.network.features
    place = [child for child, _ in features.named_children()].index(name)
    chosen = slice(None) if number is None else slice(number - 1, number)
    whose = name if number is None else f"{name}, filter {number}"
    if kind == "mean":
        neck, over_filters = GlobalMean(), _mean_over_filters
    else:
        neck, over_filters = _maximum_over_pixels, _maximum_over_filters
    return Objective(
        name=f"{kind} response of {whose}",
        unit="",
        probability=None,
        layers=fused.fuse_layers(nn.Sequential(*list(features)[: place + 1])),
        neck=neck,
        head=lambda values: over_filters(values[:, chosen]),
    )


def _maximum_over_pixels(responses: Tensor) -> Tensor:
    return responses.amax(dim=(2, 3))


def _mean_over_filters(values: Tensor) -> Tensor:
    return values.mean(dim=1)


def _maximum_over_filters(values: Tensor) -> Tensor:
    return values.amax(dim=1)

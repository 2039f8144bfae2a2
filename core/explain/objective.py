"""What is read off a network: the score of an output, or how strongly a layer or one of its filters responds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from core.errors import NotPossible
from core.explain import activations, fused
from core.explain.question import Question, full_precision
from core.nets.cnn import GlobalMean


@dataclass(frozen=True, eq=False)
class Objective:
    """A number read off a network for each image.

    Attributes
    ----------
    name
        What it is: a class, answer or quantity, or a layer's response.
    unit
        Of the number; empty for classes, vote fractions, responses and pure numbers.
    probability
        Of the class that is asked about, or the vote fraction; None for all else.
    layers
        The image goes through these, scaled as the network wants it.
    neck, head
        What becomes of the last responses (n, C, h, w): one row of values for each image, and the numbers (n,).
    """

    name: str
    unit: str
    probability: float | None
    layers: list[nn.Module]
    neck: Callable[[Tensor], Tensor]
    head: Callable[[Tensor], Tensor]

    @torch.no_grad()
    def of(self, question: Question, images: Tensor) -> Tensor:
        """The numbers (n,) for images (n, C, H, W) in physical units."""
        with full_precision(question.image.device):
            x = activations.scaled(question.predictor, images)
            for layer in self.layers:
                x = layer(x)
            return self.head(self.neck(x))


def score(question: Question) -> Objective:
    """The score of the output that is asked about."""
    network = question.predictor.network
    return Objective(
        name=question.name,
        unit=question.unit,
        probability=question.probability,
        layers=fused.layers(network.features),
        neck=network.neck,
        head=lambda values: question.scores(network.head(values)),
    )


def response(question: Question, layer: str, number: int | None, kind: Literal["mean", "maximum"]) -> Objective:
    """The mean or maximum response of a layer, or of its filter of this ``number``, counted from 1.

    Raises
    ------
    NotPossible
        There is no such layer with maps, or no such filter.
    """
    predictor = question.predictor
    channels, height, width = question.image.shape
    row = activations.row_of(predictor, layer, (channels, height, width))
    name, filters = activations.short(row.name), row.shape[0]
    if number is not None and number > filters:
        raise NotPossible(f"The layer {name} has no filter {number}.", f"It has {filters}.", "filter")
    features = predictor.network.features
    place = [child for child, _ in features.named_children()].index(name)
    chosen = slice(None) if number is None else slice(number - 1, number)
    whose = name if number is None else f"{name}, filter {number}"
    if kind == "mean":
        neck, over_filters = GlobalMean(), _mean
    else:
        neck, over_filters = _strongest, _maximum
    return Objective(
        name=f"{kind} response of {whose}",
        unit="",
        probability=None,
        layers=fused.layers(nn.Sequential(*list(features)[: place + 1])),
        neck=neck,
        head=lambda values: over_filters(values[:, chosen]),
    )


def _strongest(responses: Tensor) -> Tensor:
    return responses.amax(dim=(2, 3))


def _mean(values: Tensor) -> Tensor:
    return values.mean(dim=1)


def _maximum(values: Tensor) -> Tensor:
    return values.amax(dim=1)

r"""DANN: features from which a second network cannot tell the survey.

A discriminator learns to tell from the features of a galaxy whether it belongs to the labelled survey or to the other
one; the gradient that it sends back to the features is reversed, so that the network learns to make them alike. The
reversed gradient is multiplied by

.. math:: \lambda = \frac{2}{1 + e^{-10 p}} - 1

with :math:`p` the share of the training that is done, so that at first the network learns its classes.

References
----------
Ganin et al. 2016, JMLR 17, 59, arXiv:1505.07818.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.nets import cnn

_UNITS = 256
_STEEPNESS = 10.0


class Discriminator(nn.Sequential):
    """Tells the survey from features (n, d): outputs (n, 1), positive for the labelled survey.

    Parameters
    ----------
    features
        Their number d.
    generator
        Of the random weights.
    """

    def __init__(self, features: int, generator: torch.Generator) -> None:
        super().__init__(
            nn.Linear(features, _UNITS), nn.ReLU(), nn.Linear(_UNITS, _UNITS), nn.ReLU(), nn.Linear(_UNITS, 1)
        )
        cnn.initialise(self, generator)


class _Reversal(torch.autograd.Function):
    """Leaves features as they are, and multiplies their gradient by −λ."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyrefly: ignore[bad-override]
        return -ctx.strength * gradient, None


def reverse(features: Tensor, strength: float) -> Tensor:
    """Features as they are, whose gradient is reversed and multiplied by ``strength``."""
    reversed_features = _Reversal.apply(features, strength)
    assert isinstance(reversed_features, Tensor)
    return reversed_features


def strength_at(done: float) -> float:
    """The strength λ of the reversed gradient, 0 … 1, after a share of the training, 0 … 1."""
    return 2 / (1 + math.exp(-_STEEPNESS * done)) - 1


def loss(discriminator: nn.Module, source: Tensor, target: Tensor, strength: float) -> tuple[Tensor, Tensor]:
    """The discriminator's loss, and for which galaxies it finds the survey.

    Parameters
    ----------
    discriminator
        Gives one output for each galaxy.
    source, target
        Features (n, d) and (m, d) of the labelled and of the other survey; both count for half.
    strength
        Of the gradient that is reversed for the features.

    Returns
    -------
    tuple of Tensor
        A scalar, and truth values (n + m,).
    """
    outputs = discriminator(reverse(torch.cat([source, target]), strength))[:, 0]
    surveys = torch.cat([torch.ones_like(outputs[: len(source)]), torch.zeros_like(outputs[len(source) :])])
    each = functional.binary_cross_entropy_with_logits(outputs, surveys, reduction="none")
    mean = (each[: len(source)].mean() + each[len(source) :].mean()) / 2
    return mean, (outputs.detach() > 0) == (surveys > 0)

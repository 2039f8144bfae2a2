r"""The last step for each kind of target: what the outputs mean, and how wrong they are.

Classes and vote fractions end in a softmax over the outputs; their loss is the cross-entropy
:math:`-\sum_k y_k \log p_k`. Quantities are learned in units of their scatter over the training galaxies; their
loss is Huber's, quadratic near zero and linear beyond one such unit, so that a few wrong catalogue entries cannot
rule the training.

References
----------
Huber 1964, Annals of Mathematical Statistics 35, 73.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.data.target import Classes, Quantities, Target

Loss = Callable[[Tensor, Tensor], Tensor]
MOST_WEIGHT = 20.0


@dataclass(frozen=True)
class OutputScale:
    """Centre and scatter of the quantities over the training galaxies, each float32 (K,)."""

    centre: Tensor
    scale: Tensor

    def to(self, device: torch.device | str) -> OutputScale:
        """Move to a device."""
        return OutputScale(self.centre.to(device), self.scale.to(device))

    def standardised(self, labels: Tensor) -> Tensor:
        """From physical units to the network's."""
        return (labels - self.centre) / self.scale

    def physical(self, outputs: Tensor) -> Tensor:
        """From the network's units to physical ones."""
        return outputs * self.scale + self.centre


def fit_output_scale(target: Target, labels: NDArray[np.float32]) -> OutputScale | None:
    """Centre and scatter of the training part's labels (N, K); None for classes and vote fractions."""
    if not isinstance(target, Quantities):
        return None
    centre = labels.mean(axis=0, dtype=np.float64)
    scale = labels.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1.0)
    return OutputScale(torch.tensor(centre, dtype=torch.float32), torch.tensor(scale, dtype=torch.float32))


def balanced_weights(target: Target, labels: NDArray[np.int64]) -> Tensor | None:
    """One weight per class, N / (K · count) and at most 20, so that all classes count alike; None if not classes."""
    if not isinstance(target, Classes):
        return None
    counts = np.bincount(labels, minlength=len(target.names)).astype(np.float64)
    weights = len(labels) / (len(counts) * np.maximum(counts, 1))
    return torch.tensor(np.minimum(weights, MOST_WEIGHT), dtype=torch.float32)


def loss(target: Target, class_weights: Tensor | None = None) -> Loss:
    """The loss of a batch: ``f(outputs (n, K), labels) → scalar``, a mean over the galaxies.

    Labels are int64 (n,) for classes, float32 (n, K) shares for vote fractions, and standardised float32 (n, K)
    for quantities. Being a plain mean over galaxies (weights are not divided out again batch by batch), the loss
    of a whole part is the mean of its batches' losses weighted by their numbers of galaxies.
    """
    if isinstance(target, Quantities):
        return functional.smooth_l1_loss

    def weighted_cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
        each = functional.cross_entropy(outputs, labels, reduction="none")  # (n,)
        if class_weights is not None:
            each = each * class_weights.to(outputs.device)[labels]
        return each.mean()

    return weighted_cross_entropy


def activation(target: Target, outputs: Tensor, scale: OutputScale | None = None) -> Tensor:
    """From outputs (n, K) to probabilities, vote fractions, or quantities in their units."""
    if isinstance(target, Quantities):
        return outputs if scale is None else scale.physical(outputs)
    return outputs.softmax(dim=1)

"""From the network's outputs to predictions, for each kind of target.

For classes and vote fractions, a softmax over the outputs. Quantities are learned in units of their scatter over
the training galaxies; a second output for each may hold the logarithm of its error bar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import target as targets
from core.data.target import Quantities, Target

_MAX_LOG_SIGMA = 5.0


@dataclass(frozen=True)
class OutputScale:
    """Centre and scatter of the quantities over the training galaxies, each float32 (K,)."""

    centre: Tensor
    scale: Tensor

    def to(self, device: torch.device | str) -> OutputScale:
        """Move to a device."""
        return OutputScale(self.centre.to(device), self.scale.to(device))

    def standardise(self, labels: Tensor) -> Tensor:
        """From physical units to the network's."""
        return (labels - self.centre) / self.scale

    def to_physical(self, outputs: Tensor) -> Tensor:
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


def output_count(target: Target, *, error_bars: bool = False) -> int:
    """Number of outputs of the network: one for each name, two with error bars."""
    return len(targets.outputs(target)) * (2 if error_bars else 1)


def apply_activation(target: Target, outputs: Tensor, scale: OutputScale | None = None) -> Tensor:
    """Turn outputs (n, K), or (n, 2K) with error bars, into probabilities, vote fractions or physical quantities.

    Returns
    -------
    Tensor
        (n, K).
    """
    if isinstance(target, Quantities):
        means = outputs[:, : len(target.columns)]
        return means if scale is None else scale.to_physical(means)
    return outputs.softmax(dim=1)


def error_bars(outputs: Tensor, scale: OutputScale) -> Tensor:
    """The standard deviations (n, K) of quantities in physical units, from outputs (n, 2K)."""
    return mean_and_log_sigma(outputs)[1].exp() * scale.scale


def mean_and_log_sigma(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Split outputs (n, 2K) into mean and log-sigma, (n, K) each, in the network's units.

    The logarithm is limited smoothly to ±5, so that no galaxy gets an infinite weight.
    """
    mean, free = outputs.chunk(2, dim=1)
    return mean, _MAX_LOG_SIGMA * torch.tanh(free / _MAX_LOG_SIGMA)

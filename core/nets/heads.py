"""From the network's outputs to predictions, for each kind of target.

For classes and vote fractions, a softmax over the outputs. Quantities are learned in units of their scatter over
the training galaxies, positive ones as logarithms and angles as two components, see :mod:`core.nets.encoding`; a
further output for each component may hold the logarithm of its error bar.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import target as targets
from core.data.target import NoAnswers, Quantities, Target
from core.nets import encoding

_ANGLE_SCALE = math.sqrt(0.5)  # scatter of cosine and sine of angles all around the circle
_MAX_LOG_SIGMA = 5.0


@dataclass(frozen=True)
class OutputScale:
    """Centre and scatter of the quantities' components over the training galaxies, each float32 (J,)."""

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

    def choose(self, places: list[int]) -> OutputScale:
        """Of some of the components."""
        return OutputScale(self.centre[places], self.scale[places])


def fit_output_scale(target: Target, labels: NDArray[np.float32]) -> OutputScale | None:
    """Centre and scatter of the training part's labels (N, K); None for classes and vote fractions.

    Those of angles are of a full circle, whatever angles occur, so that they can be turned.
    """
    if not isinstance(target, Quantities):
        return None
    learned = labels.astype(np.float64)
    for place, name in enumerate(target.columns):
        if name in target.logarithms:
            learned[:, place] = np.log(learned[:, place])
    centre, scale = learned.mean(axis=0), learned.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    is_angle = [period is not None for period in target.periods]
    centre, scale = np.where(is_angle, 0.0, centre), np.where(is_angle, _ANGLE_SCALE, scale)
    components = np.where(is_angle, 2, 1)
    centre, scale = np.repeat(centre, components), np.repeat(scale, components)
    return OutputScale(torch.tensor(centre, dtype=torch.float32), torch.tensor(scale, dtype=torch.float32))


def output_count(target: Target, *, error_bars: bool = False) -> int:
    """Number of outputs of the network: one for each name, two for an angle, twice as many with error bars."""
    if isinstance(target, NoAnswers):
        return target.directions
    names = encoding.count(target) if isinstance(target, Quantities) else len(targets.outputs(target))
    return names * (2 if error_bars else 1)


def to_outputs(target: Target, labels: Tensor, scale: OutputScale | None) -> Tensor:
    """Turn labels or answers (n, K) into what the network is to give for them: of quantities, components (n, J)."""
    if scale is None or not isinstance(target, Quantities):
        return labels
    return scale.to(labels.device).standardise(encoding.split(target, labels))


def to_answers(target: Target, labels: Tensor, scale: OutputScale | None) -> Tensor:
    """Turn what :func:`to_outputs` gave, (n, J), back into labels (n, K)."""
    return join(target, labels if scale is None else scale.to(labels.device).to_physical(labels))


def apply_activation(target: Target, outputs: Tensor, scale: OutputScale | None = None) -> Tensor:
    """Turn outputs (n, J), or (n, 2J) with error bars, into probabilities, vote fractions or physical quantities.

    Without a scale, plain quantities stay in the network's units.

    Returns
    -------
    Tensor
        (n, K).
    """
    return join(target, components(target, outputs, scale))


def components(target: Target, outputs: Tensor, scale: OutputScale | None = None) -> Tensor:
    """What may be averaged over several views of a galaxy: probabilities, shares, or components in physical units."""
    if isinstance(target, Quantities):
        means = outputs[:, : encoding.count(target)]
        return means if scale is None else scale.to(means.device).to_physical(means)
    return outputs.softmax(dim=1)


def join(target: Target, values: Tensor) -> Tensor:
    """From components (n, J) to answers (n, K)."""
    return encoding.join(target, values) if isinstance(target, Quantities) else values


def error_bars(target: Quantities, outputs: Tensor, scale: OutputScale) -> Tensor:
    """The standard deviations (n, K) from outputs (n, 2J), of logarithms those of the logarithm.

    They are brought to the quantities' units by :func:`core.nets.encoding.in_unit`.
    """
    mean, log_sigma = mean_and_log_sigma(outputs)
    return encoding.error_bars(target, scale.to_physical(mean), log_sigma.exp() * scale.scale)


def mean_and_log_sigma(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Split outputs (n, 2J) into mean and log-sigma, (n, J) each, in the network's units.

    The logarithm is limited smoothly to ±5, so that no galaxy gets an infinite weight.
    """
    mean, free = outputs.chunk(2, dim=1)
    return mean, _MAX_LOG_SIGMA * torch.tanh(free / _MAX_LOG_SIGMA)


def temper(scores: Tensor, value: float) -> Tensor:
    """Probabilities (n, K) at a temperature, see :mod:`core.nets.temperature`."""
    return torch.softmax(scores.clamp_min(torch.finfo(scores.dtype).tiny).log() / value, dim=1)

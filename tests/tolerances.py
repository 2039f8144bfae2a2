"""How far two computations of the same numbers may differ: from the dtype and the length of the sums behind them.

The same sum in another order, by another algorithm (a convolution as a matrix product, by Winograd's transform, window
by window) or in vectors of another width is rounded elsewhere. Each of ``n`` additions rounds the partial sum by up to
half a unit in its last place; roundings are as often up as down, so that they grow like a random walk, with the square
root of ``n``. What counts is the largest number on the way, and not the result, which may be a small difference of
large ones: a map of score differences is as rough as the scores are.

This holds for what is continuous. A slope is not where a rectifier or a maximum lies at its edge: there rounding
decides between two values, and tests compare networks without edges, or the slopes of one and the same pass.

References
----------
Higham (2002), Accuracy and Stability of Numerical Algorithms, chapters 3 and 4.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import nn

_SIGMAS = 16  # both sides are rounded, and the worst of thousands of values is compared


def summed(terms: int, peak: float = 1.0, dtype: DTypeLike = np.float32) -> float:
    """Absolute tolerance of a sum of ``terms`` products, where the largest partial sum is about ``peak``."""
    return _SIGMAS * math.sqrt(terms) * float(np.finfo(dtype).eps) * abs(float(peak))


def through(network: nn.Module, peak: float = 1.0, passes: int = 1) -> float:
    """Absolute tolerance of what has gone through all layers of a float32 network, ``passes`` times (2: and back)."""
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    return summed(passes * sum(layer.weight[0].numel() for layer in layers), peak)


def peak_of(*values: object) -> float:
    """The largest magnitude among arrays, tensors and numbers."""
    return max(float(torch.as_tensor(value).detach().abs().max()) for value in values)

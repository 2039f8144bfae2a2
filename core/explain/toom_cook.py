r"""Convolutions of small windows with fewer multiplications: the method of Toom and Cook.

The full convolution of a window of :math:`w` pixels with a kernel of :math:`k` pixels is a product of two polynomials,
whose coefficients are the pixels and the reversed kernel. The product has :math:`w + k - 1` coefficients, so it is
known from its values at as many points: both polynomials are evaluated there, the values multiplied, and the product's
coefficients found again. Along both axes this takes :math:`(w + k - 1)^2` multiplications for each pair of channels
where the direct sum takes :math:`k^2` for each response: a ninth for 3 × 3 kernels. The points are small numbers and
infinity, so that rounding stays near :math:`10^{-5}` of the largest response; :data:`LONGEST` pixels is the limit for
that.

References
----------
Toom 1963, Soviet Mathematics 3; Cook 1966, "On the minimum computation time of functions", thesis, Harvard;
Winograd 1980, "Arithmetic complexity of computations", SIAM; Lavin & Gray 2016, "Fast algorithms for convolutional
neural networks", CVPR.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_POINTS = (0, 1, -1, 2, -2, 1 / 2, -1 / 2)  # and infinity
LONGEST = len(_POINTS) + 1
"""Most pixels of a product along one axis."""


class ToomCook:
    """Full convolution of windows of one size.

    Parameters
    ----------
    weight
        Weights of the convolution, (filters, C, k, k').
    height, width
        Size of the windows in pixels; ``height + k - 1`` and ``width + k' - 1`` are at most :data:`LONGEST`.
    """

    def __init__(self, weight: Tensor, height: int, width: int) -> None:
        matrices = _matrices((height, width), (weight.shape[2], weight.shape[3]))
        self._evaluation, kernel_evaluation, self._solution = (
            torch.from_numpy(matrix).to(weight) for matrix in matrices
        )
        backwards = weight.permute(2, 3, 1, 0).flip(0, 1).flatten(0, 1)  # (k k', C, filters)
        self._weight = (kernel_evaluation @ backwards.flatten(1)).unflatten(1, backwards.shape[1:])  # (places, ...)

    def convolve(self, windows: Tensor, out: Tensor) -> None:
        """Convolve ``windows`` (height, width, n, C), contiguous.

        The responses are written to ``out`` (height + k - 1, width + k' - 1, n, filters), contiguous too.
        """
        height, width, n, channels = windows.shape
        values = (self._evaluation @ windows.view(height * width, -1)).view(-1, n, channels)
        products = torch.bmm(values, self._weight)  # (places, n, filters)
        torch.mm(self._solution, products.view(len(products), -1), out=out.view(len(products), -1))


@lru_cache(maxsize=64)
def _matrices(window: tuple[int, int], kernel: tuple[int, int]) -> tuple[NDArray[np.floating], ...]:
    """Matrices that evaluate windows and kernels of these sizes, and that find the coefficients of their products."""
    (height, width), (down, across) = window, kernel
    tall, wide = height + down - 1, width + across - 1
    return (
        np.kron(_evaluation_matrix(tall, height), _evaluation_matrix(wide, width)),
        np.kron(_evaluation_matrix(tall, down), _evaluation_matrix(wide, across)),
        np.kron(np.linalg.inv(_evaluation_matrix(tall, tall)), np.linalg.inv(_evaluation_matrix(wide, wide))),
    )


def _evaluation_matrix(points: int, coefficients: int) -> NDArray[np.float64]:
    """Matrix that takes a polynomial's coefficients, lowest first, to its values at this number of points."""
    finite = np.vander(_POINTS[: points - 1], coefficients, increasing=True)
    return np.vstack([finite, np.eye(coefficients)[-1:]])  # at infinity only the highest power counts

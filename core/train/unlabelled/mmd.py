r"""MMD: the features of two surveys get the same distribution, as several Gaussian kernels see it.

The squared maximum mean discrepancy of features :math:`s_i` and :math:`t_j` is

.. math:: \frac{1}{n^2} \sum_{ii'} k(s_i, s_{i'}) + \frac{1}{m^2} \sum_{jj'} k(t_j, t_{j'})
          - \frac{2}{nm} \sum_{ij} k(s_i, t_j), \qquad
          k(x, y) = \sum_q \exp\left(-\frac{\lVert x - y \rVert^2}{2^q\, D}\right)

with :math:`D` the median of the squared distances between any two different galaxies of the batch, and
:math:`q = -2 \dots 2`: kernels around the median distance, so that no width has to be chosen. It is never negative.

References
----------
Gretton et al. 2012, JMLR 13, 723 (MMD, the median distance); Long et al. 2015, arXiv:1502.02791 (in a network, several
kernels).
"""

from __future__ import annotations

import torch
from torch import Tensor

_WIDTHS = tuple(2.0**exponent for exponent in range(-2, 3))  # of the squared median distance


def loss(source: Tensor, target: Tensor) -> Tensor:
    """The squared discrepancy, a scalar, of the features (n, d) and (m, d) of two surveys."""
    both, count = torch.cat([source, target]), len(source)
    both = both - both.detach().mean(dim=0)  # so that little is lost to rounding below
    norms = both.square().sum(dim=1)
    squares = (norms[:, None] + norms[None, :] - 2 * both @ both.T).clamp_min(0)  # (n + m, n + m)
    different = ~torch.eye(len(both), dtype=torch.bool, device=both.device)
    median = squares.detach()[different].median().clamp_min(torch.finfo(squares.dtype).tiny)
    kernel = torch.stack([torch.exp(-squares / (width * median)) for width in _WIDTHS]).sum(dim=0)
    within_source, within_target = kernel[:count, :count].mean(), kernel[count:, count:].mean()
    return within_source + within_target - 2 * kernel[:count, count:].mean()

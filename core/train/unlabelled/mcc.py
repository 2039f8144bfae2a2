r"""MCC, minimum class confusion: answers for another survey that do not hesitate between classes.

With the outputs :math:`z` for :math:`n` galaxies without labels, probabilities at a temperature
:math:`p_{ij} = \mathrm{softmax}_j(z_i / 2.5)`, and weights that let sure galaxies count for more,

.. math:: w_i = n\, \frac{1 + e^{-H_i}}{\sum_k (1 + e^{-H_k})}, \qquad H_i = -\sum_j p_{ij} \ln p_{ij} ,

the confusion of two classes is :math:`C_{jj'} = \sum_i w_i\, p_{ij}\, p_{ij'}`, divided by the sum of its row; the loss
is the mean over the classes of what lies beside the diagonal.

References
----------
Jin, Wang, Long & Wang 2020, arXiv:1912.03699.
"""

from __future__ import annotations

import torch
from torch import Tensor

_TEMPERATURE = 2.5


def loss(outputs: Tensor) -> Tensor:
    """The confusion, a scalar from 0 to (K − 1)/K, of the outputs (n, K) before the softmax."""
    logarithms = torch.log_softmax(outputs / _TEMPERATURE, dim=1)
    probabilities = logarithms.exp()
    entropy = -(probabilities * logarithms).sum(dim=1).detach()  # (n,)
    weight = 1 + torch.exp(-entropy)
    weight = len(outputs) * weight / weight.sum()
    confusion = (weight[:, None] * probabilities).T @ probabilities  # (K, K)
    confusion = confusion / confusion.sum(dim=1, keepdim=True)
    return (confusion.sum() - confusion.diagonal().sum()) / outputs.shape[1]

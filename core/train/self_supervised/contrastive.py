r"""The loss of SimCLR, and whether the network has collapsed.

With :math:`z_i` the 2n outputs of a batch, scaled to unit length, of which i and p(i) are of the same galaxy, and the
temperature :math:`\tau`, the loss is the cross-entropy of finding the partner among all others (NT-Xent):

.. math:: -\frac{1}{2n} \sum_i \log \frac{e^{z_i \cdot z_{p(i)} / \tau}}{\sum_{k \ne i} e^{z_i \cdot z_k / \tau}} .

Guessing gives :math:`\ln(2n - 1)`.

References
----------
Chen, Kornblith, Norouzi & Hinton 2020, arXiv:2002.05709; Chen & He 2021, arXiv:2011.10566 (the scatter of the outputs
as a sign of collapse).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

COLLAPSED = 0.05
"""A spread below this is a collapse."""


def nt_xent(outputs: Tensor, temperature: float) -> Tensor:
    """The loss of outputs (2n, d), of which rows i and n + i are of the same galaxy; a scalar in float32."""
    directions = functional.normalize(outputs.float(), dim=1)
    similarity = directions @ directions.T / temperature  # (2n, 2n)
    similarity.fill_diagonal_(-math.inf)
    count = len(outputs) // 2
    partners = torch.arange(2 * count, device=outputs.device).roll(count)
    return functional.cross_entropy(similarity, partners)


def guessing(galaxies: int) -> float:
    """The loss of a network that tells no two galaxies apart, in batches of so many."""
    return math.log(2 * galaxies - 1)


def spread(outputs: Tensor) -> float:
    r"""How far the directions of outputs (n, d) scatter over the sphere: 1 all over it, 0 where all are the same.

    :math:`\sqrt{d}` times the standard deviation of the normalised outputs, its mean over the d components.
    """
    directions = functional.normalize(outputs.float(), dim=1)
    return float(directions.std(dim=0, correction=0).mean()) * math.sqrt(outputs.shape[1])

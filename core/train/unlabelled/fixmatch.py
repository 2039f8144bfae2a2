r"""FixMatch: what the network is sure of becomes the label of a galaxy that has none.

A galaxy without a label is shown twice: weakly varied (turned, mirrored, moved) and strongly (also zoomed, brighter or
fainter, noisier, with worse seeing, partly hidden). Where the probability of a class for the weak view reaches the
confidence :math:`\tau`, the network is to answer that class for the strong view, too:

.. math:: \frac{1}{m} \sum_i [\max_j p_{ij} \ge \tau]\; \mathrm{CE}(\arg\max_j p_{ij},\, q_i)

with the probabilities :math:`p` of the weak and :math:`q` of the strong view; galaxies below the confidence count as
zero. The weak views are answered by the average of the weights (:mod:`core.train.averaging`), without dropout and with
its own batch statistics: it is what is validated and kept, too. Without an average the network itself answers so.

References
----------
Sohn et al. 2020, arXiv:2001.07685 (FixMatch); Cai et al. 2021, arXiv:2101.08482 (labels from the average of the
weights); Gómez et al. 2025, arXiv:2505.03509 (AnomalyMatch, FixMatch for galaxies).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def loss(strong: Tensor, weak: Tensor, confidence: float) -> tuple[Tensor, Tensor]:
    """The loss of galaxies without labels, and which of them it learns from.

    Parameters
    ----------
    strong
        Outputs (m, K) for the strong views, before the softmax.
    weak
        Outputs (m, K) for the weak views of the same galaxies; no gradient flows through them.
    confidence
        The least probability of a class.

    Returns
    -------
    tuple of Tensor
        A scalar, and truth values (m,).
    """
    highest, labels = weak.detach().softmax(dim=1).max(dim=1)
    is_sure = highest >= confidence
    each = functional.cross_entropy(strong, labels, reduction="none")
    return (each * is_sure).mean(), is_sure

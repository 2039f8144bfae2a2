r"""Loss functions for classes, vote fractions and quantities.

**Classes**, with :math:`p` the softmax of the outputs and :math:`c` the true class: the cross-entropy
:math:`-\sum_k y_k \log p_k`, where :math:`y` is 1 for the true class or, smoothed by :math:`\epsilon`,
:math:`(1 - \epsilon)\,[k = c] + \epsilon / K`; or the focal loss :math:`-(1 - p_c)^\gamma \log p_c`. Each galaxy may
be weighted by its class.

**Vote fractions** :math:`v`: the cross-entropy :math:`-\sum_k v_k \log p_k`; or minus the logarithm of the
likelihood of the :math:`n` votes, divided by the mean number of votes of the training galaxies, so that gradients are
as large as with the cross-entropy. The votes follow a multinomial distribution with probabilities
:math:`p`, or a Dirichlet-multinomial one with concentrations :math:`\alpha_k = S p_k`, whose sum
:math:`S = 1000\,\sigma(\log \sum_k e^{o_k} - \log 1000)` follows from the outputs :math:`o`, too: about
:math:`\alpha_k = e^{o_k}`, but at most 1000 in all. Either way the predicted shares are :math:`p`.

**Quantities** are learned in units of their scatter over the training galaxies. Huber's loss is quadratic near zero
and linear beyond the knee, so that a few wrong catalogue entries cannot dominate the training. With the Gaussian loss
the network has a second output for each quantity, :math:`\log \sigma`, and the loss is minus the logarithm of the
likelihood without its constant, :math:`(y - \mu)^2 / 2\sigma^2 + \log \sigma`. An angle is two such quantities, its
cosine and sine, and of a positive quantity the logarithm may be learned instead, see :mod:`core.nets.encoding`.

References
----------
Huber 1964, Annals of Mathematical Statistics 35, 73; Nix & Weigend 1994, IEEE ICNN 1, 55; Szegedy et al. 2016,
arXiv:1512.00567 (label smoothing); Lin et al. 2017, arXiv:1708.02002 (focal loss); Walmsley et al. 2022,
MNRAS 509, 3966 (Dirichlet-multinomial votes).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from core.data.target import Classes, Quantities, Target
from core.nets import heads
from core.nets.settings import LossSettings

Loss = Callable[[Tensor, Tensor], Tensor]
MAX_WEIGHT = 20.0
_MAX_CONCENTRATION = 1000.0
_MIN_CONCENTRATION = 1e-6
_MIN_MISS = 1e-6  # keeps the gradient of the focal loss finite for galaxies classified with certainty


def balanced_weights(target: Target, labels: NDArray[np.int64]) -> Tensor | None:
    """Class weights N / (K · count), at most 20, which balance the classes; None for other targets."""
    if not isinstance(target, Classes):
        return None
    from sklearn.utils.class_weight import compute_class_weight  # late: the import takes a second, and few runs need it

    present, count = np.unique(labels), len(target.names)
    weights = np.full(count, len(labels) / count)  # a class without galaxies is treated as if it had one
    weights[present] = compute_class_weight("balanced", classes=present, y=labels) * len(present) / count
    return torch.tensor(np.minimum(weights, MAX_WEIGHT), dtype=torch.float32)


def build_loss(
    target: Target,
    settings: LossSettings | None = None,
    class_weights: Tensor | None = None,
    mean_votes: float = 1.0,
) -> Loss:
    """Build the loss function of a batch: ``f(outputs, labels) → scalar``, a mean over the galaxies.

    Outputs are (n, K), of quantities their components (n, J), or (n, 2J) with error bars. Labels are int64 (n,) for
    classes, float32 (n, K) shares for vote fractions, with the number of votes as a further column where the loss
    needs it, and standardised float32 components (n, J) for quantities. Being a plain mean over galaxies (weights are
    not divided out again batch by batch), the loss of a whole part is the mean of its batches' losses weighted by
    their numbers of galaxies.

    Parameters
    ----------
    target
        What is learned.
    settings
        Which loss; None: the defaults.
    class_weights
        (K,) weight of a galaxy of each class; None: all equal.
    mean_votes
        Mean number of votes of the training galaxies.
    """
    chosen = settings or LossSettings()
    if isinstance(target, Quantities):
        return _quantity_loss(chosen)
    if isinstance(target, Classes):
        return _class_loss(chosen, class_weights)
    return _vote_loss(chosen, mean_votes)


def needs_votes(target: Target, settings: LossSettings) -> bool:
    """Whether the loss depends on the number of votes."""
    return not isinstance(target, Classes | Quantities) and settings.votes != "cross-entropy"


def _class_loss(settings: LossSettings, class_weights: Tensor | None) -> Loss:
    def galaxy_losses(outputs: Tensor, labels: Tensor) -> Tensor:
        if settings.classes == "cross-entropy":
            smoothing = settings.label_smoothing
            return functional.cross_entropy(outputs, labels, reduction="none", label_smoothing=smoothing)
        return _focal_loss(outputs, labels, settings.focus)

    def mean_loss(outputs: Tensor, labels: Tensor) -> Tensor:
        losses = galaxy_losses(outputs, labels)  # (n,)
        if class_weights is not None:
            losses = losses * class_weights.to(outputs)[labels]
        return losses.mean()

    return mean_loss


def _focal_loss(outputs: Tensor, labels: Tensor, focus: float) -> Tensor:
    cross_entropy = functional.cross_entropy(outputs, labels, reduction="none")  # (n,) minus log p
    miss = -torch.expm1(-cross_entropy)  # (n,) 1 - p
    return miss.clamp_min(_MIN_MISS) ** focus * cross_entropy


def _vote_loss(settings: LossSettings, mean_votes: float) -> Loss:
    def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, labels, reduction="none").mean()

    def likelihood(outputs: Tensor, labels: Tensor) -> Tensor:
        total = labels[:, -1:]  # (n, 1)
        votes = labels[:, :-1] * total  # (n, K)
        log_coefficient = torch.lgamma(total[:, 0] + 1) - torch.lgamma(votes + 1).sum(dim=1)  # multinomial, (n,)
        log_probability = _multinomial if settings.votes == "multinomial" else _dirichlet_multinomial
        return -(log_coefficient + log_probability(outputs, votes)).mean() / mean_votes

    return cross_entropy if settings.votes == "cross-entropy" else likelihood


def _multinomial(outputs: Tensor, votes: Tensor) -> Tensor:
    """Log-probability (n,) of one sequence of these votes."""
    return (votes * outputs.log_softmax(dim=1)).sum(dim=1)


def _dirichlet_multinomial(outputs: Tensor, votes: Tensor) -> Tensor:
    """Log-probability (n,) of one sequence of these votes."""
    alpha = concentrations(outputs)
    total, given = alpha.sum(dim=1), votes.sum(dim=1)
    share = torch.lgamma(alpha + votes) - torch.lgamma(alpha)
    return share.sum(dim=1) + torch.lgamma(total) - torch.lgamma(total + given)


def concentrations(outputs: Tensor) -> Tensor:
    """The parameters alpha (n, K) of the Dirichlet distribution; the larger their sum, the narrower it is."""
    size = outputs.logsumexp(dim=1, keepdim=True)
    total = _MAX_CONCENTRATION * (size - math.log(_MAX_CONCENTRATION)).sigmoid()
    return total * outputs.softmax(dim=1) + _MIN_CONCENTRATION


def _quantity_loss(settings: LossSettings) -> Loss:
    match settings.quantities:
        case "huber":
            return lambda outputs, labels: functional.smooth_l1_loss(outputs, labels, beta=settings.knee)
        case "mse":
            return functional.mse_loss
        case "mae":
            return functional.l1_loss
        case "gaussian":
            return _gaussian


def _gaussian(outputs: Tensor, labels: Tensor) -> Tensor:
    mean, log_sigma = heads.mean_and_log_sigma(outputs)  # (n, J) each
    return functional.gaussian_nll_loss(mean, labels, torch.exp(2 * log_sigma), eps=0)  # sigma is held above 0 already

r"""The class frequencies that a network's probabilities assume, and the correction to those of the survey.

A network that is shown the classes with frequencies :math:`q_k` learns :math:`p_k \propto q_k f_k(x)`. To learn the
probabilities of a survey with frequencies :math:`\pi_k` nevertheless, :math:`\log(q_k/\pi_k)` is added to its outputs
in the training loss, and only there: what remains in the outputs is :math:`\pi_k f_k(x)`.

References
----------
Menon et al. 2021, arXiv:2007.07314 (logit adjustment).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data.split import Split
from core.data.target import Classes, Target
from core.nets import losses
from core.train.settings import RunSettings

_NONE_SEEN = 0.5  # galaxies of a class of which there is none


def survey_shift(settings: RunSettings, target: Target, labels: NDArray[Any], split: Split) -> Tensor | None:
    """What is added to the outputs in the training loss, (K,); None: the classes are shown as often as they are.

    The survey's frequencies are those of the validation part, which has its share of each class.

    Parameters
    ----------
    settings
        Of the run.
    target
        What is learned.
    labels
        Of all rows of the dataset.
    split
        Its parts; the training part may be drawn evenly from the classes.
    """
    if not isinstance(target, Classes) or not settings.optimiser.survey_probabilities:
        return None
    if settings.optimiser.class_weights or not _is_shown_unevenly(settings):
        return None
    shown = _shown(settings, target, labels[split.train])
    return torch.tensor(np.log(shown / _survey(target, labels[split.validation])), dtype=torch.float32)


def assumed_frequencies(
    settings: RunSettings, target: Target, labels: NDArray[Any], split: Split
) -> dict[str, float] | None:
    """The class frequencies that the trained network's probabilities assume, by name; None for other targets."""
    if not isinstance(target, Classes):
        return None
    if survey_shift(settings, target, labels, split) is not None:
        found = _survey(target, labels[split.validation])
    else:
        weights = losses.balanced_weights(target, labels[split.train]) if settings.optimiser.class_weights else None
        found = _shown(settings, target, labels[split.train])
        if weights is not None and not settings.optimiser.balanced_batches:
            found = found * weights.numpy()
    return {name: float(share) for name, share in zip(target.names, found / found.sum(), strict=True)}


def _is_shown_unevenly(settings: RunSettings) -> bool:
    limited = settings.data.train_limit is not None and settings.data.train_draw == "evenly"
    return limited or settings.optimiser.balanced_batches


def _shown(settings: RunSettings, target: Classes, labels: NDArray[Any]) -> NDArray[np.float64]:
    counts = np.bincount(labels, minlength=len(target.names)).astype(np.float64)
    if settings.optimiser.balanced_batches:
        counts = (counts > 0).astype(np.float64)
    return _to_frequencies(counts)


def _survey(target: Classes, labels: NDArray[Any]) -> NDArray[np.float64]:
    return _to_frequencies(np.bincount(labels, minlength=len(target.names)).astype(np.float64))


def _to_frequencies(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.where(counts > 0, counts, _NONE_SEEN)
    return counts / counts.sum()

"""What is to be said before a training begins: how labels were read, what has no effect, what the network sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import non_answers, size
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.split import Split
from core.data.target import Classes, Target
from core.errors import Problem
from core.nets import layers
from core.nets.predictor import Predictor
from core.settings.declare import ineffective_settings
from core.train import angle_notices, logarithm_notices, receptive_field
from core.train.settings import RunSettings


def of_labels_and_field(
    settings: RunSettings,
    target: Target,
    cutouts: Cutouts,
    predictor: Predictor,
    sample: NDArray[np.float32],
    labels: NDArray[Any],
    split: Split,
) -> list[Problem]:
    """How the labels were read, and whether the last block sees too little where the depth can be chosen."""
    told = targets.describe_votes(target, cutouts.columns)
    found = [Problem(told, "", "data.kind")] if told else []
    found += angle_notices.find(target, labels, cutouts, split.train, settings.data)
    found += logarithm_notices.find(target, labels, settings.data)
    found += non_answers.warn(target.names) if isinstance(target, Classes) else []
    if not settings.transfer.start_from:  # else the layers are those of the earlier network
        narrow = _narrow_field_warning(predictor, sample)
        found += [narrow] if narrow is not None else []
    return found


def _narrow_field_warning(predictor: Predictor, sample: NDArray[np.float32]) -> Problem | None:
    def galaxies() -> float:
        return size.median_size(sample[size.choose_sample(np.arange(len(sample)))])

    network, shape = predictor.network, predictor.stamp_shape
    return receptive_field.warning(layers.table(network, shape), max(shape[1:]), galaxies, network.settings)


def of_settings_without_effect(settings: RunSettings, target: Target) -> list[Problem]:
    """Notices of settings that were changed but have no effect beside the others."""
    names = [f"optimiser.{name}" for name in ineffective_settings(settings.optimiser)]
    names += [f"loss.{name}" for name in ineffective_settings(settings.loss)]
    names += [f"network.{name}" for name in ineffective_settings(settings.network)]
    names += [f"transfer.{name}" for name in ineffective_settings(settings.transfer)]
    names += [f"unlabelled.{name}" for name in ineffective_settings(settings.unlabelled)]
    if settings.optimiser.balanced_batches and not isinstance(target, Classes):
        names.append("optimiser.balanced_batches")
    return [Problem("This setting has no effect beside the others.", "", name) for name in names]

"""The labels of a dataset: recognised, encoded as numbers, and converted to the tensor that the loss needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.settings import DataSettings
from core.data.target import Target, VoteFractions
from core.errors import SettingsProblem
from core.nets import heads, losses
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.train.settings import RunSettings

_MAX_SUM_OF_FRACTIONS = 1.5


def read_labels(
    cutouts: Cutouts, settings: DataSettings, hand_labels: LabelJournal | None = None
) -> tuple[Target, NDArray[Any]]:
    """Read the kind of the dataset's labels and their numbers; labels given by hand override the catalogue."""
    columns = labelled_columns(cutouts, hand_labels)
    names = settings.labels or cutouts.labels
    target = targets.recognise(columns, names, settings.kind, cutouts.units, settings.angles, settings.logarithms)
    return target, targets.encode(target, columns)


def numbers_of_votes(cutouts: Cutouts, settings: RunSettings, target: Target) -> NDArray[np.float32] | None:
    """Number of votes of each galaxy, float32 (N,), NaN where it is unknown; None if the loss does not need it.

    Raises
    ------
    SettingsProblem
        There are fractions only, and no column gives the number of votes.
    """
    if not isinstance(target, VoteFractions) or not losses.needs_votes(target, settings.loss):
        return None
    column = settings.data.votes
    if column in cutouts.columns:
        return targets.numbers(cutouts.columns[column]).astype(np.float32)
    counts = targets.votes(target, cutouts.columns)
    if column or not np.nanmax(counts, initial=0) > _MAX_SUM_OF_FRACTIONS:
        raise SettingsProblem(
            f"There is no column “{column}”." if column else "These are fractions, and the loss needs votes.",
            f"Name the column with the number of votes: {', '.join(cutouts.columns)}; or choose the cross-entropy.",
            "data.votes",
        )
    return counts


def to_loss_tensor(labels: NDArray[Any], predictor: Predictor, votes: NDArray[np.float32] | None = None) -> Tensor:
    """Convert labels to a tensor; quantities as the network gives them, vote fractions with the number of votes."""
    if votes is not None:
        labels = np.column_stack([labels, votes])
    return heads.to_outputs(predictor.target, torch.from_numpy(labels), predictor.output_scale)

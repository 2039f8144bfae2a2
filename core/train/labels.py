"""What the galaxies of a dataset are labelled with, and how the loss takes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.target import Target, VoteFractions
from core.errors import SettingsProblem
from core.nets import losses
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal, apply_labels
from core.train.settings import RunSettings

_SUM_OF_FRACTIONS = 1.5


def labelled(cutouts: Cutouts, settings: DataSettings) -> tuple[Target, NDArray[Any]]:
    """What the dataset's labels are, and the labels as numbers; labels given by hand win over the catalogue."""
    journal = LabelJournal(cutouts.path.parent.parent / "labels" / f"{cutouts.path.stem}.jsonl")
    columns = apply_labels(cutouts.columns, cutouts.ids, journal.replay())
    target = targets.recognise(columns, settings.labels or cutouts.labels, settings.kind, cutouts.units)
    return target, targets.encode(target, columns)


def numbers_of_votes(cutouts: Cutouts, settings: RunSettings, target: Target) -> NDArray[np.float32] | None:
    """How many votes each galaxy got, float32 (N,), NaN where that is unknown; None if the loss does not ask.

    Raises
    ------
    SettingsProblem
        There are fractions only, and no column says how many votes are behind them.
    """
    if not isinstance(target, VoteFractions) or not losses.needs_votes(target, settings.loss):
        return None
    column = settings.data.votes
    if column in cutouts.columns:
        return targets.numbers(cutouts.columns[column]).astype(np.float32)
    counts = targets.votes(target, cutouts.columns)
    if column or not np.nanmax(counts, initial=0) > _SUM_OF_FRACTIONS:
        raise SettingsProblem(
            f"There is no column “{column}”." if column else "These are fractions, and the loss needs votes.",
            f"Name the column with the number of votes: {', '.join(cutouts.columns)}; or choose the cross-entropy.",
            "data.votes",
        )
    return counts


def as_the_loss_takes(labels: NDArray[Any], predictor: Predictor, votes: NDArray[np.float32] | None = None) -> Tensor:
    """Labels as a tensor; quantities in the network's units, vote fractions with the number of votes behind them."""
    if votes is not None:
        labels = np.column_stack([labels, votes])
    tensor = torch.from_numpy(labels)
    return tensor if predictor.output_scale is None else predictor.output_scale.to("cpu").standardise(tensor)

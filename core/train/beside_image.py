"""The catalogue columns that a training gives the network beside the image: chosen, checked, scaled by its galaxies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import side_columns
from core.data.cutouts import Cutouts
from core.data.target import Target
from core.errors import Problem
from core.nets import side_inputs
from core.nets.predictor import Predictor
from core.nets.side_inputs import SideInputs
from core.train.settings import RunSettings

_WHERE = "data.side_columns"


def choose(
    settings: RunSettings,
    cutouts: Cutouts,
    target: Target,
    labels: NDArray[Any],
    train: NDArray[np.int64],
    base: Predictor | None,
) -> tuple[SideInputs | None, Predictor | None, list[Problem]]:
    """The columns of a new training with their scaling, the network that it starts from, and what is to be known.

    Fine-tuning goes on with the columns of the earlier network if these are chosen, too; where others are, or none, it
    starts from what that network is for a typical galaxy of its training.

    Parameters
    ----------
    settings
        Of the run.
    cutouts
        The dataset.
    target, labels
        As :func:`core.data.target.encode` gives them, of all galaxies of the dataset.
    train
        Rows of the training part, which alone decides the scaling.
    base
        The earlier network, or None.

    Raises
    ------
    SettingsProblem
        A column cannot stand beside the image.
    """
    names = settings.data.side_columns
    before = None if base is None else base.side
    fitted, notices = None, list[Problem]()
    if names:
        side_columns.require_usable(cutouts, names, target, labels)
        values = side_columns.read(cutouts.columns, names, train)
        fitted = side_inputs.fit(names, cutouts.units, values, settings.data.side_logarithms)
        notices.append(Problem(_describe(fitted), "", _WHERE))
    if base is None or before is None:
        return fitted, base, notices
    if fitted is not None and set(fitted.names) == set(before.names):
        own = _follow(before, fitted, is_refitted=settings.transfer.input_scaling == "refitted")
        seen = own.read(cutouts.columns, train)
        return own, base, [*notices, *own.compare_units(cutouts.columns, cutouts.units), *own.remark_on(seen)]
    listed = ", ".join(column.title for column in before.columns)
    notices.append(
        Problem(
            f"The earlier network also takes {listed} beside the image: it is started from as it is for a typical "
            "galaxy of its training.",
            f"Choose {', '.join(before.names)} beside the image, and no others, to go on with them.",
            _WHERE,
        )
    )
    return fitted, base.held_at_typical(), notices


def inputs_of(predictor: Predictor, cutouts: Cutouts) -> Tensor | None:
    """The side inputs (N, S) of all galaxies of a dataset on the network's device; None: it takes the image alone."""
    if predictor.side is None:
        return None
    return predictor.side.scale(torch.from_numpy(predictor.side.read(cutouts.columns))).to(predictor.device)


def _follow(before: SideInputs, fitted: SideInputs, *, is_refitted: bool) -> SideInputs:
    """The columns of the earlier network in its order, with its scaling or the new one, and the range of both."""
    now = dict(zip(fitted.names, fitted.columns, strict=True))
    if is_refitted:
        return SideInputs(tuple(now[name] for name in before.names), before.units)
    both = [(column, now[column.name]) for column in before.columns]
    widened = [
        replace(
            old,
            lowest=min(old.lowest, new.lowest) if not old.is_logarithm or new.lowest > 0 else old.lowest,
            highest=max(old.highest, new.highest),
            missing=old.missing + new.missing,
        )
        for old, new in both
    ]
    return SideInputs(tuple(widened), before.units)


def _describe(side: SideInputs) -> str:
    each = [
        f"{column.title} ({column.missing:,} missing in training)" * bool(column.missing) or column.title
        for column in side.columns
    ]
    return f"Beside the image, the network takes {', '.join(each)}."

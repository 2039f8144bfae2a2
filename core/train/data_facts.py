"""The data of a run in plain values, for its report and its network's file."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.data.split import Split
from core.data.target import Classes, Quantities, Target
from core.train import class_frequencies
from core.train.settings import RunSettings


def describe_data(
    cutouts: Cutouts, target: Target, labels: NDArray[Any], split: Split, settings: RunSettings
) -> dict[str, Any]:
    """Name and fingerprint of the dataset, number of galaxies of each part and class, units."""
    parts = {"training": split.train, "validation": split.validation, "test": split.test}
    counts: dict[str, Any] = {part: len(rows) for part, rows in parts.items()}
    facts: dict[str, Any] = {"data": cutouts.path.name, "checksum": cutouts.checksum, "galaxies": counts}
    if isinstance(target, Classes):
        facts["classes"] = {
            part: {name: int((labels[rows] == index).sum()) for index, name in enumerate(target.names)}
            for part, rows in parts.items()
        }
        facts["assumed_frequencies"] = class_frequencies.assumed_frequencies(settings, target, labels, split)
    elif isinstance(target, Quantities):
        facts["units"] = dict(zip(target.columns, target.units, strict=True))
    return facts

"""What a column of given parts leaves open, in sentences: objects in two parts, galaxies in none, missing parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.parts import NO_PART
from core.data.settings import DataSettings
from core.data.split import Decided, Split
from core.data.target import has_label
from core.errors import Problem

_WHERE = "data.split_column"


def notices(
    decided: Decided, ranks: NDArray[np.int64], labels: NDArray[Any], split: Split, settings: DataSettings
) -> list[Problem]:
    """What the user should know of parts that a column gives; nothing where no column does.

    Parameters
    ----------
    decided, settings
        With which the split was found.
    ranks
        (N,) the object of each row, see :class:`core.data.parts.Groups`.
    labels
        As the split has them.
    split
        The parts that came of it.
    """
    if decided.given is None:
        return []
    rows = np.flatnonzero(has_label(labels))
    given, column, found = decided.given[rows], f"The column “{decided.column}”", list[Problem]()
    if twice := _in_two_parts(ranks[rows], given):
        found.append(
            Problem(
                f"{twice:,} {'object has' if twice == 1 else 'objects have'} images in more than one part: the network "
                "learns from galaxies on which it is tested.",
                "Correct the column, or draw the parts: images of one object then stay together.",
                _WHERE,
            )
        )
    if without := int((given == NO_PART).sum()):
        what = "are dealt out by their names" if settings.split_rest else "are in no part"
        found.append(
            Problem(
                f"{column} says nothing of {without:,} labelled galaxies, which {what}.",
                "" if settings.split_rest else "“Others join” deals them out, too.",
                _WHERE,
            )
        )
    if not (given == 1).any() and len(split.validation):
        found.append(
            Problem(
                f"{column} gives no validation part: {len(split.validation):,} galaxies of the training part were "
                "drawn for it.",
                "",
                _WHERE,
            )
        )
    if not (given == 2).any() and not len(split.test):
        found.append(
            Problem(f"{column} gives no test part: this run cannot be tested on galaxies of its own.", "", _WHERE)
        )
    return found


def _in_two_parts(ranks: NDArray[np.int64], given: NDArray[np.int8]) -> int:
    """Number of objects with rows in more than one given part."""
    pairs = np.unique(ranks[given != NO_PART] * 4 + given[given != NO_PART])
    return int((np.unique(pairs // 4, return_counts=True)[1] > 1).sum())

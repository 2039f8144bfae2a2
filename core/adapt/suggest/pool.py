"""The galaxies that may be proposed for labelling: without a label, and in the part that labels are wanted for.

The part of a galaxy follows from its name before it is labelled (:mod:`core.data.parts`), or was kept or given. Labels
that were chosen by a network belong into the training part only: a validation part of typical or of difficult galaxies
would judge wrongly. So galaxies of the validation part are proposed at random only, and those of the test part never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.data import parts as rules
from core.data import split as splits
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.parts import PARTS
from core.data.settings import DataSettings
from core.data.target import Classes, VoteFractions
from core.errors import TooFewGalaxies
from core.project.labels import LabelJournal
from core.train.decided_parts import read_decided
from core.train.labels import read_labels
from core.train.preparation import read_groups

_ANY = Classes("", ("galaxy",))


@dataclass(frozen=True, eq=False)
class Pool:
    """What may be proposed, and what is labelled.

    Attributes
    ----------
    candidates
        int64 (n,), rows of unlabelled galaxies of the wanted part, one image of each.
    labelled
        int64 (m,), rows of labelled galaxies of the training part.
    validation
        The number of labelled galaxies of the validation part.
    elsewhere
        The number of unlabelled images that belong to another part, or to none.
    classes
        The classes or answers that the labels hold so far; empty for quantities, and without labels.
    """

    candidates: NDArray[np.int64]
    labelled: NDArray[np.int64]
    validation: int
    elsewhere: int
    classes: tuple[str, ...]


def find_pool(
    cutouts: Cutouts,
    data: DataSettings,
    seed: int,
    hand_labels: LabelJournal | None,
    part: Literal["training", "validation"] = "training",
) -> Pool:
    """Find the galaxies of a dataset that may be proposed.

    Parameters
    ----------
    cutouts
        The dataset.
    data, seed
        Label columns and parts as of a training with these settings.
    hand_labels
        Labels given by hand, whose project or study keeps parts; None: there are none.
    part
        The part that labels are wanted for.
    """
    is_labelled, classes = _find_labelled(cutouts, data, hand_labels)
    groups = rules.group_rows(cutouts.ids, read_groups(cutouts, data.group))
    unlimited = data.model_copy(update={"train_limit": None})
    decided = read_decided(cutouts, data, hand_labels)
    # Each galaxy as if it were labelled: its part depends on no label.
    whole = splits.draw(groups, np.zeros(len(cutouts), np.int64), _ANY, unlimited, seed, decided)
    number = whole.numbers(len(cutouts))
    wanted = number == PARTS.index("train" if part == "training" else "validation")
    is_known = np.bincount(groups.ranks, weights=is_labelled, minlength=len(groups.checksums)) > 0
    is_free = ~is_labelled & ~is_known[groups.ranks]
    free = np.flatnonzero(is_free & wanted)
    first_images = np.unique(groups.ranks[free], return_index=True)[1]
    return Pool(
        candidates=np.sort(free[first_images]),
        labelled=np.flatnonzero(is_labelled & (number == PARTS.index("train"))),
        validation=int((is_labelled & (number == PARTS.index("validation"))).sum()),
        elsewhere=int((is_free & ~wanted).sum()),
        classes=classes,
    )


def _find_labelled(
    cutouts: Cutouts, data: DataSettings, hand_labels: LabelJournal | None
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Whether each image has a label (N,), and the classes that there are."""
    names = data.labels or cutouts.labels
    if not names:
        return np.zeros(len(cutouts), np.bool_), ()
    try:
        target, labels = read_labels(cutouts, data, hand_labels)
    except TooFewGalaxies:  # a single class so far, or none
        texts: list[Any] = [targets.label_text(value) for value in labelled_columns(cutouts, hand_labels)[names[0]]]
        return np.array([bool(text) for text in texts], np.bool_), tuple(sorted(set(filter(None, texts))))
    classes = targets.outputs(target) if isinstance(target, Classes | VoteFractions) else ()
    return targets.has_label(labels), classes

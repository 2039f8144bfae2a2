"""Labels given by hand, joined to a dataset's catalogue. Whose labels they are is said by the caller, never guessed."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.project.labels import LabelJournal, relabelled


def labelled_columns(cutouts: Cutouts, hand_labels: LabelJournal | None) -> dict[str, NDArray[Any]]:
    """The catalogue's columns by name, each of length N, in which labels given by hand win over its own.

    Parameters
    ----------
    cutouts
        The dataset.
    hand_labels
        The journal of the project to which the dataset belongs; None: it has no labels but its own.
    """
    return (
        dict(cutouts.columns) if hand_labels is None else relabelled(cutouts.columns, cutouts.ids, hand_labels.replay())
    )

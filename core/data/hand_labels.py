"""Joining hand labels to a dataset's catalogue; the caller chooses the journal that they are read from."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.project.labels import LabelJournal, apply_labels


def labelled_columns(cutouts: Cutouts, hand_labels: LabelJournal | None) -> dict[str, NDArray[Any]]:
    """The catalogue's columns by name, each of length N, with hand labels in place of the catalogue's.

    Parameters
    ----------
    cutouts
        The dataset.
    hand_labels
        The journal of the project to which the dataset belongs; None: no hand labels.
    """
    return (
        dict(cutouts.columns)
        if hand_labels is None
        else apply_labels(cutouts.columns, cutouts.ids, hand_labels.replay())
    )

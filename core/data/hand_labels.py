"""Joining hand labels to a dataset's catalogue; the caller chooses the journal that they are read from."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.project.labels import LabelJournal, apply_labels
from core.project.runs import RunFolder
from core.reading import is_there


def at_beginning(run: RunFolder, hand_labels: LabelJournal | None) -> LabelJournal | None:
    """The hand labels with which a run began, whatever labels were given since.

    Parameters
    ----------
    run
        Its split is written.
    hand_labels
        The present ones.
    """
    if is_there(run.labels_file):
        return LabelJournal(run.labels_file)
    # A run of an earlier version: its split was written when it began, or went on with unchanged labels.
    return None if hand_labels is None else hand_labels.frozen(run.split_file.stat().st_mtime)


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

"""The labels and parts with which a study began: saved in its folder, so that all its trials are alike.

Labels that are given while a study goes on, and parts that are drawn again, change none of its later trials, in
whatever process and after whatever interruption. A study from before takes the parts of its first run.
"""

from __future__ import annotations

from pathlib import Path

from core.data import kept_parts
from core.data.cutouts import Cutouts
from core.data.kept_parts import STUDY_LABELS, STUDY_PARTS
from core.data.parts import KeptParts
from core.project.files import write_atomically
from core.project.labels import LabelJournal
from core.train import preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings


def labels_of(folder: Path, hand_labels: LabelJournal | None) -> LabelJournal | None:
    """The hand labels with which the study in a folder began; the present ones before its beginning."""
    begun = (folder / STUDY_LABELS).exists() and (folder / STUDY_PARTS).exists()
    return LabelJournal(folder / STUDY_LABELS).require_whole() if begun else hand_labels


def freeze(folder: Path, data: Path, settings: RunSettings, hand_labels: LabelJournal | None) -> LabelJournal:
    """Save the labels and parts of a study that begins; returns the labels, which go on for one that has begun.

    Raises
    ------
    Problem
        The parts cannot be drawn.
    """
    begun = labels_of(folder, None)
    if begun is not None:
        return begun
    labels = None if hand_labels is None else hand_labels.frozen()
    unlimited = settings.data.model_copy(update={"train_limit": None})
    with Cutouts.open(data) as cutouts:
        settings = settings.model_copy(update={"data": unlimited})
        target, numbers = read_labels(cutouts, unlimited, labels)
        split = preparation.split_dataset(cutouts, target, numbers, settings, labels)
        kept = kept_parts.as_kept(split, cutouts.ids)
        if (earlier := _of_first_run(folder)) is not None:
            others = dict.fromkeys((name for name in kept.parts if name not in earlier.parts), 0)  # beyond its limit
            kept = KeptParts(earlier.seed, {**earlier.parts, **others})
        else:
            kept_parts.extend(split, cutouts, unlimited, labels)
    if labels is None:
        write_atomically(folder / STUDY_LABELS, "")
    else:
        labels.save_copy(folder / STUDY_LABELS)
    kept.save(folder / STUDY_PARTS, split.rule)
    return LabelJournal(folder / STUDY_LABELS)


def _of_first_run(folder: Path) -> KeptParts | None:
    runs = sorted((folder / "runs").glob("*/split.csv"))
    return KeptParts.load(runs[0]) if runs else None

"""The hand labels with which a run begins, kept with it."""

from __future__ import annotations

from core.data import kept_parts
from core.data.cutouts import Cutouts
from core.data.hand_labels import at_beginning
from core.project.files import write_atomically
from core.project.labels import LabelJournal
from core.project.project import journal_of
from core.project.runs import RunFolder
from core.reading import is_there
from core.train import distributed
from core.train.plan import TrainingPlan


def read(folder: RunFolder, hand_labels: LabelJournal | None, *, resume: bool) -> LabelJournal | None:
    """The hand labels with which a run begins or began, whatever labels are given from now on."""
    if resume and (is_there(folder.labels_file) or not kept_parts.is_of_study(hand_labels)):
        began = at_beginning(folder, hand_labels)
        return None if began is None else began.require_whole()
    return None if hand_labels is None else hand_labels.frozen()  # a study's are those of its beginning


def keep_with_parts(plan: TrainingPlan, cutouts: Cutouts, folder: RunFolder, labels: LabelJournal | None) -> None:
    """Keep the labels with the run, and the parts with the project."""
    keep(cutouts, folder, labels)
    if distributed.rank() == 0:
        kept_parts.extend(plan.split, cutouts, plan.settings.data, labels)


def keep(cutouts: Cutouts, folder: RunFolder, labels: LabelJournal | None) -> None:
    """Keep the labels with the run."""
    if labels is not None:
        labels.save_copy(folder.labels_file)
    elif journal_of(cutouts.path) is not None:  # labels may be given later
        write_atomically(folder.labels_file, "")

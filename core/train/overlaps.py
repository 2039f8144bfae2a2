"""What a new training has in common with the test parts of earlier ones: said before its first batch.

A test score is honest as long as nothing was learned or chosen on the galaxies of the test part. That fails in two
ways: a run trains or validates on test galaxies of an earlier run, with which it is then compared; or it starts from a
network that has seen galaxies of the new test part. Galaxies are recognised by their ids.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data import kept_parts
from core.data.cutouts import Cutouts
from core.data.seen import ids_in, lineage
from core.data.split import Split
from core.errors import Problem, UnreadableFile
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.train.settings import RunSettings

_NAMED = 3  # runs named in a sentence


def find(
    split: Split, cutouts: Cutouts, settings: RunSettings, folder: RunFolder, hand_labels: LabelJournal | None
) -> list[Problem]:
    """What a new training has in common with earlier test parts; empty as a rule.

    Parameters
    ----------
    split, cutouts, settings
        Of the new training.
    folder
        Its folder; finished runs beside it, and those of the dataset's project, are compared.
    hand_labels
        As the training has them; they tell the project.
    """
    places = {folder.path.resolve().parent: None}
    parts_file = kept_parts.file_for(cutouts.path, hand_labels)
    if parts_file is not None:
        places[parts_file.parent.parent.resolve() / "runs"] = None
    runs = [run for place in places for run in kept_parts.finished_runs(place, cutouts.path)]
    used = _ids(cutouts.ids, np.concatenate([split.train, split.validation]))
    others, unreadable = _readable([run for run in runs if run.path.resolve() != folder.path.resolve()])
    problems = [*unreadable, spoiled(used, others)]
    if settings.transfer.start_from and len(split.test):
        try:
            problems.append(_seen(_ids(cutouts.ids, split.test), Path(settings.transfer.start_from).expanduser()))
        except UnreadableFile as problem:
            problems.append(problem)
    return [problem for problem in problems if problem is not None]


def _readable(runs: Sequence[RunFolder]) -> tuple[list[RunFolder], list[Problem]]:
    """The runs whose parts can be read, and the problems of the others, with which nothing can be compared."""
    found: list[RunFolder] = []
    problems: list[Problem] = []
    for run in runs:
        try:
            ids_in(run, ())
            found.append(run)
        except UnreadableFile as problem:
            problems.append(problem)
    return found, problems


def spoiled(used: Collection[str], runs: Sequence[RunFolder]) -> Problem | None:
    """The warning that galaxies that are trained or validated on are test galaxies of earlier runs."""
    counts = {run: len(ids_in(run, ("test",)).intersection(used)) for run in runs}
    found = [(run, count) for run, count in counts.items() if count]
    if not found:
        return None
    named = ", ".join(f"“{run.title}” ({count:,})" for run, count in found[-_NAMED:])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return Problem(
        f"This run trains or validates on galaxies on which earlier runs were tested: {named}{more}.",
        "Its scores and theirs are not of the same galaxies: do not evaluate it on their test parts. To keep the test "
        "part locked, choose the same seed of the parts, shares and columns as before.",
        "data",
    )


def _seen(test: Collection[str], base: Path) -> Problem | None:
    """The warning that a base, or the network that it started from, has learned from galaxies of the test part."""
    said: list[str] = []
    for run in lineage(base):
        trained, chosen = (len(ids_in(run, (part,)).intersection(test)) for part in ("train", "validation"))
        if trained or chosen:
            also = f" and chosen on {chosen:,}" if chosen else ""
            said.append(
                f"“{run.title}” was trained on {trained:,}{also} of the {len(test):,} test galaxies of this run"
            )
    if not said:
        return None
    return Problem(
        f"The network that this run starts from has seen its test part: {'; '.join(said)} (by their ids).",
        "Its test score will be too good. Train on the dataset of the earlier run with the parts of its project, or "
        "name a test part that it has not seen.",
        "transfer.start_from",
    )


def _ids(ids: Sequence[str], rows: NDArray[np.int64]) -> set[str]:
    return {ids[int(row)] for row in rows}

"""The parts that a project keeps for a dataset: decided at its first training, and extended by every later one.

They stand in ``splits/<dataset>.csv`` beside ``labels``; the parts and hand labels of a study stand in the study's own
folder, so that all its trials are alike. A project from before parts were kept has those of its last finished run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data import parts
from core.data.cutouts import Cutouts
from core.data.parts import KeptParts
from core.data.settings import DataSettings
from core.data.split import GIVEN, Split
from core.errors import Problem, UnreadableFile
from core.project.labels import LabelJournal
from core.project.locks import FolderLock
from core.project.metrics_file import read_metrics
from core.project.project import is_project, journal_of
from core.project.runs import RunFolder
from core.reading import is_there, read_lines, reading, set_aside

STUDY_LABELS, STUDY_PARTS = "labels.jsonl", "parts.csv"
_UNFINISHED = "running"
_PATIENCE = 60.0  # seconds for another training to write its parts


def file_for(data: Path, hand_labels: LabelJournal | None) -> Path | None:
    """The file of the parts that are kept for a dataset; None where none are kept, as for one outside a project.

    Parameters
    ----------
    data
        The dataset.
    hand_labels
        Its journal: of a project or a study, whose parts are those; None: of the project in which the dataset lies.
    """
    journal = hand_labels or journal_of(data)
    if journal is None:
        return None
    place = journal.path.parent
    if is_of_study(journal):
        return place / STUDY_PARTS
    return place.parent / "splits" / f"{journal.path.stem}.csv" if is_project(place.parent) else None


def read(data: Path, hand_labels: LabelJournal | None) -> KeptParts | None:
    """The parts that were decided for a dataset before; None: there are none.

    Raises
    ------
    UnreadableFile
        The file is damaged, or a run that may have decided them: what was once a test part is not drawn anew unasked.
    """
    file = file_for(data, hand_labels)
    if file is None:
        return None
    if is_there(file) or is_of_study(hand_labels):
        return KeptParts.load(file)
    return _of_last_run(data, file.parent.parent)


@dataclass(frozen=True)
class KeptState:
    """The kept parts of a dataset as their file was at some time.

    Attributes
    ----------
    written
        When the file was written, in nanoseconds; 0: there is none.
    parts
        What it holds; None: nothing was decided yet, or it cannot be read.
    problem
        Why it cannot be read.
    """

    written: int = 0
    parts: KeptParts | None = None
    problem: Problem | None = None

    @classmethod
    def read(cls, data: Path, hand_labels: LabelJournal | None) -> KeptState:
        """The present state; without a journal nothing is kept."""
        if hand_labels is None:
            return cls()
        written = time_written(data, hand_labels)
        try:
            return cls(written, read(data, hand_labels))
        except Problem as problem:
            return cls(written, None, problem)

    def renewed(self, data: Path, hand_labels: LabelJournal | None) -> KeptState:
        """The same state, or the present one if the file was written since."""
        is_same = hand_labels is None or time_written(data, hand_labels) == self.written
        return self if is_same else self.read(data, hand_labels)


def time_written(data: Path, hand_labels: LabelJournal) -> int:
    """When the kept parts of a dataset were written, in nanoseconds; 0: there are none."""
    file = file_for(data, hand_labels)
    return file.stat().st_mtime_ns if file is not None and file.exists() else 0


def is_of_study(hand_labels: LabelJournal | None) -> bool:
    """Whether these labels are those with which a study began."""
    if hand_labels is None or hand_labels.path.name != STUDY_LABELS:
        return False
    place = hand_labels.path.parent
    return place.name != "labels" or not is_project(place.parent)


def applies(kept: KeptParts | None, settings: DataSettings, declared: str) -> bool:
    """Whether kept parts are used with these settings: neither another seed nor given parts are asked for."""
    if kept is None or parts.column_in_use(settings.split_column, declared):
        return False
    return settings.split_seed in {None, kept.seed}


def extend(split: Split, cutouts: Cutouts, settings: DataSettings, hand_labels: LabelJournal | None) -> None:
    """Keep the parts of a training that begins; a galaxy that has a part already stays there."""
    file = file_for(cutouts.path, hand_labels)
    if file is None or is_of_study(hand_labels):  # a study's are whole from the beginning
        return
    lock = FolderLock(file.parent, f".{file.name}.lock", "The parts of this dataset are being written by", "Try again.")
    lock.acquire(_PATIENCE)
    try:
        before = read(cutouts.path, hand_labels)
        if parts.column_in_use(settings.split_column, cutouts.split_column):
            return
        if before is not None and settings.split_seed not in {None, before.seed}:
            return
        known = {} if before is None else dict(before.parts)
        all_parts = _as_parts(split, cutouts.ids) | known
        if len(all_parts) > len(known) or not file.exists():
            KeptParts(split.seed, all_parts).save(file, split.rule)
    finally:
        lock.release()


def draw_again(data: Path, hand_labels: LabelJournal | None, seed: int | None = None) -> int:
    """Give up the parts that were kept, so that the next training draws all of them anew; returns the new seed.

    A file of them that is damaged is set aside.

    Raises
    ------
    Problem
        The dataset belongs to no project.
    """
    file = file_for(data, hand_labels)
    if file is None:
        raise Problem(
            "Parts are kept in a project only, and this dataset lies in none.", "Choose another seed instead: --seed."
        )
    try:
        before = read(data, hand_labels)
    except UnreadableFile:
        before = None
        set_aside(file)
    new = seed if seed is not None else (0 if before is None else before.seed + 1)
    KeptParts(new).save(file, "drawn again; no training yet")
    return new


def as_kept(split: Split, ids: Sequence[str]) -> KeptParts:
    """A whole split as parts that are kept."""
    return KeptParts(split.seed, _as_parts(split, ids))


def _as_parts(split: Split, ids: Sequence[str]) -> dict[str, int]:
    numbers = split.numbers(len(ids))
    numbers[split.beyond] = 0
    return {name: number for name, number in zip(ids, numbers.tolist(), strict=True) if number != parts.NO_PART}


def finished_runs(folder: Path, data: Path) -> list[RunFolder]:
    """The runs directly in a folder that were trained on this dataset and have ended, oldest first.

    One of which either cannot be told, since a file is damaged, is taken for such a run.
    """
    runs = [RunFolder(path) for path in sorted(folder.glob("*/"))]
    runs = [run for run in runs if is_there(run.split_file) and not run.is_ensemble]
    return [run for run in runs if _has_ended(run) and _may_be_of(run, data)]


def _has_ended(run: RunFolder) -> bool:
    try:
        return read_metrics(run.metrics_file).get("reason", _UNFINISHED) != _UNFINISHED
    except UnreadableFile:
        return True


def _may_be_of(run: RunFolder, data: Path) -> bool:
    try:
        return run.find_data() == data.resolve()
    except UnreadableFile:
        return True


def _of_last_run(data: Path, project: Path) -> KeptParts | None:
    for run in reversed(finished_runs(project / "runs", data)):
        try:
            run.find_data()  # or else it may be of another dataset
        except UnreadableFile as problem:
            sentence = f"The parts may be those of the run “{run.title}”. {problem.sentence}"
            remedy = "Restore the file or move that run to the trash, or draw the parts again."
            raise UnreadableFile(sentence, remedy, problem.where) from problem
        with reading("The parts of the last run", run.split_file, "Restore the file, or draw the parts again."):
            given = f"# rule = {GIVEN}" in "".join(read_lines(run.split_file)[:2])
        if not given:
            return KeptParts.load(run.split_file)
    return None

"""Which galaxies a training may look at without their labels: none that it, or a later one, is judged on.

Of the run's own dataset these are the galaxies in none of its parts: those without a label, and those that a limit
leaves out. Of another dataset they are all but its own validation and test part, which its project keeps, or which a
training on it would draw by the galaxies' names. Galaxies, and other images of objects, that are in the run's own
validation or test part are never among them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import parts
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.split import Split
from core.data.target import Target
from core.errors import NotPossible, Problem
from core.project.files import write_atomically
from core.project.labels import LabelJournal
from core.project.project import journal_of
from core.reading import read_lines, reading
from core.train import preparation
from core.train.decided_parts import read_decided
from core.train.labels import read_labels
from core.train.settings import RunSettings

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelledPart:
    """The validation part of a dataset whose other galaxies are shown without labels.

    Attributes
    ----------
    target
        What its own labels are.
    labels
        As :func:`core.data.target.encode` gives them, of all its rows.
    rows
        Of its validation part.
    """

    target: Target
    labels: NDArray[Any]
    rows: Rows

    def without(self, shown: Rows) -> LabelledPart:
        """Without galaxies that were shown: an earlier version drew the parts otherwise."""
        return replace(self, rows=np.setdiff1d(self.rows, shown))


def of_own_dataset(
    cutouts: Cutouts, split: Split, settings: RunSettings, hand_labels: LabelJournal | None = None
) -> Rows:
    """The rows of a run's own dataset that may be shown without labels, ascending; possibly none."""
    decided = read_decided(cutouts, settings.data, hand_labels)
    held_out = np.zeros(len(cutouts), np.bool_)
    held_out[split.validation] = held_out[split.test] = True
    for known in (decided.kept, decided.given):
        held_out |= np.zeros_like(held_out) if known is None else known > 0
    ranks = parts.group_rows(cutouts.ids, preparation.read_groups(cutouts, settings.data.group)).ranks
    is_free = ~np.isin(ranks, ranks[held_out])
    is_free[split.train] = False
    return np.flatnonzero(is_free)


def of_other_dataset(
    cutouts: Cutouts, data: DataSettings, seed: int, held_out: Sequence[str] = ()
) -> tuple[Rows, LabelledPart | None]:
    """The rows of another dataset that may be shown without labels, ascending, and its validation part.

    Parameters
    ----------
    cutouts
        The dataset.
    data, seed
        Of the run: the shares of the parts and their seed, where they are drawn. A run without a test part says
        nothing about that of another dataset: the shares are the usual ones then.
    held_out
        Ids of the galaxies of the run's own validation and test parts.

    Returns
    -------
    tuple
        The rows; and None where the dataset has no labels, or too few for parts.

    Raises
    ------
    UnreadableFile
        The parts that its project keeps are damaged.
    """
    shares = data if data.test else DataSettings()
    own = DataSettings(validation=shares.validation, test=shares.test, split_seed=data.split_seed)
    return outside_parts(cutouts, own, seed, held_out)


def outside_parts(
    cutouts: Cutouts, own: DataSettings, seed: int, held_out: Sequence[str] = ()
) -> tuple[Rows, LabelledPart | None]:
    """The same, of a dataset whose own settings say how its parts are drawn."""
    journal = journal_of(cutouts.path)
    if journal is not None and not journal.path.exists():
        journal = None
    decided = read_decided(cutouts, own, journal)
    names = set(held_out)
    is_held_out = np.fromiter((name in names for name in cutouts.ids), np.bool_, len(cutouts))
    for known in (decided.kept, decided.given):
        is_held_out |= np.zeros_like(is_held_out) if known is None else known > 0
    part = _draw_validation(cutouts, own, seed, journal, is_held_out)
    return np.flatnonzero(~is_held_out), part


def _draw_validation(
    cutouts: Cutouts, data: DataSettings, seed: int, journal: LabelJournal | None, is_held_out: NDArray[np.bool_]
) -> LabelledPart | None:
    """The validation part of another dataset; it and the test part are marked as held out."""
    try:
        target, labels = read_labels(cutouts, data, journal)
        split = preparation.split_dataset(cutouts, target, labels, RunSettings(data=data, seed=seed), journal)
    except Problem:  # it has no labels, or too few
        return None
    is_held_out[split.validation] = is_held_out[split.test] = True
    return LabelledPart(target, labels, split.validation)


def save(path: Path, cutouts: Cutouts, rows: Rows) -> None:
    """Write which galaxies are shown without labels, as CSV (id, row): a run that is resumed shows the same."""
    text, ids = io.StringIO(), cutouts.ids
    table = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerow(("id", "row"))
    table.writerows((ids[row], row) for row in rows.tolist())
    write_atomically(path, text.getvalue())


def load(path: Path, cutouts: Cutouts) -> Rows:
    """Read which galaxies a run has been shown without labels.

    Raises
    ------
    UnreadableFile
        The list is missing or damaged.
    NotPossible
        It is of another dataset.
    """
    ids, rows = cutouts.ids, list[int]()
    with reading("The list of this run's galaxies without labels", path):
        table = csv.reader(read_lines(path))
        if next(table, None) != ["id", "row"]:
            raise ValueError("it does not begin with the names of its columns")
        for name, row in table:
            if not 0 <= int(row) < len(ids) or ids[int(row)] != name:
                raise NotPossible(
                    f"The dataset {cutouts.path.name} has changed since this run began, so that it cannot be resumed.",
                    "Start a new run from its weights instead.",
                    str(path),
                )
            rows.append(int(row))
    return np.array(rows, np.int64)

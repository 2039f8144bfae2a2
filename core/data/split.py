"""Splitting a dataset into training, validation and test part.

The parts are stratified (each class, or each fifth of a quantity, has its share in each part), all images of one
object are in one part, and neither depends on the order of the rows: groups are sorted by name before the seed
shuffles them.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.settings import DataSettings
from core.data.target import Classes, Target, VoteFractions, has_label
from core.errors import TooFewGalaxies, UnreadableFile
from core.project.files import write_atomically

PARTS = ("train", "validation", "test")
_STRATA = 5
_STRATUM = 20  # labels that a fifth of a quantity should hold


@dataclass(frozen=True)
class Split:
    """Rows of the three parts, disjoint and sorted; ``rule`` describes how they were drawn."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    seed: int
    rule: str

    def numbers(self, count: int) -> NDArray[np.int8]:
        """The part of each of ``count`` rows as an index into :data:`PARTS`; −1 for rows in none."""
        numbers = np.full(count, -1, dtype=np.int8)
        for number, name in enumerate(PARTS):
            numbers[getattr(self, name)] = number
        return numbers

    def part_of(self, count: int) -> list[str]:
        """The part of each of ``count`` rows; empty for rows in none."""
        names = (*PARTS, "")
        return [names[number] for number in self.numbers(count).tolist()]


def split(
    ids: Sequence[str],
    labels: NDArray[Any],
    target: Target,
    settings: DataSettings,
    seed: int,
    groups: Sequence[str] | None = None,
) -> Split:
    """Draw the three parts from the labelled rows.

    Parameters
    ----------
    ids
        N ids as text.
    labels
        As :func:`core.data.target.encode` gives them; rows without a label are in no part.
    target
        What the labels are.
    settings
        The shares of validation and test, a limit for the training part, and perhaps a seed for the parts.
    seed
        Of the shuffling; with a seed for the parts only of the draw within the limit.
    groups
        N names; rows of equal name stay together, and a row without a name stays with its id. By default the ids.

    Raises
    ------
    TooFewGalaxies
        A class has fewer objects than there are parts.
    """
    return draw(ranks(ids, groups), labels, target, settings, seed)


def ranks(ids: Sequence[str], groups: Sequence[str] | None = None) -> NDArray[np.int64]:
    """Rank (N,) of each row's group among all groups sorted by name; rows of one group stay in one part.

    Parameters
    ----------
    ids, groups
        As in :func:`split`.
    """
    names = ids if groups is None else [group or name for group, name in zip(groups, ids, strict=True)]
    return np.unique(np.asarray(names, dtype=str), return_inverse=True)[1]


def draw(groups: NDArray[np.int64], labels: NDArray[Any], target: Target, settings: DataSettings, seed: int) -> Split:
    """:func:`split` of rows whose groups are given as (N,) :func:`ranks`, which do not change when labels do.

    Raises
    ------
    TooFewGalaxies
        A class has fewer objects than there are parts.
    """
    rows = np.flatnonzero(has_label(labels))
    present = np.bincount(groups[rows]) > 0
    inverse = (np.cumsum(present) - 1)[groups[rows]]  # among the labelled groups, still sorted by name
    count = int(present.sum())
    parts = 3 if settings.test > 0 else 2
    kinds = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(kinds, inverse, _strata(labels[rows], target))  # images may disagree, in whatever order
    _require_members(kinds, target, parts)
    if not isinstance(target, Classes):
        kinds = _merge_small_strata(kinds, 2 * parts)
    parts_seed = seed if settings.split_seed is None else settings.split_seed
    order = np.random.default_rng(parts_seed).permutation(count)
    part = np.empty(count, dtype=np.int64)
    sizes = np.bincount(inverse, minlength=count)
    kinds_in_order = kinds[order]
    for kind in np.flatnonzero(np.bincount(kinds)):
        mine = order[kinds_in_order == kind]
        part[mine] = _assign_parts(sizes[mine], settings, parts)
    if settings.train_limit is not None:
        draw = order if parts_seed == seed else np.random.default_rng(seed).permutation(count)
        part[_select_beyond_limit(draw[part[draw] == 0], kinds, sizes, settings.train_limit, settings.train_draw)] = -1
    found = [np.sort(rows[part[inverse] == number]) for number in range(3)]
    return Split(*found, seed=parts_seed, rule=_describe_rule(settings, target))


def _strata(labels: NDArray[Any], target: Target) -> NDArray[np.int64]:
    """The stratum of each labelled row: its class, the answer with most votes, or the fifth of the first quantity."""
    if isinstance(target, Classes):
        return labels
    if isinstance(target, VoteFractions):
        return labels.argmax(axis=1)
    count = min(_STRATA, max(1, len(labels) // _STRATUM))
    edges = np.quantile(labels[:, 0], np.linspace(0, 1, count + 1)[1:-1]) if len(labels) else np.zeros(0)
    return np.searchsorted(edges, labels[:, 0], side="right")


def _merge_small_strata(kinds: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Merge strata with fewer members than ``least`` into the largest one."""
    counts = np.bincount(kinds)
    return np.where(counts[kinds] < least, counts.argmax(), kinds)


def _require_members(kinds: NDArray[np.int64], target: Target, parts: int) -> None:
    if len(kinds) < 2 * parts:
        raise TooFewGalaxies(
            f"There are {len(kinds)} labelled galaxies; a training needs at least {2 * parts}.",
            "Label more galaxies.",
        )
    if not isinstance(target, Classes):
        return
    for number, name in enumerate(target.names):
        count = int((kinds == number).sum())
        if count < parts:
            galaxies = "galaxy" if count == 1 else "galaxies"
            raise TooFewGalaxies(
                f"The class “{name}” has {count} labelled {galaxies}; each of the {parts} parts needs at least one.",
                "Label more of them, merge the class with another, or remove these labels.",
                name,
            )


def _assign_parts(sizes: NDArray[np.int64], settings: DataSettings, parts: int) -> NDArray[np.int64]:
    """Assign the shuffled groups of one stratum to test, validation and training part, at least one to each."""
    middle, total = np.cumsum(sizes) - sizes / 2, int(sizes.sum())
    test = int((middle < settings.test * total).sum())  # none for two parts
    validation = int((middle < (settings.test + settings.validation) * total).sum()) - test
    counts = [max(parts - 2, test), max(1, validation)]
    while sum(counts) >= len(sizes):  # large shares of few galaxies: at least one is left for training
        counts[int(np.argmax(counts))] -= 1
    return np.repeat([2, 1, 0], [*counts, len(sizes) - sum(counts)])


def _select_beyond_limit(
    train: NDArray[np.int64], kinds: NDArray[np.int64], sizes: NDArray[np.int64], limit: int, drawn: str
) -> NDArray[np.int64]:
    """The shuffled training groups that exceed the limit.

    The classes take turns, one group each or as many as their share; a smaller limit is a subset of a larger one, and
    every class has its first group before any has its second.
    """
    turn = np.empty(len(train), dtype=np.float64)
    for kind in np.unique(kinds[train]):
        mine = np.flatnonzero(kinds[train] == kind)
        turn[mine] = np.arange(len(mine))
        if drawn == "in proportion":
            turn[mine[1:]] = 1 + np.arange(1, len(mine)) / len(mine)
    order = train[np.lexsort((kinds[train], turn))]
    return order[np.cumsum(sizes[order]) > limit]


def _describe_rule(settings: DataSettings, target: Target) -> str:
    names: dict[type, str] = {Classes: "class", VoteFractions: "most voted answer"}
    by = names.get(type(target), "fifths of the first quantity")
    together = f"same “{settings.group}”" if settings.group else "same id"
    limit = f"; at most {settings.train_limit} in training, drawn {settings.train_draw}" if settings.train_limit else ""
    return (
        f"{settings.validation:.0%} validation and {settings.test:.0%} test, stratified by {by}, "
        f"images of the {together} together{limit}"
    )


def fingerprint(split: Split, ids: Sequence[str]) -> str:
    """Which galaxies are in which part, as 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for row, part in enumerate(split.part_of(len(ids))):
        digest.update(f"{ids[row]}\n{part}\n".encode())
    return digest.hexdigest()


def save(split: Split, ids: Sequence[str], path: Path) -> None:
    """Write a split as CSV (id, row, part) under comment lines with its seed and rule."""
    text = io.StringIO()
    text.write(f"# seed = {split.seed}\n# rule = {split.rule}\n")
    quoting = csv.QUOTE_ALL if any("\r" in name for name in ids) else csv.QUOTE_MINIMAL  # csv itself minds only "\n"
    table = csv.writer(text, lineterminator="\n", quoting=quoting)
    table.writerow(("id", "row", "part"))
    table.writerows((ids[row], row, name) for row, name in enumerate(split.part_of(len(ids))) if name)
    write_atomically(path, text.getvalue())


def load(path: Path, ids: Sequence[str]) -> Split:
    """Read a split and make sure that it belongs to these ids.

    Raises
    ------
    UnreadableFile
        It is missing, damaged, or of another dataset.
    """
    rows: dict[str, list[int]] = {name: [] for name in PARTS}
    try:
        seed_line, rule_line, _, *table = _read_lines(path)
        seed = int(seed_line.removeprefix("# seed = "))
        rule = rule_line.removeprefix("# rule = ").rstrip("\n")
        for name, row, part in csv.reader(table):
            if ids[int(row)] != name:
                raise UnreadableFile(
                    f"This split was drawn for another dataset (row {row} is {ids[int(row)]} and not {name}).",
                    "Open the dataset that the run was trained on.",
                    str(path),
                )
            rows[part].append(int(row))
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise UnreadableFile(f"The split cannot be read ({error}).", "", str(path)) from None
    return Split(*(np.array(sorted(rows[name]), dtype=np.int64) for name in PARTS), seed=seed, rule=rule)


def _read_lines(path: Path) -> list[str]:
    """The lines with their ends, which csv needs for an id that has a line break in it."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(file)

"""Splitting a dataset into training, validation and test part.

A galaxy's part follows from its name and a seed alone (:mod:`core.data.parts`), so that no label moves another galaxy,
and neither does the order of the rows; all images of one object are in one part, and each class, or each fifth of a
quantity, is in each part. Parts that a project has kept, or that a column gives, come first.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import parts as rules
from core.data.parts import NO_PART, PARTS, Groups
from core.data.settings import DataSettings
from core.data.target import Classes, Target, VoteFractions, has_label
from core.errors import TooFewGalaxies, UnreadableFile
from core.project.files import write_atomically
from core.reading import read_lines, reading

_STRATA = 5
_STRATUM = 20  # labels that a fifth of a quantity should hold
GIVEN = "Given by the column"  # the rule of a split that was not drawn begins so
_LIMIT = 1  # the draw of the limited training galaxies, beside that of the parts


@dataclass(frozen=True)
class Split:
    """Rows of the three parts, disjoint and sorted; ``rule`` describes how they were drawn.

    ``beyond`` holds the rows of the training part that exceed a limit and are not used.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    seed: int
    rule: str
    beyond: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

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


@dataclass(frozen=True)
class Decided:
    """Parts that were decided before a draw, each as an index (N,) into :data:`PARTS` or :data:`NO_PART`.

    Attributes
    ----------
    kept
        Of an earlier training of the project; None: there are none.
    seed
        With which they were drawn, for all others; None: that of the settings.
    given
        By the column ``column``, in place of any draw; None: there is no such column.
    """

    kept: NDArray[np.int8] | None = None
    seed: int | None = None
    given: NDArray[np.int8] | None = None
    column: str = ""


NOTHING_DECIDED = Decided()


def split(
    ids: Sequence[str],
    labels: NDArray[Any],
    target: Target,
    settings: DataSettings,
    seed: int,
    groups: Sequence[str] | None = None,
    decided: Decided = NOTHING_DECIDED,
) -> Split:
    """Find the three parts of the labelled rows.

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
        Of the places; with a seed for the parts only of the draw within the limit.
    groups
        N names; rows of equal name stay together, and a row without a name stays with its id. By default the ids.
    decided
        Parts that stay as they are.

    Raises
    ------
    TooFewGalaxies
        A class has fewer objects than there are parts.
    """
    return draw(rules.group_rows(ids, groups), labels, target, settings, seed, decided)


def draw(
    groups: Groups,
    labels: NDArray[Any],
    target: Target,
    settings: DataSettings,
    seed: int,
    decided: Decided = NOTHING_DECIDED,
) -> Split:
    """:func:`split` of rows whose objects are known, which do not change when labels do.

    Raises
    ------
    TooFewGalaxies
        A class has fewer objects than there are parts.
    """
    rows = np.flatnonzero(has_label(labels))
    given = _at(decided.given, rows)
    if given is not None and not settings.split_rest:
        rows, given = rows[given != NO_PART], given[given != NO_PART]
    # One object in two given parts is there twice, each time with the rows of one part.
    keys = groups.ranks[rows] if given is None else groups.ranks[rows] * 4 + given + 1
    present, inverse = np.unique(keys, return_inverse=True) if given is not None else _present(keys)
    ranks = present if given is None else present // 4
    kinds = np.full(len(present), np.iinfo(np.int64).max)
    np.minimum.at(kinds, inverse, _strata(labels[rows], target))  # images may disagree, in whatever order
    fixed = np.full(len(present), NO_PART, dtype=np.int8)
    if (known := given if given is not None else _at(decided.kept, rows)) is not None:
        np.maximum.at(fixed, inverse, known)  # a test galaxy rather than a training one
    parts_seed = _parts_seed(settings, seed, decided)
    share, wanted = _shares(settings, fixed, decided)
    _require_members(kinds, target, wanted)
    if not isinstance(target, Classes):
        kinds = _merge_small_strata(kinds, 2 * wanted)
    part = _find_parts(rules.places(groups.checksums[ranks], parts_seed), fixed, kinds, share, decided)
    beyond = np.zeros(len(present), dtype=np.bool_)
    if settings.train_limit is not None:
        order = np.argsort(rules.places(groups.checksums[ranks], seed, _LIMIT), kind="stable")
        sizes = np.bincount(inverse, minlength=len(present))
        train = order[part[order] == 0]
        beyond[_select_beyond_limit(train, kinds, sizes, settings.train_limit, settings.train_draw)] = True
    mine, unused = part[inverse], beyond[inverse]
    found = [rows[(mine == number) & ~unused] for number in range(3)]
    rule = _describe_rule(settings, target, fixed, decided)
    return Split(*found, seed=parts_seed, rule=rule, beyond=rows[unused])


def _at(parts: NDArray[np.int8] | None, rows: NDArray[np.int64]) -> NDArray[np.int8] | None:
    return None if parts is None else parts[rows]


def _present(ranks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ranks that occur, ascending, and the index of each row's among them; quicker than sorting."""
    occurs = np.bincount(ranks) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[ranks]


def _parts_seed(settings: DataSettings, seed: int, decided: Decided) -> int:
    if decided.seed is not None:
        return decided.seed
    return seed if settings.split_seed is None else settings.split_seed


def _shares(settings: DataSettings, fixed: NDArray[np.int8], decided: Decided) -> tuple[tuple[float, float], int]:
    """The shares of validation and test, and the number of parts; given parts bring their own test part."""
    test = settings.test
    if decided.given is not None and not (fixed == 2).any():
        test = 0.0
    return (settings.validation, test), 3 if test > 0 else 2


def _find_parts(
    places: NDArray[np.float64],
    fixed: NDArray[np.int8],
    kinds: NDArray[np.int64],
    share: tuple[float, float],
    decided: Decided,
) -> NDArray[np.int8]:
    """The part of each object; a missing validation part of given ones is drawn from the training part."""
    if decided.given is None or (fixed == 1).any():
        return rules.assign(places, fixed, kinds, *share)
    part = np.where(fixed == NO_PART, rules.assign(places, fixed, kinds, *share), fixed).astype(np.int8)
    train = np.flatnonzero(part == 0)
    free = np.full(len(train), NO_PART, dtype=np.int8)
    part[train] = rules.assign(places[train], free, kinds[train], share[0], 0.0)
    return part


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


def _describe_rule(settings: DataSettings, target: Target, fixed: NDArray[np.int8], decided: Decided) -> str:
    together = f"images of the {f'same “{settings.group}”' if settings.group else 'same id'} together"
    limit = f"; at most {settings.train_limit} in training, drawn {settings.train_draw}" if settings.train_limit else ""
    if decided.given is not None:
        rest = "; galaxies without a value by their names" if settings.split_rest else ""
        drawn = "" if (fixed == 1).any() else f"; {settings.validation:.0%} of the training part drawn for validation"
        return f"{GIVEN} “{decided.column}”{rest}{drawn}{limit}"
    names: dict[type, str] = {Classes: "class", VoteFractions: "most voted answer"}
    by = names.get(type(target), "fifth of the first quantity")
    known = int((fixed != NO_PART).sum())
    kept = f"; {known} of {len(fixed)} kept from earlier trainings" if known else ""
    return (
        f"{settings.validation:.0%} validation and {settings.test:.0%} test, each galaxy by its name, with every {by} "
        f"in each part, {together}{kept}{limit}"
    )


def fingerprint(split: Split, ids: Sequence[str]) -> str:
    """Which galaxies are in which part, as 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for row, part in enumerate(split.part_of(len(ids))):
        digest.update(f"{ids[row]}\n{part}\n".encode())
    return digest.hexdigest()


def save(split: Split, ids: Sequence[str], path: Path) -> None:
    """Write a split as CSV (id, row, part) under comment lines with its seed and rule."""
    lines = [(ids[row], row, name) for row, name in enumerate(split.part_of(len(ids))) if name]
    write_atomically(path, to_text(split.seed, split.rule, lines))


def to_text(seed: int, rule: str, lines: Sequence[tuple[str, int, str]]) -> str:
    """The id, row and part of galaxies as CSV, under comment lines with the seed and the rule."""
    text = io.StringIO()
    text.write(f"# seed = {seed}\n# rule = {rule}\n")
    is_odd = any("\r" in name for name, _, _ in lines)  # csv itself minds only "\n"
    table = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if is_odd else csv.QUOTE_MINIMAL)
    table.writerow(("id", "row", "part"))
    table.writerows(lines)
    return text.getvalue()


def load(path: Path, ids: Sequence[str]) -> Split:
    """Read a split and make sure that it belongs to these ids.

    Raises
    ------
    UnreadableFile
        It is missing, damaged, or of another dataset.
    """
    rows: dict[str, list[int]] = {name: [] for name in PARTS}
    with reading("The split", path):
        seed_line, rule_line, _, *table = read_lines(path)
        seed, rule = _parse_rule(seed_line, rule_line)
        for name, row, part in csv.reader(table):
            if int(row) >= len(ids) or ids[int(row)] != name:
                there = ids[int(row)] if int(row) < len(ids) else "not there"
                raise UnreadableFile(
                    f"This split was drawn for another dataset (row {row} is {there} and not {name}).",
                    "Open the dataset that the run was trained on.",
                    str(path),
                )
            rows[part].append(int(row))
    return Split(*(np.array(sorted(rows[name]), dtype=np.int64) for name in PARTS), seed=seed, rule=rule)


def read_rule(path: Path) -> tuple[int, str]:
    """Read only with which seed, and how, the parts of a split were drawn.

    Raises
    ------
    UnreadableFile
        It is missing or damaged.
    """
    with reading("The split", path):
        seed_line, rule_line, *_ = read_lines(path)
        return _parse_rule(seed_line, rule_line)


def read_part(path: Path, part: str) -> frozenset[tuple[str, int]]:
    """Read only the galaxies of one part, by id and row.

    Raises
    ------
    UnreadableFile
        It is missing or damaged.
    """
    with reading("The split", path):
        return frozenset((name, int(row)) for name, row, its in csv.reader(read_lines(path)[3:]) if its == part)


def _parse_rule(seed_line: str, rule_line: str) -> tuple[int, str]:
    return rules.parse_seed(seed_line), rule_line.removeprefix("# rule = ").rstrip("\n")

"""The part of each galaxy: a place that follows from its name, parts that a project keeps, parts that a column gives.

A galaxy's place is a number from 0 to 1 that depends on its name (or that of its object) and on a seed, on no label and
on no other galaxy. The test part is what lies below the share of the test part, the validation part what follows, and
the training part the rest. Whatever is labelled later, nobody moves.

The place is the CRC-32 of the name in UTF-8, mixed with the seed by two steps of SplitMix64 (Steele, Lea & Flood 2014).
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core import pieces
from core.data.settings import DRAWN
from core.data.target import label_text, texts_of
from core.errors import CatalogueProblem
from core.project.files import write_atomically
from core.reading import read_lines, reading

PARTS = ("train", "validation", "test")
NO_PART = -1
PART_NAMES: Mapping[str, int] = {
    **dict.fromkeys(("train", "training"), 0),
    **dict.fromkeys(("valid", "validation", "val", "dev"), 1),
    **dict.fromkeys(("test", "testing"), 2),
}
_COLUMN_NAMES = ("split", "part", "set", "subset", "partition", "dataset", "fold", "sample")
_FLAGS: Mapping[str, tuple[int, int]] = {  # the parts that 1 and 0 mean in a column of this name
    **dict.fromkeys(("is_test", "istest", "test", "in_test", "test_set", "testing"), (2, 0)),
    **dict.fromkeys(("is_train", "istrain", "train", "in_train", "train_set", "training", "is_training"), (0, 2)),
    **dict.fromkeys(("is_val", "is_valid", "is_validation", "val", "validation", "in_validation"), (1, 0)),
}
_TRUTH = {"1": 1, "0": 0, "true": 1, "false": 0, "yes": 1, "no": 0, "t": 1, "f": 0, "y": 1, "n": 0}
_COLUMN_ENDINGS = ("_split", "_set", "_subset", "_partition")


class Groups(NamedTuple):
    """The objects of a dataset: ``ranks`` (N,) of each row's object by name, and a checksum (G,) of each name."""

    ranks: NDArray[np.int64]
    checksums: NDArray[np.uint64]


def group_rows(ids: Sequence[str], groups: Sequence[str] | None = None) -> Groups:
    """Find the objects of a dataset; rows of one object stay in one part.

    Parameters
    ----------
    ids
        N ids as text.
    groups
        N names; rows of equal name show one object, and a row without a name stays with its id. By default the ids.
    """
    names = ids if groups is None else [group or name for group, name in zip(groups, ids, strict=True)]
    objects, ranks = pieces.ranked(names)
    return Groups(ranks, pieces.mapped(_checksum, objects, np.uint64))


def _checksum(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))  # a file name may hold half a character


def parse_seed(line: str) -> int:
    """The seed in the first line of a file of parts; raises ValueError if it is none."""
    seed = int(line.removeprefix("# seed = "))
    if not 0 <= seed < 2**63:
        raise ValueError("its seed is no seed of this program")
    return seed


def places(checksums: NDArray[np.uint64], seed: int, draw: int = 0) -> NDArray[np.float64]:
    """The place (G,) of each object, from 0 to below 1; each ``draw`` with the same seed is independent."""
    start = _mix(np.array([2 * seed + draw], dtype=np.uint64))
    return (_mix(checksums + start) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One step of SplitMix64; unsigned numbers wrap around."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def assign(
    places: NDArray[np.float64],
    fixed: NDArray[np.int8],
    strata: NDArray[np.int64],
    validation: float,
    test: float,
) -> NDArray[np.int8]:
    """The part of each object as an index into :data:`PARTS`.

    Parameters
    ----------
    places
        (n,) as :func:`places` gives them.
    fixed
        (n,) the parts of objects that have one already; :data:`NO_PART` for the others.
    strata
        (n,) a class or a range of values. One that would be missing in a part gets there whichever of its undecided
        objects lies nearest.
    validation, test
        The shares; without a share of the test part there is none.
    """
    part = np.where(places < test, 2, np.where(places < test + validation, 1, 0)).astype(np.int8)
    part = np.where(fixed == NO_PART, part, fixed).astype(np.int8)
    kinds = int(strata.max(initial=-1)) + 1
    counts = np.bincount(strata * 3 + part, minlength=3 * kinds).reshape(kinds, 3)
    needed = (2, 1, 0) if test > 0 else (1, 0)
    ranges = {2: (0.0, test), 1: (test, test + validation), 0: (test + validation, 1.0)}
    for kind in np.flatnonzero((counts[:, needed] == 0).any(axis=1) & (counts.sum(axis=1) > 0)):
        mine = np.flatnonzero(strata == kind)
        for number in needed:
            least, most = ranges[number]
            present = np.bincount(part[mine], minlength=3)
            free = mine[(fixed[mine] == NO_PART) & (present[part[mine]] > 1)]
            if present[number] == 0 and len(free):
                away = np.maximum(least - places[free], places[free] - most)
                part[free[int(np.argmin(away))]] = number
    return part


# -- parts that a column gives -------------------------------------------------------------------------------------


def read_given(column: Sequence[Any] | NDArray[Any], name: str) -> NDArray[np.int8]:
    """The parts (N,) that a column gives, :data:`NO_PART` where it is empty.

    Raises
    ------
    CatalogueProblem
        It holds other values than names of parts, or than 0 and 1 under a name such as “is_test”.
    """
    rows, texts = texts_of(column)
    if flags := _read_flags(texts, name):
        return np.array(flags, dtype=np.int8)[rows]
    numbers = [PART_NAMES.get(text.casefold(), NO_PART) for text in texts]
    unknown = sorted(text for text, number in zip(texts, numbers, strict=True) if text and number == NO_PART)
    if unknown:
        few = ", ".join(f"“{text}”" for text in unknown[:5]) + (f" and {len(unknown) - 5} more" * (len(unknown) > 5))
        raise CatalogueProblem(
            f"The column “{name}” holds {few}, which {'is' if len(unknown) == 1 else 'are'} no part.",
            f"Parts are called {', '.join(PART_NAMES)}; choose another column, or correct it.",
            "data.split_column",
        )
    return np.array(numbers, dtype=np.int8)[rows]


def column_in_use(chosen: str, declared: str) -> str:
    """The column that gives the parts: the chosen one, or the dataset's own; empty: they are drawn."""
    return "" if chosen.casefold() == DRAWN else chosen or declared


def recognise_column(columns: Mapping[str, Any]) -> str:
    """The column that gives the parts, by its name and its values; empty if there is none."""
    named = next((name for name in columns if _is_named_so(name) and holds_parts(columns[name])), "")
    return named or next((name for name in columns if holds_flags(columns[name], name)), "")


def doubtful_column(columns: Mapping[str, Any]) -> str:
    """A sentence on a column that has the name and some values of given parts, but others too; empty if none has."""
    for name in filter(_is_named_so, columns):
        texts = [text for text in texts_of(columns[name])[1] if text]
        unknown = sorted(text for text in texts if text.casefold() not in PART_NAMES)
        if unknown and len(unknown) < len(texts):
            few = ", ".join(f"“{text}”" for text in unknown[:5])
            return f"The column “{name}” looks like given parts, but holds {few}: it is not used as such."
    return ""


def _is_named_so(name: str) -> bool:
    plain = _plain(name)
    return plain in _COLUMN_NAMES or plain.endswith(_COLUMN_ENDINGS)


def _plain(name: str) -> str:
    return name.casefold().removesuffix(" (catalogue)").strip()


def holds_flags(column: Sequence[Any] | NDArray[Any], name: str) -> bool:
    """Whether a column is called after a part, such as “is_test”, and holds nothing but 0 and 1, and both of them."""
    if _plain(name) not in _FLAGS or any(
        text and text.casefold() not in _TRUTH for text in map(label_text, column[:50])
    ):
        return False
    texts = [text for text in texts_of(column)[1] if text]
    return len({_TRUTH.get(text.casefold(), -1) for text in texts}) == 2 and bool(_read_flags(texts, name))


def _read_flags(texts: Sequence[str], name: str) -> list[int]:
    """The part of each text of a column of truth values that is called after a part; empty if it is none."""
    if _plain(name) not in _FLAGS or any(text and text.casefold() not in _TRUTH for text in texts):
        return []
    one, zero = _FLAGS[_plain(name)]
    return [(one if _TRUTH[text.casefold()] else zero) if text else NO_PART for text in texts]


def describe_given(column: Sequence[Any] | NDArray[Any], name: str) -> str:
    """A sentence on the parts that a column gives, with their numbers of galaxies."""
    numbers = read_given(column, name)
    counts = [f"{int((numbers == number).sum()):,} {part}" for number, part in enumerate(PARTS)]
    without = int((numbers == NO_PART).sum())
    rest = f"; {without:,} galaxies have none" if without else ""
    one, zero = (PARTS[part] for part in _FLAGS.get(_plain(name), (0, 0)))
    meaning = f" (1 is {one}, 0 is {zero})" if _read_flags(texts_of(column)[1], name) else ""
    return f"Parts are given by the column “{name}”{meaning}: {', '.join(counts)}{rest}."


def holds_parts(column: Sequence[Any] | NDArray[Any]) -> bool:
    """Whether a column holds nothing but names of parts, among them the training part and another one."""
    first = [label_text(value) for value in column[:50]]
    if any(text and text.casefold() not in PART_NAMES for text in first):
        return False
    texts = [text for text in texts_of(column)[1] if text]
    found = {PART_NAMES.get(text.casefold(), NO_PART) for text in texts}
    return NO_PART not in found and 0 in found and len(found) > 1


def folder_part(folders: Sequence[str]) -> str:
    """The innermost name of a part in a path; empty if there is none."""
    return next((PARTS[PART_NAMES[name.casefold()]] for name in reversed(folders) if name.casefold() in PART_NAMES), "")


# -- parts that a project keeps ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeptParts:
    """The parts that were decided before: an index into :data:`PARTS` by id, and the seed for all other galaxies."""

    seed: int
    parts: Mapping[str, int] = field(default_factory=dict[str, int])

    def numbers(self, ids: Sequence[str]) -> NDArray[np.int8]:
        """The part (N,) of each row; :data:`NO_PART` where none was decided."""
        get = self.parts.get
        return np.fromiter((get(name, NO_PART) for name in ids), np.int8, len(ids))

    def save(self, path: Path, rule: str) -> None:
        """Write the parts as CSV (id, part) under comment lines with the seed and the rule."""
        text = io.StringIO()
        text.write(f"# seed = {self.seed}\n# rule = {rule}\n")
        quoting = csv.QUOTE_ALL if any("\r" in name for name in self.parts) else csv.QUOTE_MINIMAL
        table = csv.writer(text, lineterminator="\n", quoting=quoting)
        table.writerow(("id", "part"))
        table.writerows((name, PARTS[number]) for name, number in self.parts.items())
        write_atomically(path, text.getvalue())

    @classmethod
    def load(cls, path: Path) -> KeptParts:
        """Read the parts that :meth:`save` wrote, or those of a run's split.

        Raises
        ------
        UnreadableFile
            The file is damaged.
        """
        with reading("The parts of the galaxies", path, "Restore the file, or draw the parts again."):
            seed_line, _, *lines = read_lines(path)
            seed, table = parse_seed(seed_line), csv.reader(lines)
            head = next(table)
            name, part = head.index("id"), head.index("part")
            numbers = {text: number for number, text in enumerate(PARTS)}
            parts = {row[name]: numbers[row[part]] for row in table}
            return cls(seed, parts)

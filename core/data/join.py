"""Matching catalogue rows to images.

A row names its image by a path (``cutouts/5877.fits``), a file name, or an id that is the file's name without its
extension. Unless the user names a column, the one that matches most images is used.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from core.data.catalogue import id_texts, require_column
from core.data.join_column import choose_column, example_name, object_ids
from core.data.matching import are_floats, is_long_id, keys_of_row, matching_keys, whole_path
from core.errors import CatalogueProblem, Problem

NO_ROW = -1


class _Level:
    """The keys of one level of leniency, numbered, with the row that each means: :data:`NO_ROW` if it means several."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.rows: array[int] = array("q")
        self.images: NDArray[np.int32] = np.zeros(0, np.int32)  # number of images with each key
        self.shared: frozenset[int] = frozenset()  # keys of several images that are not of one object

    def add(self, key: str, row: int) -> None:
        """Have a key mean a row; a second row makes it ambiguous."""
        number = self.numbers.setdefault(key, len(self.rows))
        if number == len(self.rows):
            self.rows.append(row)
        else:
            self.rows[number] = NO_ROW

    def row(self, key: str) -> int:
        """The row of an image with this key."""
        number = self.numbers.get(key, -1)
        return NO_ROW if number < 0 or number in self.shared else self.rows[number]

    def is_shared(self, key: str) -> bool:
        """Whether several images have this key of the catalogue."""
        return self.numbers.get(key, -1) in self.shared


@dataclass
class Join:
    """A catalogue indexed by image.

    ``column`` is the one that names the images; ``ids`` has the galaxy's id for every row, empty where there is none
    in the catalogue (the file's name is then the id). ``contradictory`` rows have duplicates with different labels.
    ``problems`` are rows that cannot be used, ``notes`` are remarks for the report.
    """

    table: Table
    column: str
    ids: list[str]
    contradictory: set[int] = field(default_factory=set[int])
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[str] = field(default_factory=list[str])
    _levels: tuple[_Level, ...] = field(default_factory=lambda: (_Level(), _Level(), _Level()))
    _rows: list[int] = field(default_factory=list[int])
    _depth: int = 0  # of the longest path in the catalogue

    def row_of(self, path: str, name: str) -> int:
        """The row of an image by its path and by its name; :data:`NO_ROW` if there is none."""
        for level, key in self._keys_of(path, name):
            if (row := self._levels[level].row(key)) != NO_ROW:
                return row
        return NO_ROW

    def _keys_of(self, path: str, name: str) -> list[tuple[int, str]]:
        """The levels and keys at which an image is looked for: paths, longest first; names; numbers."""
        folder, stem, number = matching_keys(path)
        _, own, own_number = matching_keys(name)
        keys = [(0, folder), (1, own), (1, stem), (2, own_number), (2, number)]
        if self._depth > 2:
            whole = whole_path(path).split("/")
            keys[:0] = [(0, "/".join(whole[-depth:])) for depth in range(min(self._depth, len(whole)), 2, -1)]
        return [(level, key) for level, key in dict.fromkeys(keys) if key]

    def without_image(self, used: Iterable[int]) -> list[str]:
        """Names of the rows for which there was no image."""
        texts = id_texts(self.table, self.column)
        gone = set(self._rows).difference(used)
        return [texts[row] for row in self._rows if row in gone]


def join(table: Table, files: Sequence[tuple[str, str]], labels: Sequence[str], column: str = "") -> Join:
    """Index a catalogue by image.

    Parameters
    ----------
    table
        As :func:`core.data.catalogue.read_table` gives it.
    files
        Path and name of every image, or of a sample.
    labels
        Label columns: duplicate rows of one image may differ elsewhere, but not here.
    column
        The column that names the images; empty: the one that matches most files, then by its name.

    Raises
    ------
    CatalogueProblem
        No row names an image, or the ids have lost their last digits.
    """
    if column:
        require_column(table, column)
    else:
        column = choose_column(table, files, labels)
    texts = id_texts(table, column)
    joined = Join(table, column, object_ids(table, column))
    meta = table.meta or {}
    joined.notes += meta.get("notes", ())
    joined.problems += meta.get("problems", ())
    _merge_duplicates(joined, texts, labels)
    _index_rows(joined, texts)
    _find_shared_names(joined, texts, files)
    if not any(joined.row_of(path, name) != NO_ROW for path, name in files):
        if any(level.shared for level in joined._levels) and joined.problems:
            raise joined.problems[-1]
        there = next((text for text in texts if text), "")
        raise CatalogueProblem(
            f"No row of the catalogue names one of the images: they are called like “{example_name(files)}”, and "
            f"the column “{column}” holds “{there}”.",
            "Choose the column with the file names or ids.",
            column,
        )
    return joined


def describe_match(joined: Join, matched: int, count: int) -> str:
    """Tell which column joined the catalogue, and how many of ``count`` images have a row."""
    return f"{matched:,} of {count:,} images matched by the column “{joined.column}” of the catalogue."


def _find_shared_names(joined: Join, texts: Sequence[str], files: Sequence[tuple[str, str]]) -> None:
    """Find names that several images share: a row with such a name may mean any of them, and finds none.

    Long numbers are ids of objects; several images of one object have the same.
    """
    doubtful = _count_images(joined, files)
    _forget_claimed_numbers(joined)
    elsewhere: list[str] = []
    unpaired: defaultdict[str, list[str]] = defaultdict(list)
    for place in doubtful:
        path, name = files[place]
        row = joined.row_of(path, name)
        keys = joined._keys_of(path, name)
        if row == NO_ROW:
            shared = [key for level, key in keys if joined._levels[level].is_shared(key)]
            if shared:
                unpaired[shared[-1]].append("/".join(whole_path(path).split("/")[-2:]) or name)
        elif (
            joined._depth > 1
            and path
            and not any(joined._levels[0].row(key) == row for level, key in keys if not level)
        ):
            elsewhere.append(texts[row])
    for key, images in unpaired.items():
        what = "1 image is" if len(images) == 1 else f"{len(images)} images are"
        joined.problems.append(
            CatalogueProblem(
                f"{what} called “{key}” ({', '.join(images[:3])}), as others are, and the catalogue does not tell "
                "which of them it means. No label.",
                "Write folder and file name into the catalogue, or give the files different names.",
                key,
            )
        )
    if elsewhere:
        joined.notes.append(
            f"{len(elsewhere):,} images were matched by their name alone: in the catalogue they lie in other folders, "
            f"as “{elsewhere[0]}” does."
        )


def _count_images(joined: Join, files: Sequence[tuple[str, str]]) -> Sequence[int]:
    """Find the keys that several images share, with the keys of each image computed once and none of them kept.

    Returns the images that may have found no row, or none by their path.
    """
    counts = [np.zeros(len(level.rows), np.int32) for level in joined._levels]
    without_path: array[int] = array("q")
    paths = joined._levels[0]
    for place, (path, name) in enumerate(files):
        is_found = False
        for level, key in joined._keys_of(path, name):
            number = joined._levels[level].numbers.get(key, -1)
            if number >= 0:
                counts[level][number] += 1
                is_found = is_found or (level == 0 and paths.rows[number] != NO_ROW)
        if not is_found and paths.rows:
            without_path.append(place)
    for place, (level, count) in enumerate(zip(joined._levels, counts, strict=True)):
        level.images = count
        several = set(np.flatnonzero(count > 1).tolist())
        if several and place:
            several -= {number for key, number in level.numbers.items() if number in several and is_long_id(key)}
        level.shared = frozenset(several)
    return range(len(files)) if any(level.shared for level in joined._levels) else without_path


def _forget_claimed_numbers(joined: Join) -> None:
    """A row that names one image exactly is not that of another whose number alone is the same (7 and 007)."""
    claimed: set[int] = set()
    for level in joined._levels[:2]:
        named = np.flatnonzero(level.images).tolist()
        claimed.update(level.rows[number] for number in named if number not in level.shared)
    numbers = joined._levels[2]
    for key, number in numbers.numbers.items():
        if numbers.rows[number] in claimed and not is_long_id(key):
            numbers.rows[number] = NO_ROW


def _merge_duplicates(joined: Join, texts: Sequence[str], labels: Sequence[str]) -> None:
    first: dict[str, int] = {}
    again: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        if not text:
            sentence = f"Row {row + 1} of the catalogue has nothing in the column “{joined.column}”."
            joined.problems.append(CatalogueProblem(sentence, "Fill it in, or leave out the row.", joined.column))
        elif text in first:
            again[text].append(row)
        else:
            first[text] = row
    joined._rows = list(first.values())
    same = differing = 0
    for text, others in again.items():
        several = [first[text], *others]
        if len({_cells(joined.table, row, labels) for row in several}) > 1:
            joined.contradictory.add(several[0])
            cells = {" ".join(_cells(joined.table, row, labels)) or "nothing" for row in several}
            versions = " and ".join(sorted(cells))
            joined.problems.append(
                CatalogueProblem(
                    f"{len(several)} rows of the catalogue disagree about this galaxy: {versions}. It has no label.",
                    "Decide which one is right.",
                    text,
                )
            )
        elif len({_cells(joined.table, row, joined.table.colnames) for row in several}) > 1:
            differing += len(several) - 1
        else:
            same += len(several) - 1
    if same:
        joined.notes.append(f"{same} catalogue rows are identical copies of others; each counts once.")
    if differing:
        joined.notes.append(f"{differing} catalogue rows repeat a galaxy with the same labels; the first counts.")


def _cells(table: Table, row: int, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(table[name][row]) for name in names)


def _index_rows(joined: Join, texts: Sequence[str]) -> None:
    is_float = are_floats(texts)
    for row in joined._rows:
        folder, name, number = keys_of_row(texts[row], is_float=is_float)
        keys = [(0, folder), (1, name), (2, number)]
        if folder:
            whole = whole_path(texts[row])
            depth = whole.count("/") + 1
            joined._depth = max(joined._depth, depth)
            keys += [(0, whole)] if depth > 2 else []
        for level, key in keys:
            if key:  # a name that occurs more than once (the same in two folders) is ambiguous and matches no image
                joined._levels[level].add(key, row)

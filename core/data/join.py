"""Matching catalogue rows to images.

A row names its image by a path (``cutouts/5877.fits``), a file name, or an id that is the file's name without its
extension. Unless the user names a column, the one that matches most images is used.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.table import Table

from core.data.bands import IMAGE_ENDING
from core.data.catalogue import has_lost_digits, id_texts, require_column
from core.errors import CatalogueProblem, Problem

NO_ROW = -1
_OBJECT_IDS = (
    *("id_str", "objid", "object_id", "dr7objid", "dr8objid", "dr12objid", "specobjid", "galaxyid", "galaxy_id"),
    *("asset_id", "source_id", "target_id", "iauname", "id", "name"),
)
_FILE_NAMES = ("file_loc", "filename", "file_name", "file", "path", "image", "image_id", "image_name", "img")
_NAMES = (*_OBJECT_IDS[:-2], *_FILE_NAMES, *_OBJECT_IDS[-2:])
_SAMPLE = 2000  # images on which the column is chosen
_LONG_ID = re.compile(r"\d{15,}")


def matching_keys(text: str) -> tuple[str, str, str]:
    """Three matching keys of an image, from exact to lenient, from its path, file name or id.

    Folder and name without extension; name without extension; the long number in the name, or the number without
    leading zeros. Empty where there is none.
    """
    parts = text.strip().replace("\\", "/").split("/")
    name = IMAGE_ENDING.sub("", parts[-1])
    folder = parts[-2] if len(parts) > 1 else ""
    number = _LONG_ID.search(name)
    lenient = number[0] if number else (name.lstrip("0") or "0") if name.isdecimal() else ""
    return (f"{folder}/{name}" if folder and folder != "." else "", name, lenient if lenient != name else "")


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
    _levels: tuple[dict[str, int], ...] = field(default_factory=lambda: ({}, {}, {}))
    _rows: list[int] = field(default_factory=list[int])

    def row_of(self, path: str, name: str) -> int:
        """The row of an image by its path and by its name; :data:`NO_ROW` if there is none."""
        exact, stem, lenient = matching_keys(path)
        paths, names, numbers = self._levels
        if exact and (row := paths.get(exact, NO_ROW)) != NO_ROW:
            return row
        for key in (name, stem, matching_keys(name)[2], lenient):
            if key and (row := names.get(key, NO_ROW)) != NO_ROW:
                return row
            if key and (row := numbers.get(key, NO_ROW)) != NO_ROW:
                return row
        return NO_ROW

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
        column = _choose_column(table, files)
    texts = id_texts(table, column)
    joined = Join(table, column, _object_ids(table, column))
    joined.notes += (table.meta or {}).get("notes", ())
    _merge_duplicates(joined, texts, labels)
    _index_rows(joined, texts)
    if not any(joined.row_of(path, name) != NO_ROW for path, name in files):
        there = next((text for text in texts if text), "")
        raise CatalogueProblem(
            f"No row of the catalogue names one of the images: they are called like “{_example_name(files)}”, and "
            f"the column “{column}” holds “{there}”.",
            "Choose the column with the file names or ids.",
            column,
        )
    return joined


def _choose_column(table: Table, files: Sequence[tuple[str, str]]) -> str:
    sample = files[:: max(1, len(files) // _SAMPLE)]
    images: defaultdict[str, set[int]] = defaultdict(set)
    for number, (path, name) in enumerate(sample):
        for key in (*matching_keys(path), name, matching_keys(name)[2]):
            if key:
                images[key].add(number)
    lower = {name: place for place, name in enumerate(_NAMES)}
    best, most, lost = "", 0, ""
    for name in sorted(table.colnames, key=lambda name: lower.get(name.lower(), len(_NAMES))):
        is_known = name.lower() in lower
        values = np.asarray(table[name])
        if has_lost_digits(values):
            lost = lost or (name if is_known else "")
            continue
        if values.dtype.kind == "f" and not is_known:
            continue
        found: set[int] = set()
        for text in id_texts(table, name):
            for key in matching_keys(text):
                found |= images.get(key, _NO_IMAGES) if key else _NO_IMAGES
        if len(found) > most:
            best, most = name, len(found)
        if most == len(sample):
            break
    if best:
        return best
    if lost:
        id_texts(table, lost)  # raises the problem
    named = next((name for name in table.colnames if name.lower() in lower), table.colnames[0])
    there = next((text for text in id_texts(table, named) if text), "")
    raise CatalogueProblem(
        f"No column of the catalogue names the images: they are called like “{_example_name(files)}”, and the "
        f"column “{named}” holds “{there}”.",
        "Choose another catalogue, or the column with the file names or ids.",
        ", ".join(table.colnames),
    )


_NO_IMAGES: frozenset[int] = frozenset()


def _example_name(files: Sequence[tuple[str, str]]) -> str:
    path, name = files[0]
    return Path(path).name or name


def _object_ids(table: Table, column: str) -> list[str]:
    """The object ids if the catalogue has any, else empty strings."""
    by_name = {name.lower(): name for name in table.colnames}
    candidates = [by_name[name] for name in _OBJECT_IDS if name in by_name]
    for name in [column, *candidates]:
        if name.lower() in _FILE_NAMES or has_lost_digits(np.asarray(table[name])):
            continue
        texts = id_texts(table, name)
        if not any("/" in text or IMAGE_ENDING.search(text) for text in texts[:100]):
            return texts
    return [""] * len(table)


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
    for row in joined._rows:
        for level, key in enumerate(matching_keys(texts[row])):
            if key:
                # A name that occurs more than once (the same in two folders) is ambiguous and matches no image.
                there = joined._levels[level].get(key)
                joined._levels[level][key] = row if there is None else NO_ROW

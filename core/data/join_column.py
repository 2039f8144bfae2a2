"""Choosing the catalogue column that names the images.

The column that matches most images is taken. Columns that match equally well, but give an image different rows, are
asked about; a nameless index of the rows never counts against a column of ids.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from astropy.table import Table

from core.data.bands import IMAGE_ENDING
from core.data.catalogue import has_lost_digits, id_texts
from core.data.matching import are_floats, keys_of_row, matching_keys
from core.errors import AmbiguousColumn, CatalogueProblem

OBJECT_IDS = (
    *("id_str", "objid", "object_id", "dr7objid", "dr8objid", "dr12objid", "specobjid", "galaxyid", "galaxy_id"),
    *("asset_id", "source_id", "target_id", "iauname", "id", "name"),
)
FILE_NAMES = ("file_loc", "filename", "file_name", "file", "path", "image", "image_id", "image_name", "img")
_NAMES = (*OBJECT_IDS[:-2], *FILE_NAMES, *OBJECT_IDS[-2:])
_KNOWN = {name: place for place, name in enumerate(_NAMES)}
_SAMPLE = 2000  # images on which the column is chosen
_INDEX_NAME = re.compile(
    r"|column \d+|unnamed: ?\d+(_level_\d+)?|index|level_\d+|__index_level_\d+__|row(names?)?", re.IGNORECASE
)


@dataclass
class _Candidate:
    """A column that names images: ``rows`` of each image found, and how many were found by their exact name."""

    name: str
    rows: Mapping[int, set[int]]
    exact: int
    is_file: bool  # holds paths or names of image files
    index: int  # 2: counts the rows and has no name; 1: counts the rows; 0: does not
    is_id: bool  # known as a column of ids, or most of its values occur once


def choose_column(table: Table, files: Sequence[tuple[str, str]], labels: Sequence[str] = ()) -> str:
    """The column that names the images.

    Parameters
    ----------
    table
        The catalogue.
    files
        Path and name of every image.
    labels
        Label columns, which name no images.

    Raises
    ------
    AmbiguousColumn
        Several columns match equally well and disagree.
    CatalogueProblem
        None matches, or the ids have lost their last digits.
    """
    sample = files[:: max(1, len(files) // _SAMPLE)]
    images: defaultdict[str, set[int]] = defaultdict(set)
    exact: defaultdict[str, set[int]] = defaultdict(set)
    for number, (path, name) in enumerate(sample):
        keys = matching_keys(path)
        for key in (*keys[:2], matching_keys(name)[1]):
            exact[key] |= {number} if key else set()
        for key in (*keys, *matching_keys(name)):
            images[key] |= {number} if key else set()
    exact.pop("", None)
    images.pop("", None)
    _refuse_missing_header(table, exact)
    candidates: list[_Candidate] = []
    lost = ""
    for name in sorted(table.colnames, key=lambda name: _KNOWN.get(name.lower(), len(_NAMES))):
        if has_lost_digits(table, name):
            lost = lost or (name if name.lower() in _KNOWN else "")
        elif candidate := _match(table, name, images, exact):
            candidates.append(candidate)
    candidates = [candidate for candidate in candidates if candidate.name not in labels] or candidates
    if not candidates:
        raise _no_column(table, files, lost)
    return _decide(candidates, len(sample))


def _match(table: Table, name: str, images: Mapping[str, set[int]], exact: Mapping[str, set[int]]) -> _Candidate | None:
    values = np.asarray(table[name])
    texts = id_texts(table, name)
    if values.dtype.kind == "f" and name.lower() not in _KNOWN:  # measurements; but a decimal id may be among them
        if name not in (table.meta or {}).get("texts", {}) or exact.keys().isdisjoint(texts):
            return None
        images = exact
    by_text: dict[str, set[int]] = {}
    exactly: set[int] = set()
    is_float = are_floats(texts)
    distinct = set(texts)
    distinct.discard("")
    for text in distinct:
        keys = [key for key in keys_of_row(text, is_float=is_float) if key in images]
        if keys:
            by_text[text] = set().union(*(images[key] for key in keys))
            exactly.update(*(exact.get(key, _NONE) for key in keys))
    if not by_text:
        return None
    rows: defaultdict[int, set[int]] = defaultdict(set)
    for row, text in enumerate(texts):
        for image in by_text.get(text, _NONE):
            rows[image].add(row)
    is_id = name.lower() in _KNOWN or 2 * len(distinct) > sum(map(bool, texts))
    is_file = any("/" in text or IMAGE_ENDING.search(text) for text in islice(by_text, 100))
    return _Candidate(name, rows, len(exactly), is_file, _index_rank(table, name, texts), is_id)


_NONE: frozenset[int] = frozenset()


def _index_rank(table: Table, name: str, texts: Sequence[str]) -> int:
    """Whether a column only counts the rows: it has no name of its own, or counts from 0 or 1 under an unusual name."""
    is_counting = any(all(text == str(row + first) for row, text in enumerate(texts)) for first in (0, 1))
    others_are_named = any(not _INDEX_NAME.fullmatch(other.strip()) for other in table.colnames)
    if _INDEX_NAME.fullmatch(name.strip()) and others_are_named:
        return 2 if is_counting or all(text.isdecimal() for text in texts[:100]) else 0
    return int(is_counting and name.lower() not in _KNOWN)


def _decide(candidates: Sequence[_Candidate], count: int) -> str:
    """The best of the columns that match any of ``count`` images."""
    most = max(len(candidate.rows) for candidate in candidates)
    files = [candidate for candidate in candidates if candidate.is_file and 2 * len(candidate.rows) > most]
    ids = [candidate for candidate in candidates if candidate.is_id and 2 * len(candidate.rows) > count]
    if files:
        candidates = files
    elif ids:
        least = min(candidate.index for candidate in ids)
        candidates = [candidate for candidate in candidates if candidate.index <= least]
    best = max(candidates, key=lambda candidate: (len(candidate.rows), candidate.exact, -candidate.index))
    rivals = [other for other in candidates if other is not best and _are_rivals(best, other)]
    if rivals:
        raise AmbiguousColumn.among([best.name, *(other.name for other in rivals)], len(best.rows), count)
    return best.name


def _are_rivals(best: _Candidate, other: _Candidate) -> bool:
    """Whether another column could be meant as well, and gives some image another row."""
    if not other.is_id or (other.index > best.index and best.is_id):
        return False
    if other.exact < len(other.rows) and best.exact == len(best.rows):
        return False  # found only by leaving out zeros, say
    if 2 * len(other.rows) <= len(best.rows) and best.index <= other.index:
        return False
    both = best.rows.keys() & other.rows.keys()
    return not both or any(best.rows[image].isdisjoint(other.rows[image]) for image in both)


def _refuse_missing_header(table: Table, exact: Mapping[str, set[int]]) -> None:
    """Refuse a table whose first row was taken for the names of its columns."""
    for name in table.colnames:
        if exact.get(matching_keys(name)[1]) and not name.isdecimal() and name.lower() not in _KNOWN:
            raise CatalogueProblem(
                f"The catalogue's first line names an image, “{name}”, and not the columns.",
                "Add a first line with the names of the columns.",
                name,
            )


def _no_column(table: Table, files: Sequence[tuple[str, str]], lost: str) -> CatalogueProblem:
    if lost:
        id_texts(table, lost)  # raises the problem
    named = next((name for name in table.colnames if name.lower() in _KNOWN), table.colnames[0])
    there = next((text for text in id_texts(table, named) if text), "")
    return CatalogueProblem(
        f"No column of the catalogue names the images: they are called like “{example_name(files)}”, and the "
        f"column “{named}” holds “{there}”.",
        "Choose another catalogue, or the column with the file names or ids.",
        ", ".join(table.colnames),
    )


def example_name(files: Sequence[tuple[str, str]]) -> str:
    """The name of the first image, for a message."""
    path, name = files[0]
    return Path(path).name or name


def object_ids(table: Table, column: str) -> list[str]:
    """The object ids (N,) of a catalogue joined by ``column`` if it has any, else empty strings."""
    by_name = {name.lower(): name for name in table.colnames}
    candidates = [by_name[name] for name in OBJECT_IDS if name in by_name]
    for name in [column, *candidates]:
        if name.lower() in FILE_NAMES or has_lost_digits(table, name):
            continue
        texts = id_texts(table, name)
        if not any("/" in text or IMAGE_ENDING.search(text) for text in texts[:100]):
            return texts
    return [""] * len(table)

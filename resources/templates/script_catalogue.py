"""The part of the stand-alone script that reads a catalogue; it is written into ``predict.py`` in place of its import.

A row names its galaxy by a path, the name of a file, an id or a number, as in an import by the program.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table


def stem(path: Path) -> str:
    """A file's name without its endings."""
    return re.sub(r"\.(fits?|fts|fz|jpe?g|png)(\.(gz|bz2|fz))?$", "", path.name, flags=re.IGNORECASE)


def read_catalogue(
    path: Path | None, column: str, named: list[tuple[str, Path]], beside: list[dict[str, Any]], *, is_paths: bool
) -> dict[Path, list[float]]:
    """What the network takes beside the image of each galaxy, by its first file.

    ``named`` has the galaxies' names and first files, ``beside`` the columns; with ``is_paths`` a file is one galaxy.
    """
    if path is None:
        return {}
    table = Table.read(path)
    wanted = [each["name"] for each in beside]
    if missing := [name for name in (*wanted, column) if name and name not in table.colnames]:
        sys.exit(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.colnames)}.")
    for each in beside:
        if (unit := str(table[each["name"]].unit or "")) and unit != each["unit"]:
            told = f"{each['name']} is in {unit} in {path}, and was in {each['unit'] or 'no unit'} in training."
            print(told, file=sys.stderr)
    values = np.stack([np.ma.filled(np.ma.asarray(table[name]).astype(float), np.nan) for name in wanted], axis=1)
    return {
        file: values[row].tolist() for file, row in choose_rows(table, path, column, named, is_paths=is_paths).items()
    }


def choose_rows(
    table: Table, path: Path, column: str, named: list[tuple[str, Path]], *, is_paths: bool
) -> dict[Path, int]:
    """The row of each galaxy, by the column that names most of them as path, as file or as id."""
    candidates = [column] if column else [name for name in table.colnames if table[name].dtype.kind in "OSUiu"]
    found = {name: match_rows([str(text) for text in table[name]], named, is_paths=is_paths) for name in candidates}
    most = max(map(len, found.values()), default=0)
    if not most:
        holds = ", ".join(f"{name} ({table[name][0]})" for name in candidates[:6]) if len(table) else "nothing"
        sys.exit(f"No column of {path} names the files, which are called like {named[0][1].name}. It holds {holds}.")
    best = [name for name, rows in found.items() if len(rows) == most]
    if any(found[name] != found[best[0]] for name in best):
        sys.exit(f"Several columns of {path} could name the files: {', '.join(best)}. Choose one with --id.")
    return found[best[0]]


def match_rows(texts: list[str], named: list[tuple[str, Path]], *, is_paths: bool) -> dict[Path, int]:
    """The rows whose texts name the galaxies: by folder and file, then by file or id, then by number."""
    places: list[dict[str, int | None]] = [{}, {}, {}]
    first = {text: row for row, text in reversed(list(enumerate(texts)))}
    for text, row in first.items():
        for level, key in enumerate(keys_of(text)):
            if key:  # what several rows mean is no name
                places[level][key] = None if key in places[level] else row
    found, counts = {}, Counter(name for name, _ in named)
    for name, file in named:
        keys = list(enumerate(keys_of(file.absolute().as_posix() if is_paths else name)))
        if counts[name] > 1:  # files of one name in several folders: only their paths tell them apart
            del keys[1:]
        rows = (places[level].get(key) for level, key in keys)
        if (row := next((each for each in rows if each is not None), None)) is not None:
            found[file] = row
    return found


def keys_of(text: str) -> tuple[str, str, str]:
    """By what a path, the name of a file or an id is found: folder and name, name, number; empty where it has none."""
    *above, last = unicodedata.normalize("NFC", text.strip()).replace("\\", "/").split("/")
    name = stem(Path(last)) if last else ""
    number = name.lstrip("0") or "0" if name.isdecimal() else ""
    if len(name) > 14 and not number and (long := re.search(r"\d{15,}", name)):
        number = long[0]
    return f"{above[-1]}/{name}" if above and above[-1] not in {"", "."} else "", name, number

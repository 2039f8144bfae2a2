"""Walking through a folder: links are followed and told of, no folder is visited twice, and only files are given."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

from core.data.read_errors import explain_error
from core.errors import Problem, UnreadableFile

_NUMBER = re.compile(r"([0-9]+)")


class Entry(NamedTuple):  # made in half the time of a dataclass, and a folder may hold a million
    """Something in a folder: ``kind`` is “file”, “folder”, or a sentence that says why it is neither.

    ``real`` is the path of a folder or a link without links in it; ``leads_to`` is where a link leads if that is
    outside of the chosen folder, else empty.
    """

    path: str
    kind: str
    real: str = ""
    leads_to: str = ""


def walk(root: str, problems: list[Problem]) -> Iterator[Entry]:
    """Yield the files below a folder in natural order, and links to folders elsewhere.

    Parameters
    ----------
    root
        The folder, without links in its path.
    problems
        What cannot be read is added to these.
    """
    seen = {root}
    inside = [iter(_list(root, root, root, problems))]  # and not by recursion: folders may be nested deeply
    while inside:
        entry = next(inside[-1], None)
        if entry is None:
            inside.pop()
        elif entry.kind == "file":
            yield entry
        elif entry.kind != "folder":
            problems.append(UnreadableFile(entry.kind, "Leave it out.", entry.path))
        elif entry.real not in seen:
            seen.add(entry.real)
            if entry.leads_to:
                yield entry
            inside.append(iter(_list(entry.path, entry.real, root, problems)))


def _list(folder: str, real: str, root: str, problems: list[Problem]) -> list[Entry]:
    try:
        with os.scandir(folder) as entries:
            listed = [
                (natural_key(entry.name), _look_at(entry, real, root))
                for entry in entries
                if not entry.name.startswith((".", "__"))
            ]
    except OSError as error:
        problems.append(explain_error(folder, error))
        return []
    listed.sort(key=itemgetter(0))
    return [entry for _, entry in listed]


def _look_at(entry: os.DirEntry[str], real: str, root: str) -> Entry:
    kind = _kind_of(entry)
    if entry.is_symlink():
        place = os.path.realpath(entry.path)
        is_inside = place == root or place.startswith(root.rstrip(os.sep) + os.sep)
        return Entry(entry.path, kind, place, "" if is_inside else place)
    return Entry(entry.path, kind, f"{real.rstrip(os.sep)}{os.sep}{entry.name}" if kind == "folder" else "")


def _kind_of(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
        if entry.is_symlink():
            is_there = os.path.exists(entry.path)  # noqa: PTH110 - a Path for each of a million entries takes long
            return "This link leads to a device or a pipe and to no file." if is_there else "This link leads nowhere."
    except OSError as error:  # a link that leads to itself
        return f"This cannot be opened ({error.strerror})."
    return "This is a device or a pipe and no file."


def natural_key(text: str) -> list[str | int]:
    """Sorting key for natural order, in which “galaxy 10” follows “galaxy 9”."""
    parts: list[str | int] = [*_NUMBER.split(text)]
    parts[1::2] = map(int, parts[1::2])
    return parts


def describe_links(links: dict[str, str]) -> str:
    """A note on links out of the chosen folders, by path with where they lead; empty if there are none."""
    if not links:
        return ""
    path, target = next(iter(links.items()))
    name = path.rpartition(os.sep)[2]
    if len(links) == 1:
        return f"The link {name} leads out of the chosen folder and was followed, to {target}."
    return f"{len(links):,} links lead out of the chosen folder and were followed; the first, {name}, to {target}."

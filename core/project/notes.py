"""Notes on a run: a text, and tags to find it by, kept in the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from core.project.files import write_atomically
from core.reading import is_there, read_toml, reading

_FILE = "notes.toml"


@dataclass(frozen=True)
class Notes:
    """A text of any length, and tags."""

    text: str = ""
    tags: tuple[str, ...] = ()


def read(run: Path) -> Notes:
    """Read the notes in the folder of a run; empty if there are none.

    Raises
    ------
    UnreadableFile
        The file exists but is damaged.
    """
    file, remedy = run / _FILE, "Repair or remove the file."
    if not is_there(file):
        return Notes()
    with reading("The notes", file, remedy):
        values = read_toml(file, "The notes", remedy)
        return Notes(str(values["text"]), tuple(str(tag) for tag in _require_list(values["tags"])))


def _require_list(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise ValueError("“tags” is no list")  # noqa: TRY004 - as any other damage
    return values


def write(run: Path, notes: Notes) -> None:
    """Write the notes to the folder of a run atomically."""
    document = tomlkit.document()
    document.add("text", tomlkit.string(notes.text, multiline="\n" in notes.text))
    document.add("tags", tomlkit.item(list(notes.tags)))
    write_atomically(run / _FILE, tomlkit.dumps(document))


def tags_of(text: str) -> tuple[str, ...]:
    """Parse tags typed with commas between them; duplicates are removed, the order is kept."""
    return tuple(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))

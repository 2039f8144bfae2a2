"""Notes on a run: a text, and tags to find it by, kept in the run's folder."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from core.errors import UnreadableFile
from core.project.files import write_atomically

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
    file = run / _FILE
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        return Notes(str(values["text"]), tuple(str(tag) for tag in values["tags"]))
    except FileNotFoundError:
        return Notes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(f"The notes cannot be read ({error}).", "Repair or remove the file.", str(file)) from None


def write(run: Path, notes: Notes) -> None:
    """Write the notes to the folder of a run atomically."""
    document = tomlkit.document()
    document.add("text", tomlkit.string(notes.text, multiline="\n" in notes.text))
    document.add("tags", tomlkit.item(list(notes.tags)))
    write_atomically(run / _FILE, tomlkit.dumps(document))


def tags_of(text: str) -> tuple[str, ...]:
    """Parse tags typed with commas between them; duplicates are removed, the order is kept."""
    return tuple(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))

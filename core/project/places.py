"""Paths that are written to files: relative within a project, and found again after it was moved or a run renamed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

_FILE = "project.toml"
_QUOTED = "file:"  # before a path that is not UTF-8, as old file systems have them
_BEGAN = re.compile(r"\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d( |$)")
_STAMP = len("2026-11-27 13.59.37")  # of the names of runs


def project_of(path: Path) -> Path | None:
    """The folder of the project in which a path lies; None: in none."""
    return next((folder for folder in path.parents if (folder / _FILE).exists()), None)


def to_stored(path: Path, folder: Path) -> str:
    """A path as it is written to a file in ``folder``: relative to it if both lie in one project, else absolute."""
    path, folder = path.resolve(), folder.resolve()
    root = project_of(folder / _FILE)
    if root is None or root not in path.parents:
        return str(path)
    return Path(os.path.relpath(path, folder)).as_posix()


def quote(path: str) -> str:
    """A path as it is written to a text file: one that is not UTF-8 with percent signs, as in an address."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return _QUOTED + quote_from_bytes(os.fsencode(path))
    return path


def unquote(stored: str) -> str:
    """The path that :func:`quote` has written."""
    return os.fsdecode(unquote_to_bytes(stored.removeprefix(_QUOTED))) if stored.startswith(_QUOTED) else stored


def find(stored: str, folder: Path) -> Path | None:
    """Find a run, or a file of one, again.

    Parameters
    ----------
    stored
        Its path, as it was written to a file in ``folder``: relative to that, or absolute.
    folder
        Where that file is now.

    Returns
    -------
        Where it was stored, if it is still there. Otherwise the run of the project of ``folder`` that began at the same
        second: the project may have been moved, and the run renamed. None if there is none.
    """
    place = Path(os.path.normpath(folder / Path(stored).expanduser()))
    if place.exists():
        return place
    root, parts = project_of(folder / _FILE), place.parts
    began = next((number for number, part in enumerate(parts) if _BEGAN.match(part)), None)
    if root is None or began is None:
        return None
    stamp = parts[began][:_STAMP]
    runs = sorted((root / "runs").glob(f"{stamp}*"), key=lambda run: run.name != parts[began])
    found = [run.joinpath(*parts[began + 1 :]) for run in runs]
    is_clear = len(found) == 1 or bool(found and runs[0].name == parts[began])  # not two of one second, both renamed
    return found[0] if is_clear and found[0].exists() else None

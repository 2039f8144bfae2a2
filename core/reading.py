"""One boundary around each of the program's own files: whatever goes wrong in reading one is that file's problem.

Runs, studies and projects are folders that people copy, edit and keep for years on disks that fail. Nobody can list
all ways in which such a file may be damaged, and so none are listed here: within :func:`reading`, every exception
becomes an :class:`~core.errors.UnreadableFile` that names the file and says what is odd about it.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import stat
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from core.errors import Problem, Stopped, UnreadableFile
from core.printable import replace_unprintable

_MOST_BYTES = 1 << 30  # of a text file of ours; those of a million galaxies have some ten million
_MOST_LETTERS = 200  # of an explanation
_MOST_ASIDE = 1000
FileState: TypeAlias = tuple[int, ...]
"""See :func:`state_of`."""
_TABLE = re.compile(r"a valid dictionary( or instance of \w+)?")


@contextlib.contextmanager
def reading(what: str, file: Path | str, remedy: str = "") -> Iterator[None]:
    """Report whatever the block raises as a problem of this file.

    Parameters
    ----------
    what
        What is read, as the subject of a sentence: “The settings”.
    file
        From where.
    remedy
        What to do about it.

    Raises
    ------
    UnreadableFile
        The block raised anything but a :class:`~core.errors.Problem` or :class:`~core.errors.Stopped`.
    """
    try:
        yield
    except (Problem, Stopped):
        raise
    except Exception as error:
        raise UnreadableFile(f"{what} cannot be read ({describe(error)}).", remedy, str(file)) from error


def describe(error: Exception) -> str:
    """What an exception says about a file, in a few words on one line."""
    from pydantic import ValidationError  # late: whoever only looks whether a file is there does not need it

    match error:
        case RecursionError():
            return "it is nested too deeply"
        case UnicodeDecodeError():
            return f"it is not UTF-8 text, from byte {error.start} on"
        case MemoryError():
            return "it needs more memory than there is"
        case FileNotFoundError():
            return "there is no such file"
        case OSError(strerror=str(reason)):
            return reason[:1].lower() + reason[1:]
        case ValidationError():
            first = error.errors()[0]
            place = ".".join(str(step) for step in first["loc"])
            message = _TABLE.sub("a table of names and values", first["msg"].replace("Input should be", "it should be"))
            text = f"“{place}”: {message}" if place else message
        case KeyError():
            text = f"“{error.args[0]}” is missing" if error.args else "something is missing"
        case _:
            text = str(error) or type(error).__name__
    line = " ".join(replace_unprintable(text, " ").split())
    return line if len(line) <= _MOST_LETTERS else line[: _MOST_LETTERS - 1] + "…"


def is_there(path: Path) -> bool:
    """Whether there is anything of this name: also a link that leads nowhere, or what may not be looked at."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True
    return True


def state_of(file: Path) -> FileState:
    """What changes whenever a file is written, replaced or removed."""
    try:
        found = file.stat()
    except OSError as error:
        return (error.errno or 0,)
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns


def require_file(path: Path) -> None:
    """Require a regular file: a pipe or a device may never answer, and a folder cannot be read.

    Raises
    ------
    OSError
        There is none, or it is something else.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise OSError(0, "this is a folder")
    if not stat.S_ISREG(mode):
        raise OSError(0, "this is no regular file")


def read_text(path: Path, newline: str | None = None) -> str:
    """The text of a regular UTF-8 file; for use within :func:`reading`, since it raises whatever it meets."""
    require_file(path)
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(f"it has {size / 1e9:.1f} GB")
    with path.open(encoding="utf-8", newline=newline) as file:
        return file.read()


def read_lines(path: Path) -> list[str]:
    """The lines of such a file with their ends as they are, for ``csv``."""
    return io.StringIO(read_text(path, newline=""), newline="").readlines()


def read_json(path: Path, what: str, remedy: str = "") -> dict[str, Any]:
    """Read a file of JSON that holds names and values.

    Raises
    ------
    UnreadableFile
        It is missing, damaged or something else.
    """
    with reading(what, path, remedy):
        return _require_table(json.loads(read_text(path)))


def read_toml(path: Path, what: str, remedy: str = "") -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    UnreadableFile
        It is missing, damaged or something else.
    """
    with reading(what, path, remedy):
        return tomllib.loads(read_text(path))


def _require_table(values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError("it holds no names and values")  # noqa: TRY004 - as any other damage
    return values


def format_of(value: object) -> int:
    """The number of a file's format; for use within :func:`reading`, since it raises whatever it meets."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"its format is “{value}”, and formats have numbers from 1 on")
    return value


def modified(path: Path) -> datetime | None:
    """When a file was last written, in local time; None: it is gone, or its date is beyond every calendar."""
    with contextlib.suppress(OSError, ValueError, OverflowError):
        return datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    return None


def set_aside(path: Path) -> Path | None:
    """Rename a damaged file, so that a new one takes its place and nothing is lost; None: there is no such file.

    Returns
    -------
        Its new place beside the old one, such as ``survey.damaged.csv``.
    """
    if not is_there(path):
        return None
    for number in range(1, _MOST_ASIDE):
        again = "" if number == 1 else f"-{number}"
        place = path.with_name(f"{path.stem}.damaged{again}{path.suffix}")
        if not is_there(place):
            path.rename(place)
            return place
    raise UnreadableFile("This file is damaged, as many before it.", "Remove those.", str(path))

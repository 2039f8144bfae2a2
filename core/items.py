"""One of many galaxies, runs or files that fails is that one's problem, and the others go on."""

from __future__ import annotations

from core.errors import (
    DiskFull,
    FolderInUse,
    NotPossible,
    OutOfMemory,
    Problem,
    SettingsProblem,
    Stopped,
    WouldReplaceForeignFile,
    WouldReplaceInput,
)
from core.reading import describe

_OF_ALL = (Stopped, DiskFull, FolderInUse, NotPossible, SettingsProblem, OutOfMemory, MemoryError)
_OF_ONE_FILE = (WouldReplaceInput, WouldReplaceForeignFile)


def as_problem(error: Exception, item: str, of_all: tuple[type[Exception], ...] = _OF_ALL) -> Problem:
    """What to tell of an exception that was met with one of many things.

    Parameters
    ----------
    error
        Of any kind.
    item
        What it was met with, such as the id of a galaxy.
    of_all
        Exceptions that would be met with all the others too: a full disk, a wish that cannot be granted, a request to
        stop.

    Raises
    ------
    Exception
        The same, if it is one ``of_all``.
    """
    if isinstance(error, of_all) and not isinstance(error, _OF_ONE_FILE):
        raise error
    if isinstance(error, Problem):
        return type(error)(error.sentence, error.remedy, item if not error.where else f"{item}: {error.where}")
    return Problem(f"This failed ({type(error).__name__}: {describe(error)}).", "The others go on.", item)

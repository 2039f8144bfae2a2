"""The decision that is kept beside a network, ``decision.toml``: read wherever the network's classes are counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.errors import UnreadableFile, WrongVersion
from core.metrics.decision import MOST_PROBABLE, Decision
from core.reading import format_of, is_there, read_toml, reading

FORMAT = 1
_REMEDY = "Choose the decision again, or remove this file: then the most probable class is taken."


def read(file: Path, names: Sequence[str]) -> Decision:
    """Read a kept decision; the most probable class if there is none.

    Parameters
    ----------
    file
        See :attr:`core.project.runs.RunFolder.decision_file`.
    names
        The classes that the network knows.

    Raises
    ------
    UnreadableFile, WrongVersion
        The file is damaged, for other classes, or of a newer program.
    """
    if not is_there(file):
        return MOST_PROBABLE
    found = parse(file)
    if found.names and found.names != tuple(names):
        raise UnreadableFile("This decision is for other classes than the network knows.", _REMEDY, str(file))
    return found


def parse(file: Path) -> Decision:
    """Parse the file of a decision, whatever its classes; raises as :func:`read`."""
    with reading("The decision", file, _REMEDY):
        values = read_toml(file, "The decision", _REMEDY)
        if format_of(values.get("format", FORMAT)) > FORMAT:
            raise WrongVersion("A newer Tuning Fork wrote this decision.", "Update the program.", str(file))
        return Decision.from_dict(values)

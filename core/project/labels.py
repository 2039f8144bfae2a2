"""The journal of hand labels: append-only; a change is undone by recording its inverse.

A line is a change of one label, by one person where a name was given; or says from when on which vote counts where
several people have labelled a galaxy (:mod:`core.project.votes`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.errors import Problem, UnreadableFile
from core.pieces import pieces_of
from core.project.files import append_durably, make_folder, write_atomically
from core.project.votes import COUNTINGS, Counting, Votes
from core.reading import is_there, reading, require_file
from core.wording import count_of

_NAMED = 5  # damaged lines named in a sentence


@dataclass(frozen=True)
class LabelChange:
    """One galaxy's label in one column was changed; a person's vote that is None was not there, or was withdrawn."""

    time: str
    id: str
    column: str
    old: str | None
    new: str | None
    by: str = ""


@dataclass(frozen=True)
class CountingChange:
    """From now on another vote counts."""

    time: str
    count: Counting


Change: TypeAlias = LabelChange | CountingChange

JournalState: TypeAlias = tuple[int, int, int]
"""Size and time of the file, and how many changes are not in it yet."""


class LabelJournal:
    """Hand labels of one dataset, as lines of JSON.

    Parameters
    ----------
    path
        The file; it need not exist.

    Attributes
    ----------
    unsaved
        Changes that could not be written yet; they count as given, and are written with the next ones.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unsaved: list[Change] = []
        self._frozen: tuple[Votes, list[int]] | None = None

    @property
    def state(self) -> JournalState:
        """Changes whenever a label is given."""
        try:
            status = self.path.stat()
        except OSError:
            return 0, 0, len(self.unsaved)
        return status.st_size, status.st_mtime_ns, len(self.unsaved)

    def frozen(self, until: float = math.inf) -> LabelJournal:
        """The journal as it is now, whatever labels are given from now on.

        Parameters
        ----------
        until
            A time in seconds since 1970: as the journal was then.
        """
        same = LabelJournal(self.path)
        same._frozen = self._read(until)
        return same

    def save_copy(self, path: Path) -> None:
        """Write a journal with the present labels to another file."""
        write_labels(self.replay(), path)

    def record(self, id: str, column: str, old: str, new: str) -> LabelChange:  # noqa: A002 - the column's name
        """Append a change and flush it to the disk. To undo one, record it with ``old`` and ``new`` exchanged."""
        return self.record_all(column, [(id, old, new)])[0]

    def record_all(
        self, column: str, changes: Sequence[tuple[str, str | None, str | None]], by: str = ""
    ) -> list[LabelChange]:
        """Append several changes (id, old, new) of one column by one person, flushed to the disk once.

        Raises
        ------
        Problem
            They cannot be written; they are kept in :attr:`unsaved`.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        recorded = [LabelChange(now, name, column, old, new, by) for name, old, new in changes]
        self.unsaved += recorded
        self.save_unsaved()
        return recorded

    def record_counting(self, counting: Counting) -> None:
        """Have another vote count from now on, where several people have labelled a galaxy.

        Raises
        ------
        Problem
            It cannot be written; it is kept in :attr:`unsaved`.
        """
        self.unsaved.append(CountingChange(datetime.now(UTC).isoformat(timespec="seconds"), counting))
        self.save_unsaved()

    def save_unsaved(self) -> None:
        """Write the changes that could not be written before.

        Raises
        ------
        Problem
            They cannot be written now either.
        """
        if not self.unsaved:
            return
        try:
            make_folder(self.path.parent)
            append_durably(self.path, _as_lines(self.unsaved))
        except OSError as error:
            raise Problem(
                f"The labels cannot be written ({error.strerror or error}).", "They are kept in memory.", str(self.path)
            ) from error
        self.unsaved.clear()

    def save_unsaved_to(self, path: Path) -> None:
        """Write the changes that could not be written to another file, whose lines may be added to the journal later.

        Raises
        ------
        Problem
            That file cannot be written either.
        """
        write_atomically(path, _as_lines(self.unsaved) + "\n")
        self.unsaved.clear()

    def replay(self) -> dict[tuple[str, str], str]:
        """The present hand label of each (id, column). A partial line is skipped, and so is a damaged one.

        Raises
        ------
        UnreadableFile
            The file as a whole cannot be read.
        """
        return self.votes().labels()

    def votes(self) -> Votes:
        """The present votes of each person.

        Raises
        ------
        UnreadableFile
            The file as a whole cannot be read.
        """
        return self._read()[0]

    @property
    def problem(self) -> Problem | None:
        """What of it cannot be read; None: nothing. A line that a crash cut off had not been confirmed."""
        try:
            damaged = self._read()[1]
        except UnreadableFile as problem:
            return problem
        if not damaged:
            return None
        listed = ", ".join(map(str, damaged[:_NAMED])) + ("…" if len(damaged) > _NAMED else "")
        return UnreadableFile(
            f"{count_of(len(damaged), 'line')} of the labels given by hand cannot be read, and those labels are "
            f"missing (line {listed}).",
            "Restore the file; nothing in it is overwritten.",
            str(self.path),
        )

    def require_whole(self) -> Self:
        """Raise :attr:`problem`, if there is one; returns the journal."""
        if (problem := self.problem) is not None:
            raise problem
        return self

    def _read(self, until: float = math.inf) -> tuple[Votes, list[int]]:
        """The votes at some time in seconds since 1970, and the numbers of the damaged lines, from 1."""
        if self._frozen is not None:
            return self._frozen
        votes = Votes()
        damaged: list[int] = []
        for number, line in enumerate(self._lines(), 1):
            try:
                change = _parse_change(line)
            except Exception:  # noqa: BLE001 - whatever is wrong with a line, it is that line's problem
                damaged.append(number)
            else:
                if change is not None and _seconds(change.time) <= until:
                    _apply(change, votes)
        for change in self.unsaved:
            _apply(change, votes)
        return votes, damaged

    def _lines(self) -> list[bytes]:
        if not is_there(self.path):
            return []
        with reading("The labels given by hand", self.path, "Restore the file."):
            require_file(self.path)
            return self.path.read_bytes().split(b"\n")


def write_labels(labels: Mapping[tuple[str, str], str], path: Path) -> None:
    """Write a journal with one label for each (id, column)."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    changes = [LabelChange(now, name, column, "", label) for (name, column), label in labels.items()]
    write_atomically(path, _as_lines(changes) + "\n" if changes else "")


def _apply(change: Change, votes: Votes) -> None:
    if isinstance(change, CountingChange):
        votes.counting = change.count
    else:
        votes.record(change.id, change.column, change.by, change.new)


def _parse_change(line: bytes) -> Change | None:
    """One line of a journal; None: it is empty, or a crash cut it off."""
    text = line.strip()
    if not text or (text.startswith(b"{") and not text.endswith(b"}")):
        return None
    values = json.loads(text)
    if "count" in values:
        counting = CountingChange(**values)
        if counting.count not in COUNTINGS:
            raise ValueError("not known")
        return counting
    change = LabelChange(**values)
    if not all(isinstance(value, str) for value in (change.id, change.column, change.by)):
        raise ValueError("not text")
    if not isinstance(change.new, str) and not (change.new is None and change.by):
        raise ValueError("not text")
    return change


def _seconds(time: str) -> float:
    """A time of the journal in seconds since 1970; 0 where it is none."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _as_lines(changes: Sequence[Change]) -> str:
    """The changes as lines of JSON; without a name, as every version of the program reads them."""
    plain = [{name: value for name, value in vars(change).items() if name != "by" or value} for change in changes]
    return "\n".join(json.dumps(values, ensure_ascii=False) for values in plain)


def apply_labels(
    columns: Mapping[str, NDArray[Any]], ids: Sequence[str], labels: Mapping[tuple[str, str], str]
) -> dict[str, NDArray[Any]]:
    """Replace the catalogue's labels by hand labels; return all columns.

    Parameters
    ----------
    columns
        By name, each of length N; not modified.
    ids
        N ids; a label applies to every image of that id.
    labels
        As :meth:`LabelJournal.replay` returns them; a column that the catalogue lacks is created.
    """
    changed: dict[str, NDArray[Any]] = {}
    rows: dict[str, list[int]] = {}
    labelled = {name for name, _ in labels}
    for row, name in enumerate(ids):
        if name in labelled:
            rows.setdefault(name, []).append(row)
    for (name, column), label in labels.items():
        if name in rows:
            if column not in changed:
                changed[column] = writable_copy(columns.get(column), len(ids))
            changed[column][rows[name]] = label
    return {**columns, **changed}


def writable_copy(column: NDArray[Any] | None, count: int) -> NDArray[np.object_]:
    """A copy (N,) of a column that any label can be written to; of ``count`` empty texts where there is none."""
    copy = np.full(count, "", dtype=object)
    if column is None:
        return copy
    for piece in pieces_of(count):
        values = column[piece]
        copy[piece] = list(values) if values.dtype.kind == "f" else values.tolist()  # float32(0.1) is to remain "0.1"
    return copy

"""The journal of hand labels: append-only; a change is undone by recording its inverse."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Problem
from core.project.files import append_durably, make_folder, write_atomically


@dataclass(frozen=True)
class LabelChange:
    """One galaxy's label in one column was changed."""

    time: str
    id: str
    column: str
    old: str
    new: str


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
        self.unsaved: list[LabelChange] = []
        self._frozen: dict[tuple[str, str], str] | None = None

    def frozen(self, until: float = math.inf) -> LabelJournal:
        """The journal as it is now, whatever labels are given from now on.

        Parameters
        ----------
        until
            A time in seconds since 1970: as the journal was then.
        """
        same = LabelJournal(self.path)
        same._frozen = self.replay(until)
        return same

    def save_copy(self, path: Path) -> None:
        """Write a journal with the present labels to another file."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        changes = [LabelChange(now, name, column, "", label) for (name, column), label in self.replay().items()]
        write_atomically(path, _as_lines(changes) + "\n" if changes else "")

    def record(self, id: str, column: str, old: str, new: str) -> LabelChange:  # noqa: A002 - the column's name
        """Append a change and flush it to the disk. To undo one, record it with ``old`` and ``new`` exchanged."""
        return self.record_all(column, [(id, old, new)])[0]

    def record_all(self, column: str, changes: Sequence[tuple[str, str, str]]) -> list[LabelChange]:
        """Append several changes (id, old, new) of one column, flushed to the disk once.

        Raises
        ------
        Problem
            They cannot be written; they are kept in :attr:`unsaved`.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        recorded = [LabelChange(now, name, column, old, new) for name, old, new in changes]
        self.unsaved += recorded
        self.save_unsaved()
        return recorded

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

    def replay(self, until: float = math.inf) -> dict[tuple[str, str], str]:
        """The hand label of each (id, column), at present or as it was at some time. A partial last line is skipped."""
        if self._frozen is not None:
            return dict(self._frozen)
        labels: dict[tuple[str, str], str] = {}
        for line in self._lines():
            try:
                change = LabelChange(**json.loads(line))
            except (ValueError, TypeError):
                continue
            if _seconds(change.time) <= until:
                labels[change.id, change.column] = change.new
        labels.update({(change.id, change.column): change.new for change in self.unsaved})
        return labels

    def _lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8", errors="replace").split("\n") if self.path.exists() else []


def _seconds(time: str) -> float:
    """A time of the journal in seconds since 1970; 0 where it is none."""
    try:
        return datetime.fromisoformat(time).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _as_lines(changes: Sequence[LabelChange]) -> str:
    return "\n".join(json.dumps(asdict(change), ensure_ascii=False) for change in changes)


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
    if column is not None:
        copy[:] = list(column) if column.dtype.kind == "f" else column.tolist()  # float32(0.1) is to remain "0.1"
    return copy

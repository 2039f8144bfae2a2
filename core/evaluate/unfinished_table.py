"""A table of predictions that is not finished: its folder beside the file to be, with a file for each piece.

The folder ``TABLE.unfinished`` holds the answers for a few thousand galaxies each in a Parquet table, written wholly or
not at all, and what they depend on: the network, the settings and the dataset. Who makes the same table again goes on
after the last piece whose images are still the same; with another network, or other settings, all begins anew.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pyarrow import parquet

from core.errors import Problem
from core.evaluate.table_formats import ColumnFormat, open_table
from core.project import temporary
from core.project.files import atomic_path, write_atomically
from core.project.locks import FolderLock
from core.reading import reading

_FORMAT = 1
_SUFFIX = ".unfinished"
_LOCK, _RECIPE = "predict.lock", "recipe.json"
_SEEN = "SEEN"
_REMEDY = "Remove the folder, and predict again."


def folder_of(table: Path) -> Path:
    """Where the pieces of a table that is not finished lie."""
    return table.with_name(table.name + _SUFFIX)


class UnfinishedTable:
    """The folder of an unfinished table while a program works in it; a context manager.

    Parameters
    ----------
    table
        The table to be.

    Raises
    ------
    FolderInUse
        Another program is writing it.
    """

    def __init__(self, table: Path) -> None:
        self.folder = folder_of(table)
        self._lock = FolderLock(
            self.folder, _LOCK, "This table is being written by", "Wait for it, or choose another name."
        )
        self._is_over = False

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._remove("stamps-*")
        if self._is_over:
            self._remove("piece-*")
            self._remove(_RECIPE)
            temporary.sweep(self.folder)
        self._lock.release()
        if self._is_over:
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    def begin(self, recipe: str, shown: Mapping[str, str]) -> list[str]:
        """Begin, or go on if what is there was made by the same recipe.

        Parameters
        ----------
        recipe
            The digest of all on which the answers depend.
        shown
            For whoever looks into the folder.

        Returns
        -------
        seen
            Of each piece that is there, from the first on, the digest of the images that it was made of.
        """
        self._remove("stamps-*")
        temporary.sweep(self.folder)
        if self._read_recipe() != recipe:
            self._remove("piece-*")
            said = {"format": _FORMAT, "recipe": recipe, **shown}
            write_atomically(self.folder / _RECIPE, json.dumps(said, indent=2, ensure_ascii=False) + "\n")
        found: list[str] = []
        with contextlib.suppress(OSError, ValueError, KeyError):
            while (path := self._piece(len(found))).exists():
                found.append((parquet.read_schema(path).metadata or {})[_SEEN.lower().encode()].decode())
        return found

    def cut(self, count: int) -> None:
        """Remove all pieces but the first."""
        for path in self.folder.glob("piece-*"):
            if path.stem > self._piece(count - 1).stem or not count:
                path.unlink(missing_ok=True)

    def stamps(self, number: int) -> Path:
        """Where the stamps of a piece lie while they are being used."""
        return self.folder / f"stamps-{number:06d}.h5"

    def add(self, number: int, columns: Sequence[ColumnFormat], values: Sequence[NDArray[Any]], seen: str) -> None:
        """Write a piece."""
        self._lock.require_unmoved()
        with (
            atomic_path(self._piece(number)) as written,
            open_table(written, ".parquet", columns, len(values[0]), {_SEEN: seen}) as append,
        ):
            append(values)

    def pieces(self, count: int, columns: Sequence[ColumnFormat]) -> Iterator[list[NDArray[Any]]]:
        """The values of each column, piece by piece.

        Raises
        ------
        UnreadableFile
            A piece is damaged.
        """
        for number in range(count):
            path = self._piece(number)
            with reading("This piece of the table", path, _REMEDY):
                table = parquet.read_table(path, columns=[column.name for column in columns])
                yield [
                    np.array(table[column.name].to_pylist(), dtype=str)
                    if column.is_text
                    else np.asarray(table[column.name])
                    for column in columns
                ]

    def discard(self) -> None:
        """Remove the folder when the block ends."""
        self._is_over = True

    def _piece(self, number: int) -> Path:
        return self.folder / f"piece-{number:06d}.parquet"

    def _read_recipe(self) -> str:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, Problem):
            said = json.loads((self.folder / _RECIPE).read_text(encoding="utf-8"))
            return str(said["recipe"]) if said["format"] == _FORMAT else ""
        return ""

    def _remove(self, pattern: str) -> None:
        for path in self.folder.glob(pattern):
            path.unlink(missing_ok=True)

"""Searching and sorting galaxies by their catalogue values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Finder:
    """Full-text search in the text columns of a catalogue.

    Parameters
    ----------
    columns
        By name, each of length N; columns of numbers are not searched.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        self._columns = columns
        self._texts: dict[str, NDArray[np.str_]] = {}

    def forget(self, name: str) -> None:
        """Read a column again before the next search: its values have changed."""
        self._texts.pop(name, None)

    def _lower_case(self, name: str) -> NDArray[np.str_]:
        if name not in self._texts:
            self._texts[name] = np.char.lower(self._columns[name].astype(str))
        return self._texts[name]

    def find_rows(self, text: str, count: int) -> NDArray[np.bool_]:
        """Which of the ``count`` rows contain every word of ``text``, in any column and regardless of case."""
        found = np.ones(count, dtype=bool)
        names = [name for name, values in self._columns.items() if values.dtype.kind in "UO"]
        for word in text.lower().split():
            here = np.zeros(count, dtype=bool)
            for name in names:
                here |= np.char.find(self._lower_case(name), word) >= 0
            found &= here
        return found


def sort_rows(values: NDArray[Any], rows: NDArray[np.int64], *, descending: bool = False) -> NDArray[np.int64]:
    """Sort ``rows`` (n,) by their ``values`` (N,); the sort is stable, and missing values come last.

    Integers stored as text are sorted as numbers: "10" after "9".
    """
    mine = values[rows]
    if mine.dtype.kind in "UO":
        texts = np.char.strip(mine.astype(str))
        missing = texts == ""
        whole = np.char.isdecimal(texts) | missing
        length = np.char.str_len(np.char.lstrip(texts, "0")) if whole.all() else np.zeros(len(texts), dtype=np.int64)
        ranks = np.unique(texts, return_inverse=True)[1]
        keys = (ranks, length)
    else:
        numbers = mine.astype(np.float64)
        missing = ~np.isfinite(numbers)
        keys = (np.unique(numbers, return_inverse=True)[1],)
    if descending:
        keys = tuple(-key for key in keys)
    return rows[np.lexsort((*keys, missing))]

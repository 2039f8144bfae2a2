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
        self._texts: dict[str, list[str]] = {}

    def forget(self, name: str) -> None:
        """Read a column again before the next search: its values have changed."""
        self._texts.pop(name, None)

    def _lower_case(self, name: str) -> list[str]:
        if name not in self._texts:
            self._texts[name] = [str(text).lower() for text in self._columns[name].tolist()]
        return self._texts[name]

    def find_rows(self, text: str, count: int) -> NDArray[np.bool_]:
        """Which of the ``count`` rows contain every word of ``text``, in any column and regardless of case."""
        found = np.ones(count, dtype=bool)
        names = [name for name, values in self._columns.items() if values.dtype.kind in "UO"]
        for word in text.lower().split():
            here = np.zeros(count, dtype=bool)
            for name in names:
                here |= np.fromiter((word in each for each in self._lower_case(name)), bool, count)
            found &= here
        return found


def sort_rows(values: NDArray[Any], rows: NDArray[np.int64], *, descending: bool = False) -> NDArray[np.int64]:
    """Sort ``rows`` (n,) by their ``values`` (N,); the sort is stable, and missing values come last.

    Integers stored as text are sorted as numbers: "10" after "9".
    """
    mine = values[rows]
    if mine.dtype.kind in "UO":
        texts = [str(text).strip() for text in mine.tolist()]
        missing = np.array([not text for text in texts], dtype=bool)
        rank = {text: place for place, text in enumerate(sorted(set(texts)))}
        whole = all(text.isdecimal() or not text for text in rank)
        length = np.array([len(text.lstrip("0")) if whole else 0 for text in texts], dtype=np.int64)
        keys = (np.array([rank[text] for text in texts], dtype=np.int64), length)
    else:
        numbers = mine.astype(np.float64)
        missing = ~np.isfinite(numbers)
        keys = (np.unique(numbers, return_inverse=True)[1],)
    if descending:
        keys = tuple(-key for key in keys)
    return rows[np.lexsort((*keys, missing))]

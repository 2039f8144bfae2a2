"""Searching and sorting galaxies by their catalogue values."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import pieces
from core.data.target import label_text
from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.pieces import next_step

_FIRST = 50  # texts that are looked at before all


class Finder:
    """Full-text search in the text columns of a catalogue.

    Parameters
    ----------
    columns
        By name, each of length N; columns of numbers are not searched.

    Attributes
    ----------
    columns
        As above; others may take their place, if :meth:`forget` tells which of them have other values.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        self.columns = columns
        self._texts: dict[str, list[str]] = {}
        self._changes: dict[str, int] = {}

    def forget(self, name: str) -> None:
        """Read a column again before the next search: its values have changed."""
        self._changes[name] = self._changes.get(name, 0) + 1
        self._texts.pop(name, None)

    def _lower_case(self, name: str) -> list[str]:
        if (known := self._texts.get(name)) is not None:
            return known
        change, column = self._changes.get(name), self.columns[name]
        texts: list[str] = []
        for piece in pieces.pieces_of(len(column)):
            texts += [str(text).lower() for text in column[piece].tolist()]
        if self._changes.get(name) == change:  # else a value has changed while it was read
            self._texts[name] = texts
        return texts

    def search(self, text: str, count: int, stop: threading.Event = NEVER) -> Work[NDArray[np.bool_]]:
        """Which of the ``count`` rows contain every word of ``text``, in any column and regardless of case.

        Raises
        ------
        Stopped
            ``stop`` was set.
        """
        found = np.ones(count, dtype=bool)
        names = [name for name, values in self.columns.items() if values.dtype.kind in "UO"]
        for word in text.lower().split():
            here = np.zeros(count, dtype=bool)
            for name in names:
                texts = self._lower_case(name)
                for piece in pieces.pieces_of(count):
                    if stop.is_set():
                        raise Stopped
                    yield Progress(piece.start, count, "galaxies")
                    here[piece] |= np.array([word in each for each in texts[piece]], dtype=bool)
            found &= here
        return found


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Which galaxies are to be shown, in which order.

    Attributes
    ----------
    among
        (N,) truth values: all others are left out.
    text
        Words that have to occur; empty: none.
    by
        (N,) values by which they are sorted; None: they stay in ``order``.
    order
        (N,) rows in another order than that of the file, or some of them.
    descending
        The largest first, or the last one.
    """

    among: NDArray[np.bool_]
    text: str = ""
    by: NDArray[Any] | None = None
    order: NDArray[np.int64] | None = None
    descending: bool = False

    @property
    def takes_long(self) -> bool:
        """Whether every value has to be looked at."""
        return bool(self.text.split()) or (self.by is not None and self.order is None)


def arrange(wanted: Arrangement, finder: Finder, stop: threading.Event = NEVER) -> Work[NDArray[np.int64]]:
    """The rows to be shown.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    among = wanted.among
    if wanted.text.split():
        among = among & (yield from finder.search(wanted.text, len(among), stop))
    if wanted.order is not None:
        return wanted.order[among[wanted.order]]
    rows = np.flatnonzero(among)
    if wanted.by is not None:
        return (yield from sort_rows(wanted.by, rows, stop, descending=wanted.descending))
    return rows[::-1] if wanted.descending else rows


def sort_rows(
    values: NDArray[Any], rows: NDArray[np.int64], stop: threading.Event = NEVER, *, descending: bool = False
) -> Work[NDArray[np.int64]]:
    """Sort ``rows`` (n,) by their ``values`` (N,); the sort is stable, and missing values come last.

    Numbers stored as text are sorted as numbers, integers with all their digits: "10" after "9".

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    mine = values[rows]
    if mine.dtype.kind not in "UO":
        keys = (mine.astype(np.float64),)
        missing = ~np.isfinite(keys[0])
    else:
        texts = [str(text).strip() for text in pieces.listed(mine)]
        yield from next_step(stop)
        known, places = pieces.ranked(texts)
        yield from next_step(stop)
        keys, missing = _keys_of(known)
        keys, missing = tuple(key[places] for key in keys), missing[places]
        pieces.let_go(texts)
        pieces.let_go(known)
    yield from next_step(stop)
    keys = tuple(np.where(missing, 0, -key if descending else key) for key in keys)
    return rows[np.lexsort((*keys, missing))]


def _keys_of(texts: list[str]) -> tuple[tuple[NDArray[Any], ...], NDArray[np.bool_]]:
    """What different texts, in their order, are sorted by, the most important last; and which are missing values."""
    order, missing = np.arange(len(texts)), pieces.mapped(lambda text: not text, texts, np.bool_)
    if all(text.isdecimal() or not text for text in texts):
        return (order, pieces.mapped(lambda text: len(text.lstrip("0")), texts, np.int64)), missing
    if all(map(_is_number, texts[:_FIRST])) and all(map(_is_number, texts)):
        numbers = pieces.mapped(lambda text: float(label_text(text) or "nan"), texts, np.float64)
        return (numbers,), ~np.isfinite(numbers)
    return (order,), missing


def _is_number(text: str) -> bool:
    """Whether a text is a number, as among measured values with some given by hand, or a missing value."""
    try:
        float(label_text(text) or "nan")
    except ValueError:
        return False
    return True

"""Long lists in pieces, so that other threads run in between.

Python holds its lock from the beginning to the end of a call into C: while ``sorted`` or ``set`` looks at a million
texts, no other thread runs, and a window stands still for a second. Calls for some thousand texts each take no longer
altogether.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import Stopped
from core.events import NEVER, Progress, Work

PIECE = 4096  # values; some milliseconds of work


def pieces_of(count: int) -> Iterator[slice]:
    """The slices that make up ``count`` values."""
    return (slice(start, min(start + PIECE, count)) for start in range(0, count, PIECE))


def listed(values: NDArray[Any]) -> list[Any]:
    """An array (N,) as a list of Python's own values."""
    found: list[Any] = []
    for piece in pieces_of(len(values)):
        found += values[piece].tolist()
    return found


def mapped(function: Callable[[Any], Any], values: Sequence[Any] | NDArray[Any], dtype: Any) -> NDArray[Any]:
    """What a function makes of each of N values, as an array (N,)."""
    found = np.empty(len(values), dtype)
    for piece in pieces_of(len(values)):
        found[piece] = np.fromiter(map(function, values[piece]), dtype, piece.stop - piece.start)
    return found


def distinct(values: Sequence[Any]) -> list[Any]:
    """Each value once, in the order in which they come first."""
    found: dict[Any, None] = {}
    for piece in pieces_of(len(values)):
        found.update(dict.fromkeys(values[piece]))
    return list(found)


def ranked(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Each of the texts once, sorted; and the place (N,) of each text among them."""
    sample = sorted(texts[:: max(1, len(texts) // PIECE)])
    limits = sample[:: max(1, len(sample) * PIECE // max(1, len(texts)))][1:]
    heaps = mapped(lambda text: bisect_right(limits, text), texts, np.int64)
    order = np.argsort(heaps, kind="stable")
    begins = np.searchsorted(heaps[order], np.arange(len(limits) + 2)).tolist()
    known: list[str] = []
    places = np.empty(len(texts), np.int64)
    for begin, end in pairwise(begins):
        rows = order[begin:end]
        mine = [texts[row] for row in rows.tolist()]
        own = sorted(set(mine))
        rank = {text: place for place, text in enumerate(own, len(known))}
        places[rows] = mapped(rank.__getitem__, mine, np.int64)
        known += own
    return known, places


def let_go(values: list[Any]) -> None:
    """Empty a list that nobody needs any more, which in one go takes long."""
    while values:
        del values[-PIECE:]


def next_step(stop: threading.Event = NEVER) -> Work[None]:
    """Let whoever drives the work do something else before the next piece, whose length is not known.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    if stop.is_set():
        raise Stopped
    yield Progress(0, None)

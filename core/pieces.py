"""Long lists in pieces, so that other threads run in between.

Python holds its lock from the beginning to the end of a call into C: while ``sorted`` or ``set`` looks at a million
texts, no other thread runs, and a window stands still for a second. Calls for some thousand texts each take no longer
altogether.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def in_order(texts: Sequence[str]) -> list[str]:
    """The texts sorted, as ``sorted`` does it."""
    sample = sorted(texts[:: max(1, len(texts) // PIECE)])
    limits = sample[:: max(1, len(sample) * PIECE // max(1, len(texts)))]
    if len(limits) < 2:
        return sorted(texts)
    heaps: list[list[str]] = [[] for _ in range(len(limits) + 1)]
    for text in texts:
        heaps[bisect_right(limits, text)].append(text)
    for heap in heaps:
        heap.sort()
    return [text for heap in heaps for text in heap]

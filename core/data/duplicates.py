"""The same galaxy under two names: a leak where one is trained on and the other tested.

A copy that is turned, mirrored, shifted or cut out a little larger has another fingerprint and may have another id, so
that neither the import nor the draw of the parts sees that it is one. Here every stamp is described
(:mod:`core.data.stamp_matching`), each is compared with those of the most similar descriptions, and what correlates is
told. No network is needed: a leak is best found before the first training.

Of 1,000 and 3,246 Galaxy Zoo pictures, which share five galaxies at slightly other scales, all five are found; all of
150 planted copies were at the top of each other's descriptions.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs.utils import pixel_to_skycoord
from numpy.typing import NDArray

from core.data import stamp_matching
from core.data.cutouts import Cutouts
from core.errors import Stopped, UnreadableFile
from core.events import NEVER, Progress, Work
from core.reading import reading
from core.wording import count_of

THRESHOLD = 0.85
"""Least correlation of two stamps of the same galaxy.

Of 7,247 pairs of different Galaxy Zoo galaxies of the most similar descriptions, none reached 0.82. Of 100 copies
turned, mirrored, shifted by up to 4 of 64 pixels and scaled by up to 7 %, all reached 0.9; with as much noise added as
these pictures have, 91 reached 0.85, and with twice as much, 33.
"""

_NEIGHBOURS = 3  # of each galaxy, that are compared with it
_READ = 256  # stamps at once
_BLOCK = 1024  # galaxies whose neighbours are looked for at once


@dataclass(frozen=True)
class Galaxy:
    """A galaxy of a pair: its row and id in its dataset, and its part; empty: none."""

    data: Path
    row: int
    galaxy_id: str
    part: str


@dataclass(frozen=True)
class Duplicate:
    """Two stamps of the same galaxy, and how well they correlate after registration."""

    one: Galaxy
    other: Galaxy
    correlation: float

    @property
    def is_leak(self) -> bool:
        """Whether they are in different parts."""
        return bool(self.one.part and self.other.part) and self.one.part != self.other.part


@dataclass(frozen=True)
class Duplicates:
    """What was found.

    Attributes
    ----------
    pairs
        Leaks first, then by their correlation.
    galaxies
        How many galaxies were looked at.
    compared
        How many pairs were compared by their pixels.
    elsewhere
        How many more pairs look the same and are not, since their stamps show other places in the sky.
    """

    pairs: tuple[Duplicate, ...]
    galaxies: int
    compared: int
    elsewhere: int = 0

    @property
    def leaks(self) -> tuple[Duplicate, ...]:
        """The pairs in different parts."""
        return tuple(pair for pair in self.pairs if pair.is_leak)

    @property
    def remark(self) -> str:
        """What is to be known of those that are not told, as a sentence; empty: there are none."""
        if not self.elsewhere:
            return ""
        look, their = ("looks", "its") if self.elsewhere == 1 else ("look", "their")
        pairs = count_of(self.elsewhere, "more pair")
        return f"{pairs} {look} the same, but {their} stamps show other places in the sky: other galaxies."


@dataclass(frozen=True)
class Sample:
    """A dataset, and the part of each of its galaxies; empty: none, or in none."""

    data: Path
    parts: Sequence[str] = ()


def find(samples: Sequence[Sample], stop: threading.Event = NEVER, *, threshold: float = THRESHOLD) -> Work[Duplicates]:
    """Find near-duplicates in a dataset, or between two of them.

    Two images of one id are known to be of one object, and are not told.

    Parameters
    ----------
    samples
        One dataset; or two, between which duplicates are looked for.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    threshold
        Least correlation.

    Raises
    ------
    UnreadableFile, WrongVersion
        A dataset cannot be read.

    Examples
    --------
    >>> from core.events import result_of
    >>> found = result_of(find([Sample("survey.h5")]))
    >>> found.galaxies, len(found.pairs)
    (90, 0)
    """
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(Cutouts.open(sample.data)) for sample in samples]
        descriptions: list[NDArray[np.float32]] = []
        for cutouts in opened:
            described = yield from _describe_all(cutouts, stop)
            descriptions.append(described)
        sizes = [len(cutouts) for cutouts in opened]
        candidates = yield from _find_candidates(descriptions, stop)
        galaxies = [
            Galaxy(sample.data, row, cutouts.ids[row], sample.parts[row] if len(sample.parts) else "")
            for sample, cutouts in zip(samples, opened, strict=True)
            for row in range(len(cutouts))
        ]
        candidates = [(one, other) for one, other in candidates if galaxies[one].galaxy_id != galaxies[other].galaxy_id]
        images = _Stamps(opened, sizes)
        found: list[Duplicate] = []
        elsewhere = 0
        for done, (one, other, correlation) in enumerate(_compare(images, candidates), 1):
            if stop.is_set():
                raise Stopped
            if correlation >= threshold and images.are_apart(one, other):
                elsewhere += 1
            elif correlation >= threshold:
                found.append(Duplicate(galaxies[one], galaxies[other], correlation))
            yield Progress(done, len(candidates), "pairs")
    found.sort(key=lambda pair: (not pair.is_leak, -pair.correlation))
    return Duplicates(tuple(found), sum(sizes), len(candidates), elsewhere)


class _Stamps:
    """The structures of the galaxies of several datasets, counted through."""

    def __init__(self, opened: Sequence[Cutouts], sizes: Sequence[int]) -> None:
        self._opened, self._starts = opened, np.cumsum([0, *sizes])

    def structure(self, number: int) -> NDArray[np.float32]:
        """The structure (64, 64) of one galaxy."""
        cutouts, row = self._at(number)
        return stamp_matching.find_structure(stamp_matching.prepare(cutouts.images[row][None])[0])

    def are_apart(self, one: int, other: int) -> bool:
        """Whether the stamps of two galaxies show places in the sky that do not touch; False where one is not known."""
        places = [self._find_place(number) for number in (one, other)]
        if places[0] is None or places[1] is None:
            return False
        (first, width), (second, breadth) = places[0], places[1]
        return bool(first.separation(second).deg > (width + breadth) / 2)

    def _find_place(self, number: int) -> tuple[SkyCoord, float] | None:
        """Centre and diagonal, in degrees, of a stamp in the sky; None where its coordinates are not known."""
        cutouts, row = self._at(number)
        height, width = cutouts.images.shape[-2:]
        x, y = ((side - 1) * np.array([0.5, 0, 1]) for side in (width, height))
        with contextlib.suppress(UnreadableFile), reading("The coordinates", cutouts.path):
            coordinates = cutouts.wcs(row)
            if coordinates is not None and coordinates.has_celestial:
                found: Any = pixel_to_skycoord(x, y, coordinates.celestial)  # astropy's frames have no types
                return found.icrs[0], float(found[1].separation(found[2]).deg)
        return None

    def _at(self, number: int) -> tuple[Cutouts, int]:
        place = int(np.searchsorted(self._starts, number, side="right")) - 1
        return self._opened[place], number - int(self._starts[place])


def _describe_all(cutouts: Cutouts, stop: threading.Event) -> Work[NDArray[np.float32]]:
    """The descriptions (N, 64) of all galaxies of a dataset."""
    found: list[NDArray[np.float32]] = []
    for first in range(0, len(cutouts), _READ):
        yield Progress(first, len(cutouts), "galaxies")
        if stop.is_set():
            raise Stopped
        found.append(stamp_matching.describe(stamp_matching.prepare(cutouts.images[first : first + _READ])))
    yield Progress(len(cutouts), len(cutouts), "galaxies")
    return np.concatenate(found) if found else np.zeros((0, 1), np.float32)


def _find_candidates(descriptions: Sequence[NDArray[np.float32]], stop: threading.Event) -> Work[list[tuple[int, int]]]:
    """Pairs of galaxies, counted through all datasets, one of which is among the nearest of the other."""
    whole = standardise(np.concatenate(descriptions))
    first_size = len(descriptions[0])
    askers = whole if len(descriptions) == 1 else whole[first_size:]
    asked = whole if len(descriptions) == 1 else whole[:first_size]
    offset = 0 if len(descriptions) == 1 else first_size
    pairs: set[tuple[int, int]] = set()
    kept = min(_NEIGHBOURS, len(asked) - (offset == 0))
    for first in range(0, len(askers) if kept > 0 else 0, _BLOCK):
        yield Progress(first, len(askers), "galaxies compared")
        if stop.is_set():
            raise Stopped
        likeness = askers[first : first + _BLOCK] @ asked.T
        numbers = np.arange(first, first + len(likeness))
        if offset == 0:
            likeness[np.arange(len(likeness)), numbers] = -np.inf
        near = np.argpartition(likeness, likeness.shape[1] - kept, axis=1)[:, likeness.shape[1] - kept :]
        for number, line in zip((numbers + offset).tolist(), near.tolist(), strict=True):
            pairs.update((min(number, other), max(number, other)) for other in line)
    return sorted(pairs)


def standardise(descriptions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Descriptions whose products are cosines: of length 1, each number as spread as the others, of length 1 again."""
    lengths = np.linalg.norm(descriptions, axis=1, keepdims=True)
    found = descriptions / np.where(lengths > 0, lengths, 1)
    spread = found.std(axis=0)
    found = (found - found.mean(axis=0)) / np.where(spread > 0, spread, 1)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _compare(images: _Stamps, pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, float]]:
    """The correlation of each pair, of which those of one galaxy come together."""
    at, registration = -1, None
    for one, other in pairs:
        if one != at or registration is None:
            at, registration = one, stamp_matching.Registration(images.structure(one))
        yield one, other, registration.correlate(images.structure(other))

"""Reading plain FITS files many at a time: a survey's cutouts that need neither resizing nor filling.

Checking and converting a cutout of some kilobytes is quick, and the calls for it are not. So files that hold one plain
image of the stamps' size, and say the same of it, are read into one array, which is checked and converted as a whole.
A file whose header is like the last one's is read right into its place there. Whatever is anything else, or of which
any value is out of the ordinary, is read as :func:`core.data.readers.read` does; the results are the same.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import fits, marks, plain_fits, stamps
from core.data.discovery import Source
from core.data.regular_files import read_into
from core.data.settings import ImportSettings
from core.data.stamp_format import StampFormat
from core.data.stamps import Cutout
from core.errors import Stopped
from core.events import NEVER

_LONGEST = 64  # files
_MOST_BYTES = 1 << 23
_LONGEST_TIME = 0.1  # seconds: a slow disk is seen to go on
_LONGEST_PAUSE = 64  # files
_FEW = 16  # pixels
_SMALL_POWER = 0.1 * marks.SMALLEST**2  # sum of squares; with one mark it is larger, however it is rounded


@dataclass(frozen=True, eq=False)
class PlainRun:
    """Stamps of consecutive sources.

    Attributes
    ----------
    first
        Index of the first source.
    images
        (n, C, size, size) float32; valid until the next run is asked for.
    is_in_place
        Whether they are at the beginning of the room that was given for them.
    wcs
        Header cards of each, see :mod:`core.data.wcs`.
    pixel_scale
        Of all of them [arcsec/pixel].
    example
        The first as a cutout: bands, unit and zero points are those of all.
    """

    first: int
    images: NDArray[np.float32]
    is_in_place: bool
    wcs: list[str]
    pixel_scale: float
    example: Cutout

    def __len__(self) -> int:
        return len(self.wcs)


class PlainRuns:
    """Finds the plain files among sources and reads them together.

    Parameters
    ----------
    sources
        The files.
    settings, plan
        The format of the stamps.
    stop
        Checked for every file.
    free
        Gives the room for the next stamps, at least one; whatever was written into it is the caller's once the run
        was yielded. None: there is some.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        settings: ImportSettings,
        plan: StampFormat,
        stop: threading.Event = NEVER,
        free: Callable[[], NDArray[np.float32]] | None = None,
    ) -> None:
        self._sources, self._settings, self._plan, self._stop = sources, settings, plan, stop
        self._possible = (
            settings.hdu in fits.PRIMARY
            and settings.field is None
            and plan.dtype == "float32"
            and plan.size >= stamps.SMALLEST
        )
        self._longest = max(1, min(_LONGEST, _MOST_BYTES // (4 * math.prod(plan.shape))))
        self._free = free or np.empty((self._longest if self._possible else 0, *plan.shape), np.float32).view
        self._room: _Room | None = None  # with the files of a run that is being read
        self._count = 0  # of them
        self._sky: list[str] = []  # of the first ones; those of the others are still in their headers
        self._looked_at: tuple[plain_fits.PlainForm | None, bool] = (None, False)
        self._untried = 0  # files that are not tried, since those before them were not plain

    def __iter__(self) -> Iterator[int | PlainRun]:
        """Yield the runs, and in their order the indices of the sources that are to be read otherwise.

        Raises
        ------
        Stopped
            ``stop`` was set.
        """
        pause, begun = 0, 0.0
        for place, source in enumerate(self._sources):
            if self._stop.is_set():
                raise Stopped
            now = time.monotonic()
            if (self._room is not None and self._count == self._room.files) or now > begun + _LONGEST_TIME:
                yield from self._take(place)
            if not self._count:
                begun = now
            if self._untried:
                self._untried -= 1
            elif self._possible and source.kind == "fits":
                if self._room is not None and self._room.read(source.path, self._count):
                    self._count, pause = self._count + 1, 0
                    continue
                if (plain := self._read(source.path)) is not None:
                    if self._room is None or not self._room.suits(plain.layout):
                        yield from self._take(place)
                        self._room = _Room(plain.layout, self._longest)
                    self._add(self._room, plain)
                    pause = 0
                    continue
                self._untried, pause = pause, min(2 * pause + 1, _LONGEST_PAUSE)
            yield from self._take(place)
            yield place
        yield from self._take(len(self._sources))

    def _read(self, path: str) -> plain_fits.PlainFile | None:
        plain = fits.read_plain(path)
        if plain is None:
            return None
        if plain.layout.form is not self._looked_at[0]:
            self._looked_at = plain.layout.form, self._is_fitting(plain.layout.form)
        return plain if self._looked_at[1] else None

    def _is_fitting(self, form: plain_fits.PlainForm) -> bool:
        if form.dtype == ">u1" or form.shape != self._plan.shape:
            return False
        return not self._plan.differs_in_order(Cutout(np.empty((0, 0, 0), np.float32), form.bands), self._settings)

    def _add(self, room: _Room, plain: plain_fits.PlainFile) -> None:
        """Add a file of another header than those before it, though of the same form."""
        self._find_sky(room)
        room.put(plain, self._count)
        self._sky.append(plain.sky)
        self._count += 1

    def _find_sky(self, room: _Room) -> None:
        self._sky += room.layout.coordinates(room.headers(len(self._sky), self._count))

    def _take(self, end: int) -> Iterator[int | PlainRun]:
        """What was read, up to the source at this index."""
        room, count = self._room, self._count
        if room is None or not count:
            return
        self._find_sky(room)
        done, usual = 0, 0
        while done < count:
            images = self._free()[: count - done]
            with np.errstate(over="ignore"):  # what becomes infinite is a missing pixel
                np.copyto(images, room.pixels(done, done + len(images)), casting="unsafe")
            are_usual = _are_usual(images.reshape(len(images), -1))
            usual += np.count_nonzero(are_usual)
            yield from self._split(room.layout.form, end - count, done, images, are_usual)
            done += len(images)
        if 2 * usual < count:
            self._untried = _LONGEST_PAUSE
        self._count, self._sky = 0, []

    def _split(
        self,
        form: plain_fits.PlainForm,
        first: int,
        row: int,
        images: NDArray[np.float32],
        are_usual: NDArray[np.bool_],
    ) -> Iterator[int | PlainRun]:
        """Runs of the usual ones of these images, and the others between; they begin with this row of what was read."""
        start, is_in_place = 0, True
        for odd in (*np.flatnonzero(~are_usual).tolist(), len(images)):
            if odd > start:
                yield self._run(form, first + row + start, images[start:odd], row + start, is_in_place)
            if odd < len(images):
                if is_in_place:  # whoever reads that one may write here
                    images, is_in_place = images.copy(), False
                yield first + row + odd
            start = odd + 1

    def _run(
        self, form: plain_fits.PlainForm, first: int, images: NDArray[np.float32], row: int, is_in_place: bool
    ) -> PlainRun:
        sky, given = self._sky[row : row + len(images)], self._settings.pixel_scale
        return PlainRun(
            first,
            images,
            is_in_place,
            sky,
            given if math.isnan(form.pixel_scale) and given else form.pixel_scale,
            Cutout(images[0], form.bands, sky[0], form.pixel_scale, form.unit, zero_points=form.zero_points),
        )


def _are_usual(images: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which images (n, pixels) have values of more than one kind, none of which is or marks a missing pixel."""
    with np.errstate(over="ignore", invalid="ignore"):
        power = np.einsum("ij,ij->i", images, images)  # in a fraction of the time of looking for the extremes
        usual = (power < _SMALL_POWER) & (images[:, :_FEW] != images[:, :1]).any(axis=1)
        for place in np.flatnonzero(~usual):
            low, high = images[place].min(), images[place].max()
            usual[place] = low > -marks.SMALLEST and high < marks.SMALLEST and low < high  # False where any is NaN
    return usual


class _Room:
    """Memory for the headers and pixels of some files of one form, as they are in the files.

    ``layout`` is that of the file that was added last, ``files`` for how many there is room.
    """

    def __init__(self, layout: plain_fits.Layout, most: int) -> None:
        self.layout, self.files = layout, max(1, min(most, _MOST_BYTES // layout.start))  # headers may be long, too
        self._pixels = np.empty((self.files, layout.form.length), np.uint8)
        self._heads = [bytearray(layout.start) for _ in range(self.files)]
        self._parts = [(head, row.data) for head, row in zip(self._heads, self._pixels, strict=True)]

    def suits(self, layout: plain_fits.Layout) -> bool:
        """Whether a file of this layout can be put into it."""
        return layout.form is self.layout.form and layout.start == self.layout.start

    def read(self, name: str, row: int) -> bool:
        """Read a file into a row; whether it has the same header, but for what varies, and is whole."""
        try:
            is_read = read_into(name, self._parts[row], self.layout.size, self.layout.sizes)
        except OSError:  # it is told by whoever reads the file as any other
            return False
        return is_read and self.layout.matches(self._heads[row])

    def put(self, plain: plain_fits.PlainFile, row: int) -> None:
        """Put a file of the same form into a row; its header is that by which the next ones are read."""
        self._pixels[row] = plain.pixels.reshape(-1).view(np.uint8)
        self.layout = plain.layout

    def headers(self, first: int, last: int) -> bytes:
        """Of some rows, one after the other."""
        return b"".join(self._heads[first:last])

    def pixels(self, first: int, last: int) -> NDArray[Any]:
        """Of some rows (n, C, H, W), in the byte order of FITS."""
        form = self.layout.form
        return self._pixels[first:last].view(form.dtype).reshape(last - first, *form.shape)

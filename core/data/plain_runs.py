"""Reading plain FITS files many at a time: a survey's cutouts that need neither resizing nor filling.

Checking and converting a cutout of some kilobytes is quick, and the calls for it are not. So files that hold one plain
image of the stamps' size, and say the same of it, are read into one array, which is checked and converted as a whole.
Whatever is anything else, or of which any value is out of the ordinary, is read as :func:`core.data.readers.read` does;
the results are the same.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data import fits, marks, plain_fits, stamps
from core.data.discovery import Source
from core.data.settings import ImportSettings
from core.data.stamp_format import StampFormat
from core.data.stamps import Cutout
from core.errors import Stopped
from core.events import NEVER

_LONGEST = 64  # files
_MOST_BYTES = 1 << 23
_LONGEST_TIME = 0.1  # seconds: a slow disk is seen to go on
_LONGEST_PAUSE = 64  # files


@dataclass(frozen=True, eq=False)
class PlainRun:
    """Stamps of consecutive sources.

    Attributes
    ----------
    first
        Index of the first source.
    names
        Of the galaxies.
    images
        (n, C, size, size) float32; valid until the next run is asked for.
    wcs
        Header cards of each, see :mod:`core.data.wcs`.
    pixel_scale
        Of all of them [arcsec/pixel].
    example
        The first as a cutout: bands, unit and zero points are those of all.
    """

    first: int
    names: list[str]
    images: NDArray[np.float32]
    wcs: list[str]
    pixel_scale: float
    example: Cutout


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
    """

    def __init__(
        self, sources: Sequence[Source], settings: ImportSettings, plan: StampFormat, stop: threading.Event = NEVER
    ) -> None:
        self._sources, self._settings, self._plan, self._stop = sources, settings, plan, stop
        self._possible = (
            settings.hdu in fits.PRIMARY
            and settings.field is None
            and plan.dtype == "float32"
            and plan.size >= stamps.SMALLEST
        )
        longest = max(1, min(_LONGEST, _MOST_BYTES // (4 * math.prod(plan.shape)))) if self._possible else 0
        self._images = np.empty((longest, *plan.shape), np.float32)
        self._form: plain_fits.PlainForm | None = None  # of the run that is being read
        self._sky: list[str] = []
        self._looked_at: tuple[plain_fits.PlainForm | None, bool] = (None, False)
        self._untried = 0  # files that are not tried, since those before them were not plain

    def __iter__(self) -> Iterator[int | PlainRun]:
        """Yield the runs, and in their order the indices of the sources that are to be read otherwise.

        Raises
        ------
        Stopped
            ``stop`` was set.
        """
        pause, begun = 0, time.monotonic()
        for place, source in enumerate(self._sources):
            if self._stop.is_set():
                raise Stopped
            plain = None
            if self._untried:
                self._untried -= 1
            elif self._possible and source.kind == "fits":
                plain = self._read(source.path)
                if plain is None:
                    self._untried, pause = pause, min(2 * pause + 1, _LONGEST_PAUSE)
                else:
                    pause = 0
            if plain is None:
                yield from self._take(place)
                yield place
                continue
            now = time.monotonic()
            if plain.form is not self._form or len(self._sky) == len(self._images) or now > begun + _LONGEST_TIME:
                yield from self._take(place)
                self._form, begun = plain.form, now
            self._images[len(self._sky)] = (
                plain_fits.to_native(plain.pixels) if plain.form.dtype == ">f8" else plain.pixels
            )
            self._sky.append(plain.sky)
        yield from self._take(len(self._sources))

    def _read(self, path: str) -> plain_fits.PlainFile | None:
        plain = fits.read_plain(path)
        if plain is None:
            return None
        if plain.form is not self._looked_at[0]:
            self._looked_at = plain.form, self._is_fitting(plain.form)
        return plain if self._looked_at[1] else None

    def _is_fitting(self, form: plain_fits.PlainForm) -> bool:
        if form.dtype == ">u1" or form.shape != self._plan.shape:
            return False
        return not self._plan.differs_in_order(Cutout(self._images[:0], form.bands), self._settings)

    def _take(self, end: int) -> Iterator[int | PlainRun]:
        """What was read, up to the source at this index."""
        count = len(self._sky)
        if not count:
            return
        first, images = end - count, self._images[:count].reshape(count, -1)
        with np.errstate(invalid="ignore"):
            low, high = images.min(axis=1), images.max(axis=1)
        usual = (low > -marks.SMALLEST) & (high < marks.SMALLEST) & (low < high)  # False where any is NaN
        if 2 * np.count_nonzero(usual) < count:
            self._untried = _LONGEST_PAUSE
        start = 0
        for odd in (*np.flatnonzero(~usual).tolist(), count):
            if odd > start:
                yield self._run(first, start, odd)
            if odd < count:
                yield first + odd
            start = odd + 1
        self._sky = []

    def _run(self, first: int, start: int, end: int) -> PlainRun:
        form, images, sky = self._form, self._images[start:end], self._sky[start:end]
        assert form is not None
        given = self._settings.pixel_scale
        return PlainRun(
            first + start,
            [source.stem for source in self._sources[first + start : first + end]],
            images,
            sky,
            given if math.isnan(form.pixel_scale) and given else form.pixel_scale,
            Cutout(images[0], form.bands, sky[0], form.pixel_scale, form.unit, zero_points=form.zero_points),
        )

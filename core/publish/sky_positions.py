"""Where on the sky the galaxies of a dataset are: by its catalogue, or by the coordinates of the stamps."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.errors import Stopped
from core.events import NEVER, Progress, Work

_RA = re.compile(
    r"_?(ra|ra_?deg|raj2000|ra_?j2000|alpha_?j2000|right_?ascension|ra_?icrs|alpha|target_?ra)", re.IGNORECASE
)
_DEC = re.compile(
    r"_?(dec?|dec?_?deg|dec?_?j2000|delta_?j2000|declination|dec?_?icrs|delta|target_?dec)", re.IGNORECASE
)
_REPORT_EVERY = 200
MOST_STAMPS = 10_000
"""Whose positions are read from their headers."""


@dataclass(frozen=True, eq=False)
class SkyPositions:
    """Right ascension and declination [deg], each (N,), NaN where unknown; and where they are from.

    ``columns`` are the catalogue's two columns; None: they are those of the stamps' centres.
    """

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    columns: tuple[str, str] | None

    def nearest(self, ra: float, dec: float) -> tuple[int, float]:
        """Row of the galaxy nearest to a position [deg], and its distance [arcsec]; −1 and infinity: none is known."""
        known = np.flatnonzero(np.isfinite(self.ra) & np.isfinite(self.dec))
        if not len(known):
            return -1, float("inf")
        ra0, dec0, ras, decs = map(np.radians, (ra, dec, self.ra[known], self.dec[known]))
        a = np.sin((decs - dec0) / 2) ** 2 + np.cos(decs) * np.cos(dec0) * np.sin((ras - ra0) / 2) ** 2  # haversine
        place = int(np.argmin(a))
        return int(known[place]), float(np.degrees(2 * np.arcsin(min(1.0, float(np.sqrt(a[place]))))) * 3600)


def find_columns(columns: Mapping[str, NDArray[Any]]) -> tuple[str, str] | None:
    """The catalogue's columns of right ascension and declination in degrees; None: there are none."""
    numbers = {name: values for name, values in columns.items() if values.dtype.kind in "fiu" and values.ndim == 1}
    ra = next((name for name, values in numbers.items() if _RA.fullmatch(name) and _is_within(values, 0, 360)), None)
    dec = next((name for name, values in numbers.items() if _DEC.fullmatch(name) and _is_within(values, -90, 90)), None)
    return None if ra is None or dec is None else (ra, dec)


def _is_within(values: NDArray[Any], low: float, high: float) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 0 and bool((known >= low).all() and (known <= high).all())


def read(cutouts: Cutouts, rows: NDArray[np.int64], stop: threading.Event = NEVER) -> Work[SkyPositions]:
    """The positions of galaxies of an open dataset: of all by its catalogue, or of some by their stamps.

    Of more than 10,000 rows the stamps, which are read one by one, are not asked.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    found = find_columns(cutouts.columns)
    if found is not None:
        ra, dec = (np.asarray(cutouts.columns[name], dtype=np.float64) for name in found)
        return SkyPositions(ra, dec, found)
    ra, dec = np.full(len(cutouts), np.nan), np.full(len(cutouts), np.nan)
    height, width = cutouts.shape[2:]
    for number, row in enumerate(rows.tolist() if len(rows) <= MOST_STAMPS else ()):
        if number % _REPORT_EVERY == 0:
            if stop.is_set():
                raise Stopped
            yield Progress(number, len(rows), "positions")
        if (wcs := cutouts.wcs(row)) is not None:
            ra[row], dec[row] = wcs.celestial.wcs_pix2world((width - 1) / 2, (height - 1) / 2, 0)
    return SkyPositions(ra, dec, None)

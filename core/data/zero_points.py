"""Zero points: the magnitude of one unit of the pixels, as headers tell it or as the user gives it.

Headers tell it in several ways. The unit may be a flux itself, as nanomaggies (22.5) or nJy (31.4), or in MJy/sr with
the area of a pixel; a keyword may say it (``MAGZERO``, ``MAGZP``, ``PHOTZP``, ``ZP``; a zero there is taken for
“not set”); ``FLUXMAG0`` is the flux of magnitude 0; and HST gives ``PHOTFLAM`` and ``PHOTPLAM``, which hold for pixels
that are counts or electrons *per second*. Magnitudes are AB but where a keyword is of another system.

References
----------
Oke & Gunn 1983, ApJ 266, 713 (AB); Bohlin et al. 2011, AJ 141, 173 and the ACS Data Handbook, 5.1 (PHOTFLAM).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from core.data import wcs
from core.errors import SettingsProblem
from core.wording import count_of

_SAID = ("MAGZERO", "MAGZEROP", "MAGZP", "PHOTZP", "ZP")
CARDS = (*_SAID, "FLUXMAG0", "PHOTFLAM", "PHOTPLAM", "PIXAR_SR")
"""Cards of a header that tell of it, beside that of the unit."""

_JANSKY = 8.9  # AB magnitude of 1 Jy
_OF_UNITS = {
    **dict.fromkeys(("nanomaggy", "nanomaggies", "nmgy"), 22.5),
    "Jy": _JANSKY,
    "mJy": 16.4,
    "uJy": 23.9,
    "µJy": 23.9,
    "nJy": 31.4,
}
_RATE = re.compile(r"(electrons?|e-?|counts?|cts?|dn|adu)\s*(/|per)\s*s(ec|econd)?$", re.IGNORECASE)
_LOWEST, _HIGHEST = -10.0, 60.0  # mag
_SAME = 1e-3  # mag
_ARCSEC = math.pi / 180 / 3600  # rad


def parse(text: str, where: str = "zero_point") -> tuple[float, ...]:
    """Read ``"25.94"``, or one zero point for each band, ``"26.5,25.94"``; none of an empty text.

    Raises
    ------
    SettingsProblem
        It is no number, or none that a zero point can have.
    """
    return require_possible([part.strip() for part in text.split(",")] if text.strip() else [], where)


def require_possible(given: Sequence[float | str], where: str = "zero_point") -> tuple[float, ...]:
    """Require of numbers, also as text, that they can be zero points.

    Raises
    ------
    SettingsProblem
        One is no number, or far from all that there are.
    """
    try:
        found = tuple(float(value) for value in given)
    except (TypeError, ValueError):
        found = (math.nan,)
    if not all(_LOWEST <= value <= _HIGHEST for value in found):
        raise SettingsProblem(
            f"“{', '.join(map(str, given))}” is no zero point.",
            "Give the magnitude of one unit of the pixels, as in 25.94, or one for each band, separated by commas.",
            where,
        )
    return found


def spread(given: Sequence[float], bands: Sequence[str], where: str = "zero_point") -> tuple[float, ...]:
    """One zero point for each band, from one for all or one for each.

    Raises
    ------
    SettingsProblem
        There are more or fewer.
    """
    values = tuple(given) * (len(bands) if len(given) == 1 else 1)
    if len(values) != len(bands):
        raise SettingsProblem(
            f"{count_of(len(values), 'zero point')} for {count_of(len(bands), 'band')}: {', '.join(bands)}.",
            "Give one that holds for all, or one for each band in this order.",
            where,
        )
    return values


def of_header(cards: wcs.Cards, pixel_scale: float, planes: int) -> tuple[float, ...]:
    """The magnitude of one unit of the pixels as a header tells it, once for each plane; empty if it does not.

    Parameters
    ----------
    cards
        Of the header, as they stand.
    pixel_scale
        In arcsec/pixel, for pixels in MJy/sr; NaN if unknown.
    planes
        That the image has.
    """
    unit = wcs.unit(cards)
    number = {name: wcs.number_of(cards[name]) for name in CARDS if name in cards}
    found = _of_unit(unit, number.get("PIXAR_SR", (pixel_scale * _ARCSEC) ** 2))
    for name in _SAID:
        if math.isnan(found) and number.get(name, 0.0) != 0:
            found = number[name]
    if math.isnan(found) and number.get("FLUXMAG0", 0.0) > 0:
        found = 2.5 * math.log10(number["FLUXMAG0"])
    flux, pivot = number.get("PHOTFLAM", 0.0), number.get("PHOTPLAM", 0.0)
    if math.isnan(found) and flux > 0 and pivot > 0 and _RATE.match(unit):
        found = -2.5 * math.log10(flux) - 21.10 - 5 * math.log10(pivot) + 18.6921
    return (found,) * planes if _LOWEST <= found <= _HIGHEST else ()


def _of_unit(unit: str, area: float) -> float:
    """Of pixels that are fluxes, or of a surface brightness with the area of a pixel [sr]."""
    if unit in _OF_UNITS or unit.lower() in _OF_UNITS:
        return _OF_UNITS.get(unit, _OF_UNITS.get(unit.lower(), math.nan))
    if unit.replace(" ", "") in {"MJy/sr", "MJysr-1", "MJy.sr-1"} and area > 0:
        return _JANSKY - 2.5 * math.log10(1e6 * area)
    return math.nan


def of_larger_pixels(zero_point: float, ratio: float) -> float:
    """The zero point of pixels whose sides are longer by a ratio and whose values are means of those they cover."""
    return zero_point - 5 * math.log10(ratio)


class ZeroPoints:
    """What the stamps of a dataset say of the zero points of its bands.

    Parameters
    ----------
    bands
        Names of the bands.
    given
        By the user, of the pixels of the files, in place of those of the headers: one for all bands or one for each.
    """

    def __init__(self, bands: Sequence[str], given: Sequence[float] = ()) -> None:
        self._bands = tuple(bands)
        self._given = spread(given, self._bands) if given else ()
        self._found: list[Counter[float | None]] = [Counter() for _ in self._bands]
        self._contradicted: Counter[float] = Counter()

    def add(self, of_file: Sequence[float], ratio: float, count: int = 1) -> None:
        """Take a stamp into account, or several alike.

        Parameters
        ----------
        of_file
            Of each band, from the header of its file; NaN where unknown; empty: none is known.
        ratio
            Of the side of a stamp's pixel to that of its file's.
        count
            How many stamps.
        """
        known = tuple(of_file) or (math.nan,) * len(self._bands)
        for place, own in enumerate(known):
            value = self._given[place] if self._given else own
            shown = None if math.isnan(value) else round(of_larger_pixels(value, ratio), 4)
            self._found[place][shown] += count
            if self._given and abs(own - value) > _SAME:
                self._contradicted[round(own, 4)] += count

    @property
    def values(self) -> list[float | None]:
        """Of each band that of all its stamps; None where it is unknown, or not the same for all."""
        return [_common(found) for found in self._found]

    @property
    def notes(self) -> list[str]:
        """Where they come from, or why there are none, in sentences; nothing where no header and nobody says any."""
        told = [found for found in self._found if set(found) - {None}]
        if not told:
            return []
        values = self.values
        known = [(name, value) for name, value in zip(self._bands, values, strict=True) if value is not None]
        notes: list[str] = []
        if known:
            source = "was given" if self._given else "is from the headers"
            notes.append(f"The magnitude of one unit of the stamps' pixels {source}: {_listed(known, self._bands)}.")
        return [*notes, *self.doubts]

    @property
    def doubts(self) -> list[str]:
        """Why some are not known although headers say some, and where headers contradict what was given."""
        notes: list[str] = []
        for name, found, value in zip(self._bands, self._found, self.values, strict=True):
            if value is None and set(found) - {None}:
                notes.append(_why_unknown(name, found))
        if self._contradicted:
            others = sorted(self._contradicted)
            span = f"{others[0]:g}" if len(others) == 1 else f"{others[0]:g} to {others[-1]:g}"
            notes.append(f"The headers say otherwise than the zero point that was given: {span}.")
        return notes


def _common(found: Counter[float | None]) -> float | None:
    values = [value for value in found if value is not None]
    if not values or None in found or max(values) - min(values) > _SAME:
        return None
    return values[0]


def _listed(known: Sequence[tuple[str, float]], bands: Sequence[str]) -> str:
    values = {value for _, value in known}
    if len(known) == len(bands) and len(values) == 1:
        return f"{known[0][1]:g} mag"
    return ", ".join(f"{name} {value:g} mag" for name, value in known)


def _why_unknown(band: str, found: Counter[float | None]) -> str:
    values, without = [value for value in found if value is not None], found[None]
    if without:
        return (
            f"The zero point of {band} is not known: {count_of(without, 'file')} of {found.total():,} "
            f"{'says' if without == 1 else 'say'} none. Give it if it is the same for all."
        )
    return (
        f"The zero point of {band} is not the same for all stamps, {min(values):g} to {max(values):g} mag, and is not "
        "kept: magnitudes need files with one zero point that are resampled alike."
    )

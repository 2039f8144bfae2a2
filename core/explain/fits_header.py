"""What is written on a result that leaves the program: the cards of its FITS header, words on its figures."""

from __future__ import annotations

import math
from collections.abc import Iterable

from astropy.io import fits
from astropy.wcs import WCS

from core.settings.declare import Settings, knobs

Card = tuple[str, str | float | int | None, str]


def header(cards: Iterable[Card], settings: Settings, wcs: WCS | None = None) -> fits.Header:
    """Keywords, values and comments, then the settings one by one, after the ``wcs`` of the cutout where it is known.

    FITS headers know neither NaN nor infinity, which become undefined values, and no letters but ASCII.
    """
    written = fits.Header() if wcs is None else wcs.celestial.to_header()
    for keyword, value, comment in (*cards, *_settings(settings)):
        if isinstance(value, float) and not math.isfinite(value):
            value = None
        written[keyword] = (_ascii(value) if isinstance(value, str) else value, _ascii(comment))
    return written


def plain(text: str) -> str:
    """Keep matplotlib from reading a dollar sign as mathematics."""
    return text.replace("$", r"\$")


def _settings(settings: Settings) -> Iterable[Card]:
    for name, knob in knobs(type(settings)).items():
        unit = f" [{knob.unit}]" if knob.unit else ""
        yield name.replace("_", "").upper()[:8], getattr(settings, name), knob.title + unit


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode().replace("\n", " ")

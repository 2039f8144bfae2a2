"""FITS header cards of exported results."""

from __future__ import annotations

import math
from collections.abc import Iterable

from astropy import units
from astropy.io import fits
from astropy.wcs import WCS

from core.printable import replace_unprintable
from core.settings.declare import Settings, knobs

Card = tuple[str, str | float | int | None, str]


def build_header(cards: Iterable[Card], settings: Settings, wcs: WCS | None = None) -> fits.Header:
    """The ``wcs`` of the cutout where it is known, then keywords, values and comments, then the settings one by one.

    FITS headers allow neither NaN nor infinity, which become undefined values, and only printable ASCII characters.
    """
    written = fits.Header() if wcs is None else wcs.celestial.to_header()
    for keyword, value, comment in (*cards, *_settings_cards(settings)):
        if isinstance(value, float) and not math.isfinite(value):
            value = None
        written[keyword] = (_ascii(value) if isinstance(value, str) else value, _ascii(comment))
    return written


def standard_unit(text: str) -> str:
    """The unit for the keyword ``BUNIT``; empty if astropy, which refuses such a file, does not know it."""
    try:
        return units.Unit(text).to_string("fits") if text else ""
    except (ValueError, TypeError):
        return ""


def _settings_cards(settings: Settings) -> Iterable[Card]:
    for name, knob in knobs(type(settings)).items():
        unit = f" [{knob.unit}]" if knob.unit else ""
        yield name.replace("_", "").upper()[:8], getattr(settings, name), knob.title + unit


def _ascii(text: str) -> str:
    return replace_unprintable(text.replace("\n", " ").encode("ascii", "replace").decode(), "?")

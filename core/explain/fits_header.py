"""FITS header cards of exported results, and text that is safe for matplotlib."""

from __future__ import annotations

import math
from collections.abc import Iterable

from astropy.io import fits
from astropy.wcs import WCS

from core.settings.declare import Settings, knobs

_SHOWN = 60  # letters of a name in a figure

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


def escape_mathtext(text: str, most: int = _SHOWN) -> str:
    """Escape dollar signs, which matplotlib would read as mathematics; what cannot be shown becomes a question mark.

    A text of more than ``most`` letters, such as a long id, is shortened.
    """
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return (shown if len(shown) <= most else f"{shown[: most - 1]}…").replace("$", r"\$")


def _settings_cards(settings: Settings) -> Iterable[Card]:
    for name, knob in knobs(type(settings)).items():
        unit = f" [{knob.unit}]" if knob.unit else ""
        yield name.replace("_", "").upper()[:8], getattr(settings, name), knob.title + unit


def _ascii(text: str) -> str:
    letters = text.replace("\n", " ").encode("ascii", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in letters)

"""Reading FITS headers of cutouts: celestial coordinates, pixel scale, bands, unit.

Headers are handled as raw cards, because a cutout needs a dozen of them and building a full header object takes longer
than reading the image. The coordinates of a stamp are stored as such cards, one per line without comments, which
``astropy.io.fits.Header.fromstring`` reads with a line break as separator.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache

Cards = Mapping[str, str]  # keyword -> the card as it stands

COORDINATES = (
    *(f"{name}{axis}" for name in ("CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT", "CROTA") for axis in (1, 2)),
    *(f"{name}{row}_{column}" for name in ("CD", "PC") for row in (1, 2) for column in (1, 2)),
    *("LONPOLE", "LATPOLE", "RADESYS", "RADECSYS", "EQUINOX"),
)
_COORDINATES = frozenset(COORDINATES)
_DISTORTION = re.compile(r"(PV[12]_\d+|[AB]P?_(\d+_\d+|ORDER))\s*$")
_SCALES = ("PIXSCALE", "PIXELSCL", "PXSCALE", "PIXSCAL1", "SECPIX", "SECPIX1")
_FILTERS = ("FILTER", "BAND", "FILTER1", "FILTER2", "FILTNAM", "FILTNAM1")
DESCRIPTION = ("BUNIT", "BANDS", *_FILTERS, *_SCALES, *(f"BAND{plane}" for plane in range(17)))

_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_AFTER_NUMBER = {" ", "/", ""}
_CELESTIAL = re.compile(r"(RA-|DEC|.LON|.LAT|RA$)")
_ARCSEC = {"": 3600.0, "deg": 3600.0, "degree": 3600.0, "degrees": 3600.0, "arcmin": 60.0, "arcsec": 1.0}


@lru_cache(maxsize=4096)  # the cutouts of a survey share most of their cards
def text_of(card: str | None) -> str:
    """The value of a text card, without quotes and trailing blanks; of other cards, the value as written."""
    if card is None or card[8:10] != "= ":
        return ""
    value = card[10:].lstrip()
    if not value.startswith("'"):
        return value.split("/", 1)[0].strip()
    quoted = _QUOTED.match(value)
    return quoted[1].replace("''", "'").rstrip() if quoted else ""


@lru_cache(maxsize=4096)
def number_of(card: str | None) -> float:
    """The value of a number card; NaN where there is none."""
    if card is None:
        return math.nan
    try:  # fixed format, else everything before the comment
        return float(card[10:30] if card[30:31] in _AFTER_NUMBER else card[10:].split("/", 1)[0])
    except ValueError:
        pass
    try:  # Fortran's double precision, or a number that someone wrote as text
        return float(text_of(card).replace("D", "E").replace("d", "e"))
    except ValueError:
        return math.nan


def coordinates(cards: Cards) -> str:
    """The cards with celestial coordinates, one per line; empty if there are none."""
    if not _CELESTIAL.match(text_of(cards.get("CTYPE1"))):
        return ""
    has_polynomials = text_of(cards["CTYPE1"]).endswith("-SIP")  # else A_0_2 and the like are left over
    kept = {
        name: card
        for name, card in cards.items()
        if name in _COORDINATES or (is_distortion(name) and (has_polynomials or name.startswith("PV")))
    }
    if old := kept.pop("RADECSYS", ""):  # its name before the FITS WCS standard of 2002
        kept.setdefault("RADESYS", "RADESYS " + old[8:])
    return "\n".join([strip_comment(card) for card in kept.values()])


@lru_cache(maxsize=4096)
def strip_comment(card: str) -> str:
    """Remove the comment from a card."""
    if card[10:].lstrip().startswith("'"):
        return f"{card[:10]}'{text_of(card)}'"
    return card.split("/", 1)[0].rstrip()


def is_distortion(name: str) -> bool:
    """Whether this keyword belongs to a distortion polynomial (PV1_3, A_2_0, BP_ORDER)."""
    return "_" in name and _DISTORTION.match(name) is not None


def pixel_scale(cards: Cards) -> float:
    """Side of a pixel [arcsec], from the coordinates or else from a keyword such as PIXSCALE; NaN if unknown.

    The geometric mean of the two sides is taken where they differ.
    """
    if _CELESTIAL.match(text_of(cards.get("CTYPE1"))):
        unit = _ARCSEC.get(text_of(cards.get("CUNIT1")).lower(), math.nan)
        if "CD1_1" in cards or "CD1_2" in cards:
            area = abs(_determinant(cards, "CD", 0.0))
        else:
            area = abs(number_of(cards.get("CDELT1")) * number_of(cards.get("CDELT2")) * _determinant(cards, "PC", 1.0))
        if area > 0 and math.isfinite(area) and math.isfinite(unit):
            return math.sqrt(area) * unit
    for name in _SCALES:
        scale = abs(number_of(cards.get(name)))
        if scale > 0 and math.isfinite(scale):
            return scale
    return math.nan


def _determinant(cards: Cards, name: str, diagonal: float) -> float:
    elements = [
        number_of(cards[keyword]) if (keyword := name + place) in cards else default
        for place, default in (("1_1", diagonal), ("2_2", diagonal), ("1_2", 0.0), ("2_1", 0.0))
    ]
    return elements[0] * elements[1] - elements[2] * elements[3]


def bands(cards: Cards, planes: int) -> tuple[str, ...]:
    """Names of the planes if the header gives them, else an empty tuple.

    ``BANDS = 'irg'`` or ``'i,r,g'``, ``BAND0``, ``BAND1`` ..., and for a single plane the filter.
    """
    if together := text_of(cards.get("BANDS")):
        names = tuple(re.split(r"[,;\s]+", together))
        if len(names) == planes:
            return names
        if len(names) == 1 and len(together) == planes:
            return tuple(together)
    if planes == 1:
        for keyword in _FILTERS:
            if (name := text_of(cards.get(keyword))) and not name.upper().startswith("CLEAR"):
                return (name,)
    if planes < 17 and "BAND1" in cards:
        for first in (0, 1):
            names = tuple(text_of(cards.get(f"BAND{first + plane}")) for plane in range(planes))
            if all(names):
                return names
    return ()


def unit(cards: Cards) -> str:
    """Unit of the pixel values as written in the header."""
    return text_of(cards.get("BUNIT"))


def transform_coordinates(text: str, left: float, bottom: float, zoom: float = 1.0) -> str:
    """Transform coordinates to a stamp that was cropped or padded and then resampled.

    Parameters
    ----------
    text
        Cards as :func:`coordinates` gives them.
    left, bottom
        Columns and rows cut away on the left and at the bottom [pixels], also fractions; negative where it was padded.
    zoom
        New pixels per old pixel along a side.
    """
    if not text or (left == 0 and bottom == 0 and zoom == 1.0):
        return text
    cards = {card[:8].rstrip(): card for card in text.split("\n")}
    for name, cut in (("CRPIX1", left), ("CRPIX2", bottom)):
        reference = number_of(cards.get(name))
        reference = 0.0 if math.isnan(reference) else reference  # the standard's default
        cards[name] = _format_card(name, (reference - cut - 0.5) * zoom + 0.5)  # pixel 1 reaches from 0.5 to 1.5
    if zoom != 1.0:
        matrix = [name for name in cards if name.startswith("CD") and name[2:5] in {"1_1", "1_2", "2_1", "2_2"}]
        for name in matrix or ("CDELT1", "CDELT2"):
            if name in cards:
                cards[name] = _format_card(name, number_of(cards[name]) / zoom)
        # Distortion polynomials are in pixels: after resampling they would be wrong.
        cards = {name: card for name, card in cards.items() if not re.match(r"[AB]P?_", name)}
        for name in ("CTYPE1", "CTYPE2"):
            if name in cards:
                cards[name] = f"{name:8}= '{text_of(cards[name]).removesuffix('-SIP')}'"
    return "\n".join(cards.values())


def _format_card(name: str, value: float) -> str:
    return f"{name:8}= {repr(value).upper():>20}"

"""FITS files that hold one plain image and nothing else: the few header cards that matter, and the pixels.

The cutouts of a survey have headers of one layout, in which only a few values differ, so that a header is parsed once
for many of them: of the next one, only that it is the same but for these is looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import axes, read_errors, wcs, zero_points
from core.data.fits_headers import BLOCK
from core.data.limits import MOST_VALUES, require_moderate_size

_DTYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_STRUCTURE = ("BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "BSCALE", "BZERO", "BLANK", "GROUPS")
_END = b"END" + b" " * 77
_VARYING = ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "LATPOLE")  # differ from cutout to cutout
_last_layout: list[Layout | None] = [None]  # of the file that was read last: the next one is likely to have it, too
CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "?")
"""Characters that no header may hold, and no terminal gets."""
_CLEARED = bytes(range(256)).decode("latin-1").translate(CONTROLS).encode("latin-1")
DESCRIPTION = (*wcs.DESCRIPTION, *zero_points.CARDS)
"""Cards of units, bands and zero points."""


def parse(content: bytes, name: str) -> PlainFile | None:
    """What is in a file of this content and name; None if it is anything more than one plain image.

    Raises
    ------
    UnreadableFile
        It is cut off, or too large.
    """
    layout = _last_layout[0]
    if layout is None or not layout.matches(content):
        layout = _find_layout(content)
        if layout is None:
            return None
        _last_layout[0] = layout
    form = layout.form
    if form.count > MOST_VALUES:
        require_moderate_size(form.shape, name)
    if len(content) < layout.size:
        raise read_errors.truncated(name, len(content), layout.size)
    if len(content) not in layout.sizes:
        return None
    pixels = np.frombuffer(content, form.dtype, form.count, layout.start).reshape(form.shape)
    return PlainFile(layout, pixels, layout.coordinates(content[: layout.start])[0])


@dataclass(frozen=True)
class Layout:
    """A header that was parsed: where it ends, and what another one must share for its cards to say the same.

    ``shared`` are stretches of it, that begin at ``places``: the keywords of all cards, and of the relevant cards all;
    only the ``varying`` ones may differ in their values.
    """

    end: int
    shared: tuple[bytes, ...]
    places: tuple[int, ...]
    varying: tuple[int, ...]
    form: PlainForm

    @cached_property
    def start(self) -> int:
        """Where the pixels begin [bytes]."""
        return self.end - self.end % BLOCK + BLOCK

    @cached_property
    def size(self) -> int:
        """Where they end [bytes]; what follows fills the last block."""
        return self.start + self.form.length

    @cached_property
    def sizes(self) -> range:
        """Of files that hold the image and nothing after its padding [bytes]."""
        return range(self.size, self.size + BLOCK)

    def matches(self, content: bytes | bytearray) -> bool:
        """Whether a file begins with such a header."""
        return content.startswith(_END, self.end) and all(map(content.startswith, self.shared, self.places))

    def coordinates(self, headers: bytes) -> list[str]:
        """The cards with coordinates of each of several such headers, that follow one another to where pixels begin."""
        count, form = len(headers) // self.start, self.form
        if not form.sky or not self.varying or not count:
            return [form.sky] * count
        letters = np.frombuffer(headers, np.uint8).reshape(count, self.start) if count > 1 else None
        columns: list[list[str]] = []
        for place in self.varying:
            cards = headers[place : place + 80]
            if letters is not None and (letters[1:, place : place + 80] != letters[0, place : place + 80]).any():
                cards = letters[:, place : place + 80].tobytes()
            values = _without_comments(cards)
            columns.append(values if len(values) == count else values * count)
        return ["\n".join(lines) for lines in zip([form.sky] * count, *columns, strict=True)]


def _without_comments(cards: bytes) -> list[str]:
    """One or several cards, as :func:`core.data.wcs.strip_comment` gives each."""
    text = cards.translate(_CLEARED).decode("latin-1")
    each = [text[at : at + 80] for at in range(0, len(text), 80)]
    if "'" in text:
        return [*map(wcs.strip_comment, each)]
    return [card.split("/", 1)[0].rstrip() for card in each]


def _find_layout(content: bytes) -> Layout | None:
    if not content.startswith(b"SIMPLE  =                    T"):
        return None
    end = content.find(_END)
    while end % 80 and end > 0:  # the same letters inside a comment
        end = content.find(_END, end + 1)
    if end < 0:
        return None
    header = content[:end].decode("latin-1")
    constant, varying = _card_places("".join([header[letter::80] for letter in range(8)]))
    form = _parse_cards("".join([header[at : at + 80] for at in constant]))
    if form is None:
        return None
    whole = {0, *constant, *(at for at in range(0, end, 80) if content.startswith(b"END", at))}
    shared: list[bytes] = []
    places: list[int] = []
    for at in range(0, end, 80):
        text = content[at : at + (80 if at in whole else 8)]
        if shared and at == places[-1] + len(shared[-1]):
            shared[-1] += text
        else:
            shared.append(text)
            places.append(at)
    return Layout(end, tuple(shared), tuple(places), varying, form)


@lru_cache(maxsize=64)
def _card_places(letters: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions of the relevant cards: those that the cutouts of a survey share, and those that differ.

    ``letters`` are the first letters of all keywords, then all second letters, to the eighth.
    """
    count = len(letters) // 8
    keywords = [letters[card::count].rstrip() for card in range(count)]
    first = {keyword: 80 * card for card, keyword in reversed(list(enumerate(keywords)))}  # as astropy chooses
    wanted = (*_STRUCTURE, *wcs.COORDINATES, *DESCRIPTION)
    shared = [keyword for keyword in wanted if keyword in first and keyword not in _VARYING]
    shared += [keyword for keyword in first if wcs.is_distortion(keyword)]
    constant = tuple(first[keyword] for keyword in shared)
    return constant, tuple(first[keyword] for keyword in _VARYING if keyword in first)


@dataclass(frozen=True)
class PlainForm:
    """The header values that the cutouts of a survey share; ``length`` in bytes, ``sky`` without the varying cards."""

    dtype: str
    shape: tuple[int, ...]
    count: int
    length: int
    bands: tuple[str, ...]
    sky: str
    pixel_scale: float
    unit: str
    zero_points: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A plain image: ``pixels`` (C, H, W) as they are in the file, and its cards of coordinates."""

    layout: Layout
    pixels: NDArray[Any]
    sky: str


@lru_cache(maxsize=512)
def _parse_cards(text: str) -> PlainForm | None:
    """Parse the cards (80 characters each) of a plain image; None if it is not plain."""
    text = text.translate(CONTROLS)
    cards = {(card := text[at : at + 80])[:8].rstrip(): card for at in range(0, len(text), 80)}
    try:
        dtype = _DTYPES[int(cards["BITPIX"][10:30])]
        dimensions = int(cards["NAXIS"][10:30])
        shape = tuple(int(cards[f"NAXIS{axis}"][10:30]) for axis in range(dimensions, 0, -1))
    except (KeyError, ValueError):
        return None
    is_scaled = wcs.number_of(cards.get("BSCALE", "BSCALE  = 1")) != 1 or wcs.number_of(
        cards.get("BZERO", "BZERO   = 0")
    )
    if dimensions not in {2, 3} or min(shape) < 1 or is_scaled or "BLANK" in cards or "GROUPS" in cards:
        return None
    if dimensions == 3 and (axes.has_bands_last(shape) or wcs.is_other_axis(cards.get("CTYPE1"))):
        return None
    shape = (1, *shape) if dimensions == 2 else shape  # (C, H, W)
    count = math.prod(shape)
    bands, scale = wcs.bands(cards, shape[0]), wcs.pixel_scale(cards)
    length = count * int(dtype[2])
    known = zero_points.of_header(cards, scale, shape[0])
    return PlainForm(dtype, shape, count, length, bands, wcs.coordinates(cards), scale, wcs.unit(cards), known)


def to_native(data: NDArray[Any]) -> NDArray[Any]:
    """Convert pixels to native byte order: uint8 stays uint8, all else becomes float32."""
    if data.dtype.kind == "f" and data.dtype.itemsize > 4:
        with np.errstate(over="ignore"):  # becomes infinite, and that is a missing pixel
            return data.astype(np.float32)
    return data.astype(np.uint8 if data.dtype == np.uint8 else np.float32)

"""The keys by which a catalogue row finds its image."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from core.data.bands import IMAGE_ENDING

_LONG_ID = re.compile(r"\d{15,}")


def matching_keys(text: str) -> tuple[str, str, str]:
    """Three matching keys of an image, from exact to lenient, from its path, file name or id.

    Folder and name without extension; name without extension; the long number in the name, or the number without
    leading zeros. Empty where there is none. Accented letters are composed, so that a name from a Mac matches.
    """
    above, _, name = whole_path(text).rpartition("/")
    folder = above.rpartition("/")[2]
    return (f"{folder}/{name}" if folder and folder != "." else "", name, number_key(name))


def whole_path(text: str) -> str:
    """A path with forward slashes and composed letters, without the extension of an image."""
    text = text.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = text.replace("\\", "/").removeprefix("./")
    return IMAGE_ENDING.sub("", text) if "." in text else text


def number_key(name: str) -> str:
    """The long number in a name, or the number that a name is, without leading zeros; empty if there is none."""
    if name.isdecimal():
        return name if len(name) > 14 else name.lstrip("0") or "0"
    number = _LONG_ID.search(name) if len(name) > 14 else None
    return number[0] if number else ""


def is_long_id(key: str) -> bool:
    """Whether a key is the number of one object wherever it stands, as SDSS's ids are, and no running number."""
    return _LONG_ID.search(key) is not None


def are_floats(texts: Sequence[str]) -> bool:
    """Whether ids were whole numbers that a program wrote as floating-point numbers: 30.0, 31.0."""
    return all(text.endswith(".0") and text[:-2].isdecimal() for text in texts if text)


def keys_of_row(text: str, *, is_float: bool) -> tuple[str, str, str]:
    """The keys of a catalogue row: as :func:`matching_keys`, and 30 as the number where 30.0 was a whole number."""
    folder, name, number = matching_keys(text)
    return folder, name, text[:-2] if is_float else number

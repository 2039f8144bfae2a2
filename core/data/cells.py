"""The cells of text tables: missing values, and the ways in which numbers are written.

A column becomes one of numbers only if every cell is a number or a usual mark of a missing value; else it stays text.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.pieces import pieces_of

MARKS = frozenset(
    (
        *("", "nan", "+nan", "-nan", "null", "(null)", "none", "n/a", "#n/a", "na", "#na", "<na>", "n.a.", "nil"),
        *("-", "--", "---", "----", "–", "—", ".", "..", "...", "…", "?", "??", "*", "**", "***", "\\n", "\\\\n"),
        *("indef", "undef", "masked", "#value!", "#div/0!", "#num!", "nat"),
    )
)
"""Texts, in lower case, that stand for a missing value in a column of numbers."""

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.ASCII | re.IGNORECASE)
_FORTRAN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([dDqQ][+-]?\d+|[+-]\d{3})", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?,\d+([eEdD][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)
_SHORT = re.compile(r"[+-]?\d{1,3}(\.\d*)?", re.ASCII)
_POINT = re.compile(r"[+-]?\d*\.\d*([eEdD][+-]?\d+)?", re.ASCII)
_DIGITS = 15  # an integer with more may be an id, and beyond 2⁵³ would lose digits as a floating-point number
_WASTE = 2  # an array of fixed width may be so many times as large as one of objects
_OBJECT = 57  # bytes of a text beside its letters, and of the reference to it
_SMALL = 2**24  # bytes; below, the width does not matter


@dataclass
class Numbers:
    """A column read as numbers: int64 or float64 (N,) with NaN, and how it was written.

    ``marks`` counts the texts that were taken for a missing value (empty cells are not counted); ``form`` is a
    sentence on how the numbers are written if it is not Python's way; ``is_guess`` is true where it could mean
    something else.
    """

    values: NDArray[Any]
    marks: Counter[str] = field(default_factory=Counter[str])
    form: str = ""
    is_guess: bool = False


def is_mark(text: str) -> bool:
    """Whether a text stands for a missing value in a column of numbers."""
    return text.lower() in MARKS


def parse_number(text: str) -> float:
    """A number in one of the usual ways of writing it, without commas; NaN if it is none."""
    text = text.replace("−", "-")
    if _PLAIN.fullmatch(text):
        return float(text)
    return _from_fortran(text) if _FORTRAN.fullmatch(text) else math.nan


def parse_numbers(cells: Sequence[str], delimiter: str = ",", *, has_commas: bool = False) -> Numbers | None:
    """Read a column as numbers if all its cells are numbers or missing, and at least one is a number.

    Parameters
    ----------
    cells
        N stripped texts.
    delimiter
        Between the table's cells. It decides what a comma in “1,234” means: thousands in a comma-separated table,
        a decimal comma in others.
    has_commas
        Other columns of the table have decimal commas.

    Returns
    -------
    Numbers or None
        None if the column is to stay text: it has words, no numbers, or integers that are ids (more than 15 digits
        or leading zeros).
    """
    if (values := _parse_plain(cells)) is not None:
        return Numbers(values)
    first = next((cell for cell in cells if not is_mark(cell)), "")
    if not any(form.fullmatch(first.replace("−", "-")) for form in (_PLAIN, _FORTRAN, _COMMA, _THOUSANDS)):
        return None
    distinct = Counter(cells)
    marks = Counter({text: count for text, count in distinct.items() if is_mark(text)})
    texts = [text for text in distinct if text not in marks]
    if not texts:
        return None
    form, convert, is_guess = "", parse_number, False
    known = [text.replace("−", "-") for text in texts]
    if not all(_PLAIN.fullmatch(text) or _FORTRAN.fullmatch(text) for text in known):
        found = _find_comma_form(known, delimiter, has_commas=has_commas)
        if found is None:
            return None
        form, convert, is_guess = found
    elif any(not _PLAIN.fullmatch(text) for text in known):
        example = next(text for text in known if not _PLAIN.fullmatch(text))
        form = f"“{example}” is {_from_fortran(example):g}"
    elif _are_ids(known):
        return None
    by_text = {text: convert(text) for text in texts}
    values = np.fromiter((by_text.get(text, math.nan) for text in cells), np.float64, len(cells))
    del marks[""]
    is_whole = not form and np.isfinite(values).all() and all(text.lstrip("+-").isdecimal() for text in known)
    return Numbers(values.astype(np.int64) if is_whole else values, marks, form, is_guess)


def _parse_plain(cells: Sequence[str]) -> NDArray[Any] | None:
    """The usual case, quickly: every cell is a number as Python writes it, or empty."""
    try:
        values = np.frombuffer(array("d", map(float, cells)), np.float64)
    except ValueError:
        if "" not in cells:
            return None
        try:
            values = np.frombuffer(array("d", [float(cell or "nan") for cell in cells]), np.float64)
        except ValueError:
            return None
    joined = "".join(cells)
    if not joined or not joined.isascii() or "_" in joined or joined.isalpha():
        return None
    if any(letter in joined for letter in "nN"):  # nan and inf are counted elsewhere
        return None
    if "." in joined or "e" in joined or "E" in joined:
        return values
    if _are_ids(cells):
        return None
    return values.astype(np.int64) if np.isfinite(values).all() else values


def _are_ids(texts: Sequence[str]) -> bool:
    """Whether whole numbers look like ids: all are whole, and some have more than 15 digits or leading zeros."""
    digits = [text.lstrip("+-") for text in texts if text]
    if not all(map(str.isdecimal, digits)):
        return False
    return any(len(text) > _DIGITS or (len(text) > 1 and text[0] == "0") for text in digits)


def _find_comma_form(
    texts: Sequence[str], delimiter: str, *, has_commas: bool
) -> tuple[str, Callable[[str], float], bool] | None:
    """How numbers with commas are written (a sentence), their conversion, and whether that is a guess."""
    with_comma = [text for text in texts if "," in text]
    others = [text for text in texts if "," not in text]
    if not with_comma:
        return None
    can_be_thousands = all(map(_THOUSANDS.fullmatch, with_comma)) and all(map(_SHORT.fullmatch, others))
    can_be_decimal = all(map(_COMMA.fullmatch, with_comma)) and not any(map(_POINT.fullmatch, others))
    can_be_decimal = can_be_decimal and all(map(_PLAIN.fullmatch, others))
    if not (can_be_thousands or can_be_decimal):
        return None
    is_guess = can_be_thousands and can_be_decimal and not has_commas
    is_decimal = can_be_decimal and not (can_be_thousands and delimiter == "," and not has_commas)
    convert = _from_decimal_comma if is_decimal else _from_thousands
    example = with_comma[0]
    kind = "a decimal comma" if is_decimal else "commas between thousands"
    return f"“{example}” is {convert(example):.15g}, with {kind}", convert, is_guess


def _from_fortran(text: str) -> float:
    text = re.sub(r"[dDqQ]", "e", text)
    if "e" not in text.lower():  # 1.5-103: Fortran leaves out the letter before an exponent of three digits
        text = re.sub(r"(?<=.)([+-]\d{3})$", r"e\1", text)
    return float(text)


def _from_decimal_comma(text: str) -> float:
    text = text.replace("−", "-")
    return parse_number(text.replace(".", "").replace(",", ".") if "," in text else text)


def _from_thousands(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def text_array(texts: Sequence[str]) -> NDArray[Any]:
    """Texts (N,) as a fixed-width array, or as objects where the longest would make that more than twice as large."""
    pieces = list(pieces_of(len(texts)))
    longest = max((max(map(len, texts[piece])) for piece in pieces), default=0)
    letters = sum(sum(map(len, texts[piece])) for piece in pieces)
    fixed = 4 * longest * len(texts)
    is_wasteful = fixed > _SMALL and fixed > _WASTE * (letters + _OBJECT * len(texts))
    found = np.empty(len(texts), dtype=object if is_wasteful else f"U{max(1, longest)}")
    for piece in pieces:
        found[piece] = texts[piece]
    return found

"""The values of label columns: which of them mean that there is no label.

Nothing is decided in silence: what is taken as missing, and what is learned although it may be a mark of a missing
value, is returned as a sentence for the report.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from core.data import cells, non_answers
from core.data.settings import ImportSettings

AUTO = "auto"
_FEW = 30  # so many whole numbers or fewer are classes, see core.data.target
_ENOUGH = 3  # galaxies of a class
_MOSTLY = 0.8  # share of numbers from which on a column holds numbers, and words are exceptions
_CLASS_WORDS = frozenset(("none", "na"))  # marks that may be a class as well: no bar, no merger
_NINES = re.compile(r"-?9{2,}(\.9+)?")
_LARGEST_MARK, _INTEGERS = 1e19, (-(2**15), -(2**31))
_ENDS = 6  # distinct values at each end among which marks are looked for
_SEE = "“Missing labels” of the import decides"


def clean_labels(table: Table, labels: Sequence[str], settings: ImportSettings) -> list[str]:
    """Replace marks of missing values in label columns by nothing ("" or NaN), in place.

    With ``missing_labels = "auto"``: in columns of numbers, those written as text included, the usual texts (``-``,
    ``INDEF``), words among numbers, and conventional values such as −99 or 1e20 that lie farther from all other
    values than these from one another; in columns of names the usual texts, unless they are a class by their number
    and spelling.

    Returns
    -------
    list of str
        What was decided, as sentences.
    """
    notes: list[str] = []
    for name in dict.fromkeys(labels):
        column: Any = table[name]
        values, meta = np.asarray(column), dict(table.meta or {})
        if form := meta.get("forms", {}).get(name):
            notes.append(f"The numbers of “{name}” are written in another way: {form}.")
        marks: Counter[str] = Counter(meta.get("marks", {}).get(name, {}))
        listed = [text for part in settings.missing_labels.split(",") if (text := part.strip())]
        wanted = [text for text in listed if text.lower() != AUTO]
        cleaned, found = _remove_listed(values, wanted) if wanted else (values, Counter[str]())
        marks += found
        if len(wanted) < len(listed):
            cleaned, found, more = _clean_automatically(name, cleaned)
            marks += found
            notes += more
        if marks:
            notes.append(f"Taken as missing in “{name}”: {_list(marks)}; {_SEE}.")
        if cleaned.dtype.kind in "UO":
            notes += [
                problem.text for problem in non_answers.warn(dict.fromkeys(map(str, filter(None, cleaned.tolist()))))
            ]
        if cleaned is not values:
            table[name] = Column(cleaned, unit=column.unit, description=column.description)
    return notes


def _clean_automatically(name: str, values: NDArray[Any]) -> tuple[NDArray[Any], Counter[str], list[str]]:
    """Remove what usually means that there is no label; the values, what was removed, and remarks."""
    if values.dtype.kind in "iuf":
        cleaned, found, doubts = _remove_conventional(values)
        return cleaned, found, [f"{doubt} in “{name}” and is learned as a number; {_SEE}." for doubt in doubts]
    if values.dtype.kind in "UO":
        return _clean_texts(name, values.tolist())
    return values, Counter(), []


def _list(marks: Counter[str]) -> str:
    shown = [f"“{text}” in {count:,} row{'s' * (count != 1)}" for text, count in marks.most_common(6)]
    rest = len(marks) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} others" if rest > 0 else "")


def _remove_listed(values: NDArray[Any], wanted: Sequence[str]) -> tuple[NDArray[Any], Counter[str]]:
    """Remove exactly the values that the user lists."""
    if values.dtype.kind in "UO":
        lower = {text.casefold() for text in wanted}
        texts: list[str] = values.tolist()
        found = Counter(text for text in texts if text.casefold() in lower)
        return (cells.text_array(["" if text in found else text for text in texts]) if found else values), found
    numbers = [number for text in wanted if np.isfinite(number := cells.parse_number(text))]
    return _without(values, numbers)


def _without(values: NDArray[Any], numbers: Sequence[float]) -> tuple[NDArray[Any], Counter[str]]:
    found: Counter[str] = Counter()
    cleaned = values
    for number in numbers:
        hits = np.isclose(values, number, rtol=1e-6, atol=0)
        if hits.any():
            found[_short(number)] = int(hits.sum())
            cleaned = np.where(hits, np.nan, cleaned.astype(np.float64))
    return cleaned, found


def _short(number: float) -> str:
    return f"{number:.7g}".replace("-", "−").replace("e+", "e")


def _remove_conventional(values: NDArray[Any]) -> tuple[NDArray[Any], Counter[str], list[str]]:
    """Remove conventional marks that are isolated, and describe values that may be marks."""
    known = values[np.isfinite(values)].astype(np.float64)
    distinct, counts = np.unique(known, return_counts=True)
    ends = np.unique(np.r_[: min(_ENDS, len(distinct)), max(0, len(distinct) - _ENDS) : len(distinct)])
    likely = [int(place) for place in ends if _is_conventional(float(distinct[place]))]
    rest = np.delete(distinct, likely)
    if len(rest) < 2:
        return values, Counter(), []
    low, high = float(rest[0]), float(rest[-1])
    gap = high - low
    missing, doubts = list[float](), list[str]()
    for place in likely:
        number, count = float(distinct[place]), int(counts[place])
        is_isolated = number < low - gap or number > high + gap
        if is_isolated and (number < 0 or number >= _LARGEST_MARK or count > 1):
            missing.append(number)
        elif not low <= number <= high and (count > 1 or is_isolated):
            doubts.append(f"“{_short(number)}” stands {_times(count)}")
    if len(rest) > _FEW and not likely:
        for place, nearest, end in ((0, rest[1], rest[-1]), (len(distinct) - 1, rest[-2], rest[0])):
            number, count = float(distinct[place]), int(counts[place])
            if count >= max(_ENOUGH, len(known) // 100) and abs(number - nearest) > abs(nearest - end):
                doubts.append(f"“{_short(number)}” stands {_times(count)}, far from all other values,")
    cleaned, found = _without(values, missing)
    return cleaned, found, doubts


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _is_conventional(number: float) -> bool:
    return abs(number) >= _LARGEST_MARK or number in _INTEGERS or _NINES.fullmatch(f"{number:.7g}") is not None


def _clean_texts(name: str, texts: Sequence[str]) -> tuple[NDArray[Any], Counter[str], list[str]]:
    if (read := cells.parse_numbers(texts, ";")) is not None:  # those of a text table are read as numbers before
        cleaned, more, notes = _clean_numbers(name, read)
        return cleaned, read.marks + more, notes
    counts = Counter(text for text in texts if text)
    marks = Counter({text: count for text, count in counts.items() if cells.is_mark(text)})
    numeric = {text for text in counts if text not in marks and cells.parse_numbers([text], ";") is not None}
    odd = Counter({text: count for text, count in counts.items() if text not in marks and text not in numeric})
    share = sum(counts[text] for text in numeric) / max(1, counts.total() - marks.total())
    if numeric and odd and share >= _MOSTLY:
        found = cells.parse_numbers([text if text in numeric else "" for text in texts], ";")
        if found is not None and _are_quantities(found.values):
            cleaned, more, notes = _clean_numbers(name, found)
            notes.insert(0, f"“{name}” holds numbers; what is none there counts as missing.")
            return cleaned, marks + odd + more, notes
    notes: list[str] = []
    if odd and numeric and _are_quantities(np.array([cells.parse_number(text) for text in numeric])):
        notes.append(
            f"“{name}” holds {counts.total() - odd.total() - marks.total():,} numbers and {odd.total():,} words, such "
            f"as “{odd.most_common(1)[0][0]}”; they are taken as classes."
        )
    classes = {text for text in marks if _is_class(text, counts, marks)}
    notes += [
        f"“{text}” in {counts[text]:,} rows of “{name}” is a class; if it means that there is no label, list it under "
        "“Missing labels”."
        for text in sorted(classes)
    ]
    gone = Counter({text: count for text, count in marks.items() if text not in classes})
    return cells.text_array(["" if text in gone else text for text in texts]), gone, notes


def _clean_numbers(name: str, found: cells.Numbers) -> tuple[NDArray[Any], Counter[str], list[str]]:
    """The numbers of a column of texts without conventional marks, these, and what to say of them."""
    cleaned, marks, doubts = _remove_conventional(found.values)
    notes = [f"{doubt} in “{name}” and is learned as a number; {_SEE}." for doubt in doubts]
    notes += [f"The numbers of “{name}” are written in another way: {found.form}."] * bool(found.form)
    return cleaned, marks, notes


def _are_quantities(numbers: NDArray[Any]) -> bool:
    known = numbers[np.isfinite(numbers)]
    return bool(len(known)) and (len(np.unique(known)) > _FEW or bool((known != np.round(known)).any()))


def _is_class(text: str, counts: Counter[str], marks: Counter[str]) -> bool:
    """Whether a usual mark is a class: frequent enough, and “none” or “NA” spelt as the other classes are.

    “None” among “Weak” and “Strong” is a class, and among “spiral” and “elliptical” what a program wrote for nothing.
    If without it there were fewer than two classes, it is one as well.
    """
    others = {other: count for other, count in counts.items() if other not in marks}
    if counts[text] < _ENOUGH or not others:
        return False
    if text.lower() not in _CLASS_WORDS:
        return text == "-" and others.keys() == {"+"}
    styles: Counter[str] = Counter()
    for other, count in others.items():
        styles[_style(other)] += count
    return len(others) == 1 or styles.most_common(1)[0][0] == _style(text)


def _style(text: str) -> str:
    return "lower" if text.islower() else "upper" if text.isupper() else "title" if text[:1].isupper() else "other"

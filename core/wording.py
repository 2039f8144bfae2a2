"""Numbers in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence


def singular(unit: str) -> str:
    """The unit of one: ``epoch`` of ``epochs``, ``galaxy`` of ``galaxies``; others stay as they are."""
    return f"{unit[:-3]}y" if unit.endswith("ies") else unit.removesuffix("s")


def count_of(number: int, one: str, several: str = "") -> str:
    """A whole number with what it counts: ``1 epoch``, ``40 epochs``, ``1,234 galaxies``.

    Parameters
    ----------
    number
        How many.
    one, several
        The words for one and for any other number; without ``several`` that is ``one`` with an s, or with ies for a y.

    Examples
    --------
    >>> count_of(1, "epoch"), count_of(0, "galaxy")
    ('1 epoch', '0 galaxies')
    """
    if not several:
        several = f"{one[:-1]}ies" if one.endswith("y") and one[-2:-1] not in set("aeiou") else f"{one}s"
    return f"{number:,} {one if number == 1 else several}"


def part_of(some: int, number: int, one: str, lack: str = "no answer") -> str:
    """How many of a number of things have something, so that the counts add up.

    Examples
    --------
    >>> part_of(129, 130, "galaxy"), part_of(128, 130, "galaxy"), part_of(130, 130, "galaxy")
    ('129 of 130 galaxies; 1 has no answer', '128 of 130 galaxies; 2 have no answer', '130 galaxies')
    """
    missing = number - some
    if not missing:
        return count_of(number, one)
    return f"{some:,} of {count_of(number, one)}; {missing:,} {'has' if missing == 1 else 'have'} {lack}"


def with_article(noun: str) -> str:
    """A noun with its indefinite article.

    Examples
    --------
    >>> with_article("accuracy"), with_article("balanced accuracy"), with_article("R²")
    ('an accuracy', 'a balanced accuracy', 'an R²')
    """
    return f"{'an' if noun[:1].lower() in set('aeio') or noun.startswith('R²') else 'a'} {noun}"


def capitalised(text: str) -> str:
    """A text with a capital at its beginning, and nothing else changed.

    Examples
    --------
    >>> capitalised("loss 0.31, macro F1 0.8, R² of M_r"), capitalised("")
    ('Loss 0.31, macro F1 0.8, R² of M_r', '')
    """
    return f"{text[:1].upper()}{text[1:]}"


def percent(share: float, digits: int = 0) -> str:
    """A share in percent; what is not all never reads 100 %, and what is not none never 0 %.

    Examples
    --------
    >>> percent(0.714), percent(1.0), percent(0.0), percent(0.99996, 1), percent(0.0004)
    ('71 %', '100 %', '0 %', '> 99.9 %', '< 1 %')
    """
    text, least = f"{100 * share:.{digits}f}", 10.0**-digits
    if share < 1 and float(text) >= 100:
        return f"> {100 - least:.{digits}f} %"
    if share > 0 and float(text) <= 0:
        return f"< {least:.{digits}f} %"
    return f"{text} %"


def with_minus(text: str) -> str:
    """A formatted number with a minus sign in place of the hyphen: ``−0.23``."""
    return text.replace("-", "−")


def with_error(value: float, error: float) -> str:
    """A value with its error, rounded where the error's first digit stands, or its second after a 1.

    Examples
    --------
    >>> with_error(0.03341, 0.0272), with_error(-0.0334, 0.0014), with_error(1234.5, 27.1)
    ('0.03 ± 0.03', '−0.0334 ± 0.0014', '1230 ± 30')
    """
    if not (math.isfinite(error) and error > 0):
        return with_minus(f"{value:.3g}")
    return with_minus(" ± ".join(_rounded((value, error), error)))


def with_limits(value: float, low: float, high: float) -> str:
    """A value with the limits of its interval: as with an error where they lie evenly, else with both distances.

    Examples
    --------
    >>> with_limits(0.5, 0.42, 0.58), with_limits(1.0, 0.833, 1.0), with_limits(0.1, 0.1, 0.1)
    ('0.50 ± 0.08', '1.00 (+0.00 −0.17)', '0.1')
    """
    above, below = high - value, value - low
    if not (math.isfinite(above + below) and above + below > 0) or max(above, below) < 1.1 * min(above, below):
        return with_error(value, (above + below) / 2)
    numbers = _rounded((value, above, below), min(each for each in (above, below) if each > 0))
    return with_minus("{} (+{} −{})".format(*numbers))


def with_distances(value: float | None, interval: tuple[float, float] | None, form: str = ".3f") -> str:
    """A value with the distances to both limits of its interval; a dash if it is undefined.

    Examples
    --------
    >>> with_distances(0.845, (0.832, 0.857)), with_distances(0.845, None), with_distances(None, None)
    ('0.845 (+0.012 −0.013)', '0.845', '–')
    """
    if value is None:
        return "–"
    if interval is None:
        return f"{value:{form}}"
    low, high = min(interval[0], value), max(interval[1], value)
    return f"{value:{form}} (+{high - value:{form}} −{value - low:{form}})"


def _rounded(values: Sequence[float], error: float) -> list[str]:
    """Values rounded where the first digit of an error stands, or its second after a 1."""
    place = math.floor(math.log10(error))
    if round(error / 10.0**place, 1) < 2:
        place -= 1
    return [f"{round(value, -place):.{max(0, -place)}f}" for value in values]

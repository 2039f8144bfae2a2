"""Numbers in sentences."""

from __future__ import annotations


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

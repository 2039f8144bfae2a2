"""Numbers in sentences."""

from __future__ import annotations

_THIN_SPACE = "\u202f"


def count_of(number: int, one: str, several: str = "") -> str:
    """A whole number with what it counts: ``1 epoch``, ``40 epochs``, ``1 234 galaxies``.

    Parameters
    ----------
    number
        How many.
    one, several
        The word for one and for any other number; empty: the first with an s, or with ies for a y.

    Examples
    --------
    >>> count_of(1, "epoch"), count_of(0, "galaxy")
    ('1 epoch', '0 galaxies')
    """
    if not several:
        several = f"{one[:-1]}ies" if one.endswith("y") and one[-2:-1] not in set("aeiou") else f"{one}s"
    return f"{number:,} {one if number == 1 else several}".replace(",", _THIN_SPACE)

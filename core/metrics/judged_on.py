"""What numbers of runs are over, and which of them can be compared: those of the same galaxies with the same labels.

Which galaxies and labels these are is found by :mod:`core.metrics.judged_labels`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

from core.metrics.answering import EVALUATE_AGAIN
from core.wording import count_of

NOT_COMPARABLE = "Different letters: other galaxies or labels; do not compare."


@dataclass(frozen=True)
class JudgedOn:
    """What the numbers of one part of a run are over.

    Attributes
    ----------
    data
        Name of the dataset.
    galaxies
        How many.
    fingerprint
        The same for the same galaxies with the same labels.
    changed
        How many of them are labelled otherwise by now; None: it cannot be told, since the dataset is not there.
    """

    data: str
    galaxies: int
    fingerprint: str
    changed: int | None

    @property
    def remark(self) -> str:
        """A warning where labels have changed since; empty where none has, or where that cannot be told."""
        if not self.changed:
            return ""
        has = "has" if self.changed == 1 else "have"
        return f"Since then {count_of(self.changed, 'label')} of this part {has} changed: {EVALUATE_AGAIN}"

    @property
    def basis(self) -> str:
        """In words, as the explanation of a letter.

        Examples
        --------
        >>> JudgedOn("sdss.h5", 136, "", 7).basis
        '136 galaxies of sdss.h5, with the labels before 7 of them changed'
        """
        labels = f", with the labels before {self.changed:,} of them changed" if self.changed else ""
        return f"{count_of(self.galaxies, 'galaxy')} of {self.data}{labels}"


NOT_KNOWN: Mapping[str, JudgedOn] = MappingProxyType({})


def letters_of(found: Sequence[JudgedOn | None], used: int = 0) -> list[str]:
    """A letter for each, the same for the same galaxies and labels; empty where all can be compared.

    Parameters
    ----------
    found
        What numbers that stand side by side are over; None gets no letter.
    used
        How many letters are taken already.

    Examples
    --------
    >>> one, two = JudgedOn("sdss.h5", 136, "1", 0), JudgedOn("sdss.h5", 120, "2", 0)
    >>> letters_of([one, None, two, one])
    ['a', '', 'b', 'a']
    >>> letters_of([one, None, one])
    ['', '', '']
    """
    distinct = list(dict.fromkeys(each.fingerprint for each in found if each is not None))
    if len(distinct) < 2:
        return [""] * len(found)
    alphabet = [*string.ascii_lowercase, *map("".join, product(string.ascii_lowercase, repeat=2))][used:]
    known = dict(zip(distinct, alphabet, strict=False))
    return ["" if each is None else known.get(each.fingerprint, "?") for each in found]


def letter_parts(found: Sequence[Mapping[str, JudgedOn]], parts: Sequence[str]) -> list[dict[str, str]]:
    """The letters of several runs by part: the numbers of one part are compared, and no letter stands for two things.

    Parameters
    ----------
    found
        By part, for each run.
    parts
        Those that stand in columns.
    """
    letters: list[dict[str, str]] = [{} for _ in found]
    used = 0
    for part in parts:
        column = letters_of([each.get(part) for each in found], used)
        used += len(set(filter(None, column)))
        for place, letter in zip(letters, column, strict=True):
            if letter:
                place[part] = letter
    return letters


def explain_letters(found: Sequence[Mapping[str, JudgedOn]], letters: Sequence[Mapping[str, str]]) -> list[str]:
    """What each letter stands for, in lines, the last of which says what that means; none where there are no letters.

    Parameters
    ----------
    found
        By part, for each run.
    letters
        Of the same, see :func:`letter_parts`.
    """
    lines = {
        letter: f"({letter}): {found[place][part].basis}, {part} part"
        for place, each in enumerate(letters)
        for part, letter in each.items()
    }
    return [*(lines[letter] for letter in sorted(lines, key=lambda each: (len(each), each))), NOT_COMPARABLE] * (
        lines != {}
    )


def mark(outdated: Mapping[str, str], letters: Mapping[str, str], part: str) -> str:
    """What stands behind the number of a part: a star where it is outdated, and its letter.

    Examples
    --------
    >>> mark({"test": "Since then …"}, {"test": "b"}, "test")
    '* (b)'
    """
    return "*" * (part in outdated) + (f" ({letters[part]})" if part in letters else "")

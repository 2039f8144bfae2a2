"""Bounds on what a table may claim of itself: columns, memory for its rows, and problems that are listed.

A damaged file of a few hundred bytes can claim billions of rows. What it claims is compared with the bytes that are
there before anything is read.
"""

from __future__ import annotations

from core.errors import CatalogueProblem, Problem

MOST_COLUMNS = 5000
UNPACKED = 16 * 2**20  # bytes that a compressed table of any size may become: millions of rows
_MOST_PROBLEMS = 1000  # that are listed one by one
_MANY = 10_000
_FREE = 256 * 2**20  # bytes; so much may be claimed by a file of any size
_RATIO = 100  # bytes in memory for each byte of a larger table


def most_memory(size: int) -> int:
    """How many bytes of memory the rows of a table may take whose file has ``size`` bytes."""
    return max(_FREE, _RATIO * size)


def require_plausible(claimed: int, size: int, where: str) -> None:
    """Raise :class:`CatalogueProblem` if a table claims more memory than a file of ``size`` bytes can hold."""
    if claimed > most_memory(size):
        raise CatalogueProblem(
            f"This table claims to need {claimed / 2**20:,.0f} MiB, and its file has {_size(size)}.",
            "Download or copy it again.",
            where,
        )


def _size(size: int) -> str:
    return f"{size:,} bytes" if size < 2**20 else f"{size / 2**20:,.0f} MiB"


def require_few_columns(count: int, where: str) -> None:
    """Raise :class:`CatalogueProblem` if a table has more than :data:`MOST_COLUMNS` columns."""
    if count > MOST_COLUMNS:
        raise CatalogueProblem(
            f"This table has {count:,} columns, and at most {MOST_COLUMNS:,} are read.",
            "Save the columns with ids and labels as a table of their own, one row for each galaxy.",
            where,
        )


class FoundProblems:
    """Rows of a table that cannot be used; beyond the first thousand they are only counted.

    Attributes
    ----------
    count
        How many there are.
    """

    def __init__(self) -> None:
        self.count = 0
        self._listed: list[Problem] = []
        self._last = ""

    def add(self, sentence: str, remedy: str, where: str) -> None:
        """Add a row."""
        self.count += 1
        self._last = where
        if len(self._listed) < _MOST_PROBLEMS:
            self._listed.append(CatalogueProblem(sentence, remedy, where))

    def require_fewer_than(self, good: int, where: str) -> None:
        """Raise the first problem if there are many more than rows that can be used.

        Raises
        ------
        CatalogueProblem
            There are more than ten thousand, and more than ``good`` ones.
        """
        if self.count > _MANY and self.count > good:
            first = self._listed[0]
            sentence = f"Most rows of this table cannot be used. The first, {first.where}: {first.sentence}"
            raise CatalogueProblem(sentence, first.remedy, where)

    @property
    def problems(self) -> list[Problem]:
        """The rows, the last of them as a number."""
        others = self.count - len(self._listed)
        if not others:
            return list(self._listed)
        sentence = f"{others:,} more rows of the catalogue cannot be used."
        return [*self._listed, CatalogueProblem(sentence, "Correct the first ones.", f"up to {self._last}")]

"""Collecting what was said while cutouts were read, for the report of an import."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_NAMED = 3  # galaxies in a note
_MOST_NOTES = 12


class Remarks:
    """Remarks on cutouts, each with the number of galaxies that it concerns and the names of the first."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, list[str]] = {}

    def add(self, remarks: Iterable[str], name: str) -> None:
        """Count the remarks on a galaxy (or on the file whose first galaxy it is)."""
        for remark in remarks:
            self._counts[remark] = self._counts.get(remark, 0) + 1
            first = self._first.setdefault(remark, [])
            if len(first) < _MOST_NAMED:
                first.append(name)

    def notes(self, total: int) -> list[str]:
        """One sentence for each remark, the most frequent first.

        Parameters
        ----------
        total
            How many galaxies were read in all: a remark on all of them names none.
        """
        ranked = sorted(self._counts, key=lambda remark: -self._counts[remark])
        shown = [self._describe(remark, total) for remark in ranked[:_MOST_NOTES]]
        if len(ranked) > _MOST_NOTES:
            others = sum(self._counts[remark] for remark in ranked[_MOST_NOTES:])
            shown.append(f"{len(ranked) - _MOST_NOTES:,} further remarks of this kind on {others:,} galaxies.")
        return shown

    def _describe(self, remark: str, total: int) -> str:
        count, first = self._counts[remark], self._first[remark]
        if count == total > _MOST_NAMED:
            return f"{remark}: all {count:,}."
        names = ", ".join(first) + (" …" if count > len(first) else "")
        return f"{remark}: {names} ({count:,} of {total:,})." if count > len(first) else f"{remark}: {names}."

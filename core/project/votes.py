"""The votes of several people on the label of a galaxy, kept apart, and which label counts.

The last one given counts, or what most people say; where as many say one thing as another, the latest of these votes. A
vote without a name is one person's. A label that is empty says that there is none; with the majority it counts only if
nobody says anything else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

Counting: TypeAlias = Literal["last", "majority"]
COUNTINGS: tuple[Counting, ...] = get_args(Counting)


class Votes:
    """The present vote of each person on each (id, column).

    Attributes
    ----------
    counting
        Which label counts.
    """

    def __init__(self, counting: Counting = "last") -> None:
        self.counting: Counting = counting
        self._given: dict[tuple[str, str], dict[str, str]] = {}

    def record(self, id: str, column: str, by: str, label: str | None) -> None:  # noqa: A002 - the column's name
        """Note a person's vote in place of an earlier one; None withdraws it."""
        votes = self._given.setdefault((id, column), {})
        votes.pop(by, None)  # the order is that of time
        if label is not None:
            votes[by] = label

    def of(self, id: str, column: str) -> Mapping[str, str]:  # noqa: A002
        """The vote of each person, the latest last."""
        return self._given.get((id, column), {})

    def label(self, id: str, column: str) -> str | None:  # noqa: A002
        """The label that counts; None: nobody has voted."""
        return count_votes(self.of(id, column), self.counting)

    def labels(self) -> dict[tuple[str, str], str]:
        """The label that counts of each (id, column) with a vote."""
        found = ((key, count_votes(votes, self.counting)) for key, votes in self._given.items())
        return {key: label for key, label in found if label is not None}

    def several(self, column: str) -> dict[str, Mapping[str, str]]:
        """The votes on each id on which at least two people gave a label, by id."""
        found: dict[str, Mapping[str, str]] = {}
        for (name, of), votes in self._given.items():
            given = {person: label for person, label in votes.items() if label}
            if of == column and len(given) > 1:
                found[name] = given
        return found


def count_votes(votes: Mapping[str, str], counting: Counting) -> str | None:
    """The label that counts among the votes of several people, the latest last; None: there are none.

    Examples
    --------
    >>> votes = {"Ada": "spiral", "Ben": "spiral", "Cem": "elliptical"}
    >>> count_votes(votes, "last"), count_votes(votes, "majority")
    ('elliptical', 'spiral')
    """
    if not votes:
        return None
    given = list(votes.values())
    named = [label for label in given if label]
    if counting == "last" or not named:
        return given[-1]
    counts = Counter(named)
    most = max(counts.values())
    return next(label for label in reversed(named) if counts[label] == most)

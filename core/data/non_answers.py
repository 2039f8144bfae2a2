"""Classes whose name says that there is no answer, such as “dont_know”: learned like others, but not in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import Problem

_NON_ANSWERS = frozenset(
    (
        *("dontknow", "donotknow", "idontknow", "unknown", "notknown", "unsure", "notsure", "uncertain", "unclear"),
        *("undecided", "undetermined", "unclassified", "notclassified", "na", "noanswer", "nolabel", "unlabelled"),
        "unlabeled",
    )
)
_NO_LETTERS = re.compile(r"[\W_\d]+")


def is_non_answer(name: str) -> bool:
    """Whether the name of a class clearly means that there is no answer.

    Examples
    --------
    >>> [name for name in ("dont_know", "Don't know", "other", "artifact", "N/A") if is_non_answer(name)]
    ['dont_know', "Don't know", 'N/A']
    """
    return _NO_LETTERS.sub("", name).casefold() in _NON_ANSWERS


def warn(names: Iterable[str]) -> list[Problem]:
    """Warn of classes that mean no answer, and say how they are left out; nothing where there are none."""
    found = [name for name in names if is_non_answer(name)]
    if not found:
        return []
    listed, several = ", ".join(f"“{name}”" for name in found), len(found) > 1
    return [
        Problem(
            f"{listed} {'are' if several else 'is'} learned as {'classes' if several else 'a class'} like any other, "
            "although the name means that there is no answer.",
            f"To leave these galaxies out, import them with “Missing labels” (--set missing_labels=): auto, "
            f"{', '.join(found)}.",
            "data.labels",
        )
    ]

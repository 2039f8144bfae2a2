"""The names of the runs that are trained while labelling, by which they are found again."""

from __future__ import annotations

import re

_TITLE = re.compile(r"^[\d,]+ labels, suggested")


def title_of_run(labels: int) -> str:
    """The name of a run that is trained with so many labels."""
    return f"{labels:,} labels, suggested"


def is_of_labelling(title: str) -> bool:
    """Whether a run of this name was trained while labelling."""
    return _TITLE.match(title) is not None

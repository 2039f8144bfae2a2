"""What became of a damaged file, and where the program went wrong if it did."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Outcome = Literal["read", "refused", "defect", "crash", "hang", "memory", "neighbour lost", "outside"]
GOOD: tuple[Outcome, ...] = ("read", "refused")
BAD: tuple[Outcome, ...] = ("defect", "crash", "hang", "memory", "neighbour lost", "outside")
ROOT = Path(__file__).parents[2]


class NeighbourLost(Exception):
    """A damaged file took something whole with it."""


@dataclass(frozen=True)
class Finding:
    """One damaged file that ended badly: ``number`` makes it again, ``place`` is what was thrown and where."""

    reader: str
    number: int
    outcome: Outcome
    place: str


def describe_place(error: BaseException) -> str:
    """The type of an exception, the last line of our own that it went through, and what it said."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    where = f"{Path(own[-1].filename).relative_to(ROOT)}:{own[-1].lineno} {own[-1].name}" if own else "outside"
    said = str(error).strip().split("\n")[0][:100]
    return f"{type(error).__name__} at {where}: {said}"


def kind_of(place: str) -> str:
    """A place without what was said there, by which findings are told apart."""
    return place.split(": ")[0]


def first_of_each(findings: Sequence[Finding]) -> list[tuple[Finding, int]]:
    """One finding of each kind, with the number of its like."""
    kinds: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.reader, finding.outcome, kind_of(finding.place)), []).append(finding)
    return [(alike[0], len(alike)) for alike in kinds.values()]


def _is_ours(file: str) -> bool:
    path = Path(file)
    return ROOT in path.parents and path.relative_to(ROOT).parts[0] in {"core", "app"}

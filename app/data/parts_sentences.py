"""What the panel of the dataset says about the parts, and what it asks before they are drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.project.runs import RunFolder

if TYPE_CHECKING:
    from core.data.split import Split

_NAMED = 5  # runs in full


def describe_parts(split: Split, *, kept: bool) -> str:
    """How the parts came about, how many galaxies they hold, and that they stay."""
    counts = ", ".join(
        f"{len(rows):,} {name}"
        for rows, name in ((split.train, "train"), (split.validation, "validation"), (split.test, "test"))
    )
    text = f"{counts}. {split.rule}. The test part is locked: no training and no choice sees it."
    if kept:
        text += (
            " A training has used these parts: they stay as they are, and other shares hold for galaxies that are "
            "labelled later."
        )
    return text


def describe_redraw(runs: Sequence[RunFolder]) -> str:
    """What is lost if the parts are drawn again."""
    if not runs:
        return "The parts that earlier trainings have used are given up, and all galaxies are dealt out anew."
    named = ", ".join(f"“{run.title}”" for run in runs[-_NAMED:])
    more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
    return (
        f"This spoils the test part of {len(runs)} finished {'run' if len(runs) == 1 else 'runs'}: {named}{more}. "
        "Later trainings will learn from some of their test galaxies, and their scores cannot be compared."
    )

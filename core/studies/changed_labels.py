"""Whether labels have changed since a study was made, so that its numbers are of other labels than those of today."""

from __future__ import annotations

from pathlib import Path

from core.errors import Problem
from core.metrics import judged_labels
from core.train import run_summary
from core.wording import count_of


def describe(folder: Path) -> str:
    """A sentence where labels of the galaxies on which a study judges have changed since it began; empty: none has.

    All its runs began with the same labels, so that their numbers can be compared with one another, but not with those
    of runs that were trained or evaluated since.

    Parameters
    ----------
    folder
        Of the study.
    """
    changed: dict[str, int] = {}
    seen: set[Path | None] = set()
    for run in run_summary.find_runs(folder):
        try:
            data = run.find_data()
        except Problem:  # whoever opens that run is told
            continue
        if data in seen or not (judged := judged_labels.find_all(run)):
            continue
        seen.add(data)
        for found in judged.values():
            changed[found.data] = changed.get(found.data, 0) + (found.changed or 0)
    listed = " and ".join(f"{count_of(count, 'label')} of {name}" for name, count in changed.items() if count)
    if not listed:
        return ""
    return (
        f"Labels of the galaxies on which it judges have changed since this study began ({listed}): its numbers can be "
        "compared with one another, but not with those of later runs."
    )

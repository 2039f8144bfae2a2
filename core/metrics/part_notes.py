"""What the numbers of a part of a run's own dataset hold for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.metrics.guessing import guess_of_run
from core.metrics.uncertainty import find_error, plus_minus

NOTES = {
    "test": "locked away during training and every choice",
    "validation": "the best epoch was chosen on this part: slightly optimistic",
    "all": "most of these galaxies were trained on: far too optimistic for new ones",
}
"""By the part."""

SINGLE_VIEW = "of the best epoch, which was chosen on this part: slightly optimistic; one view of each galaxy, float32"
"""Of the validation part while a run is trained."""


def note_part(part: str, views: int) -> str:
    """What the numbers of a part hold for, with answers averaged over so many views of each galaxy."""
    if views == 1:
        return NOTES[part]
    return f"{NOTES[part]}; answers averaged over {views} views of each galaxy, where the training's curves show one"


_NAMES = {
    "loss": "loss",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "r2": "R²",
    "neighbours_accuracy": "accuracy of the nearest neighbours",
}


def describe_scores(values: Mapping[str, Any]) -> str:
    """The figures of merit of a part of a run with their errors, as ``metrics.json`` keeps them.

    Examples
    --------
    >>> describe_scores({"loss": 0.31, "accuracy": 0.9, "galaxies": 100})
    'loss 0.31, accuracy 0.9 ± 0.03'
    """
    known = {name: values[name] for name in _NAMES if values.get(name) is not None}
    return ", ".join(
        f"{_NAMES[name]} {value:.4g}{plus_minus(find_error(values, name))}" for name, value in known.items()
    )


def describe_part(metrics: Mapping[str, Any], part: str = "validation") -> str:
    """The figures of merit of a part of a run, over what they are, and what they are measured against, in lines."""
    values = metrics.get(part) or {}
    found = guess_of_run(metrics, part)
    lines = (
        f"{part.capitalize()} part, {describe_basis(values)}:",
        describe_scores(values),
        values.get("note") or "",
        "" if found is None else found.sentence,
    )
    return "\n".join(line for line in lines if line)


def describe_basis(values: Mapping[str, Any]) -> str:
    """Over what the numbers of a part of a run are, as ``metrics.json`` keeps them: its galaxies, and how many views.

    Examples
    --------
    >>> describe_basis({"accuracy": 0.9, "galaxies": 136, "views": 8})
    '136 galaxies, answers averaged over 8 views of each'
    >>> describe_basis({"accuracy": 0.9, "galaxies": 136})
    '136 galaxies, one view of each'
    """
    galaxies = values.get("galaxies")
    counted = "an unknown number of galaxies" if galaxies is None else f"{galaxies:,} galaxies"
    views = values.get("views")
    if views is None and {"confusion", "quantities"} & values.keys():  # evaluated by an earlier version
        return f"{counted}, as they were evaluated"
    return (
        f"{counted}, one view of each"
        if views in (None, 1)
        else f"{counted}, answers averaged over {views} views of each"
    )

"""What the numbers of a part of a run's own dataset hold for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.metrics.guessing import guess_of_run
from core.metrics.uncertainty import find_error, plus_minus
from core.project.runs import Keep
from core.wording import count_of

PARTS = ("test", "validation", "all")
_CHOSEN: dict[Keep, str] = {
    "best": "the best epoch was chosen on this part: slightly optimistic",
    "last": "the weights are those of the last epoch: nothing was chosen on this part",
}
_AVERAGED = "; answers averaged over {views} views of each galaxy, where the training's curves show one"
_ONE_VIEW = "; one view of each galaxy"


def note_part(part: str, views: int, keep: Keep = "best") -> str:
    """What the numbers of a part hold for, with answers averaged over so many views of each galaxy.

    Parameters
    ----------
    part
        Test, validation or all.
    views
        How many mirror images and turns of each galaxy.
    keep
        Which weights the run keeps.
    """
    note = {
        "test": "locked away during training and every choice",
        "validation": _CHOSEN[keep],
        "all": "most of these galaxies were trained on: far too optimistic for new ones",
    }[part]
    return note if views == 1 else note + _AVERAGED.format(views=views)


def note_while_trained(keep: Keep) -> str:
    """What the numbers of the validation part hold for while a run is trained."""
    return f"of the {keep} epoch; {_CHOSEN[keep]}{_ONE_VIEW}, float32"


def note_beside_basis(values: Mapping[str, Any]) -> str:
    """The note on the numbers of a part without the views, which :func:`describe_basis` tells.

    Examples
    --------
    >>> note_beside_basis({"note": note_part("test", 8), "views": 8})
    'locked away during training and every choice'
    """
    note = values.get("note") or ""
    return note.replace(_AVERAGED.format(views=values.get("views")), "").replace(_ONE_VIEW, "")


def note_choice(keep: Keep) -> str:
    """How the epochs of several runs were chosen, as the rest of a sentence about their validation part."""
    if keep == "last":
        return "they chose nothing: each run kept its last weights"
    return "they chose the best epoch of each run, which is slightly optimistic for all"


def note_adaptation(card: Mapping[str, Any]) -> str:
    """What was changed in a network after its training, by its card, as the rest of a sentence; empty: nothing."""
    about = card.get("adapted") or {}
    if not about:
        return ""
    galaxies = count_of(int(about.get("galaxies", 0)), "galaxy")
    return (
        f"batch statistics measured anew on {galaxies} of {about.get('data', 'another survey')}, without their labels"
    )


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
        note_beside_basis(values),
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

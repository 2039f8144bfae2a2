"""The numbers of a training without labels in words: on which galaxies, with which error, and what they are not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.errors import Problem
from core.events import Scores
from core.metrics.guessing import guess_of_run
from core.metrics.part_notes import describe_scores
from core.metrics.uncertainty import error_of_share
from core.train.plan import TrainingPlan
from core.train.self_supervised.neighbours import ACCURACY


def numbers(plan: TrainingPlan, scores: Scores, asked: int) -> dict[str, Any]:
    """The numbers of the validation galaxies as ``metrics.json`` keeps them; ``asked`` were asked for their class."""
    right, chosen = scores.values[ACCURACY], plan.settings.self_supervised
    validation = plan.facts["galaxies"]["validation"]
    found: dict[str, Any] = {"loss": scores.loss, **scores.values, "galaxies": asked or validation, "views": 1}
    if math.isfinite(right):
        found[f"{ACCURACY}_error"] = error_of_share(right, asked)
        found["note"] = (
            f"the class of each labelled validation galaxy, told by its {chosen.neighbours} nearest labelled training "
            "galaxies in the features; no answer of the network, and nothing was learned or chosen by it"
        )
    else:
        found["note"] = "no labelled galaxies: the loss alone"
    return found


def collapse(spread: float, epoch: int) -> Problem:
    """What to say of a network that gives nearly the same features for all galaxies."""
    return Problem(
        f"After epoch {epoch} the network gives nearly the same features for all galaxies: it has collapsed (their "
        f"directions scatter by {spread:.2g} of what they could).",
        "Look whether the stamps differ at all; else choose a lower learning rate, a warm-up or a larger batch. Such "
        "weights are no good start.",
        "self_supervised",
    )


def describe(values: Mapping[str, Any]) -> list[str]:
    """The numbers of such a run in sentences: the check, its baseline, and the loss against guessing."""
    validation = values["validation"]
    lines = [f"Validation, {validation['galaxies']:,} galaxies: {describe_scores(validation)}."]
    if validation.get(ACCURACY) is not None:
        guess = guess_of_run(values)
        lines += [f"This is {validation['note']}.", *([] if guess is None else [guess.sentence])]
    return lines

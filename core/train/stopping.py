"""Early stopping, as a pure function of the validation history.

An epoch is better if it improves on the best one so far by more than ``min_delta``; training stops after
``patience`` epochs without a better one. Where the last weights are kept, each epoch counts as the best so far. There
is no state between calls, so that a resumed run, a plot and a test all get the same result.

References
----------
Prechelt 1998, Early stopping — but when?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.data.target import Classes, Target
from core.errors import SettingsProblem
from core.events import EpochEnded, Scores
from core.train.settings import StoppingSettings


@dataclass(frozen=True)
class StoppingState:
    """The early-stopping rule after an epoch; ``best_epoch`` counts from 1, and is 0 before the first finite value."""

    best_epoch: int
    epochs_since_best: int
    should_stop: bool


def state(values: Sequence[float], settings: StoppingSettings) -> StoppingState:
    """Apply the rule to the monitored values of epochs 1, 2, ... (lower is better for the loss, higher for all else).

    NaN is never better.
    """
    if settings.keep == "last":
        return StoppingState(len(values), 0, should_stop=False)
    sign = _sign(settings)
    best, best_epoch = math.inf, 0
    for epoch, value in enumerate(values, 1):
        if sign * value < best - (settings.min_delta if best_epoch else 0):
            best, best_epoch = sign * value, epoch
    since = len(values) - best_epoch
    return StoppingState(best_epoch, since, should_stop=0 < settings.patience <= since)


def monitored_value(scores: Scores, settings: StoppingSettings) -> float:
    """The monitored quantity: the loss, or the figure of merit that the settings name; NaN where there is none."""
    if settings.monitor == "loss":
        return scores.loss
    if settings.monitor == "score":
        return scores.values.get("balanced_accuracy", scores.values.get("r2", math.nan))
    return scores.values.get(settings.monitor.replace(" ", "_"), math.nan)


def costs(
    history: Sequence[EpochEnded], settings: StoppingSettings, part: Literal["validation", "train"] = "validation"
) -> list[float]:
    """The monitored value of each epoch, with the sign such that lower is better."""
    return [_sign(settings) * monitored_value(getattr(epoch, part), settings) for epoch in history]


def require_monitorable(target: Target, settings: StoppingSettings) -> None:
    """Require that the monitored quantity exists for the target.

    Raises
    ------
    SettingsProblem
        It is the accuracy of quantities, for instance, or R² of classes.
    """
    known = ("accuracy", "balanced accuracy") if isinstance(target, Classes) else ("r2",)
    if settings.monitor not in ("loss", "score", *known):
        raise SettingsProblem(
            f"“{settings.monitor}” cannot be monitored: these labels have no such figure of merit.",
            f"Choose one of: loss, score, {', '.join(known)}.",
            "stopping.monitor",
        )


def state_after(history: Sequence[EpochEnded], settings: StoppingSettings) -> StoppingState:
    """Apply the rule to a run's epochs."""
    return state([monitored_value(epoch.validation, settings) for epoch in history], settings)


def _sign(settings: StoppingSettings) -> int:
    return 1 if settings.monitor == "loss" else -1

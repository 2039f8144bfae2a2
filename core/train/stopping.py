"""When to stop, as a pure function of the validation history.

An epoch is better if it improves on the best one so far by more than ``min_delta``; training stops after
``patience`` epochs without a better one. Nothing is remembered between calls, so that a resumed run, a plot and a
test all come to the same answer.

References
----------
Prechelt 1998, Early stopping — but when?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.events import EpochEnded, Scores
from core.train.settings import StoppingSettings


@dataclass(frozen=True)
class StoppingState:
    """The rule's opinion after an epoch; ``best_epoch`` counts from 1, and is 0 before the first finite value."""

    best_epoch: int
    epochs_since_best: int
    should_stop: bool


def state(values: Sequence[float], settings: StoppingSettings) -> StoppingState:
    """Judge the monitored values of epochs 1, 2, ... (lower is better for the loss, higher for the score).

    NaN is never better.
    """
    sign = 1 if settings.monitor == "loss" else -1
    best, best_epoch = math.inf, 0
    for epoch, value in enumerate(values, 1):
        if sign * value < best - (settings.min_delta if best_epoch else 0):
            best, best_epoch = sign * value, epoch
    since = len(values) - best_epoch
    return StoppingState(best_epoch, since, should_stop=0 < settings.patience <= since)


def monitored(scores: Scores, settings: StoppingSettings) -> float:
    """The value that decides: the loss, or balanced accuracy for classes and R² otherwise."""
    if settings.monitor == "loss":
        return scores.loss
    return scores.values.get("balanced_accuracy", scores.values.get("r2", math.nan))


def after(history: Sequence[EpochEnded], settings: StoppingSettings) -> StoppingState:
    """Judge a run's epochs."""
    return state([monitored(epoch.validation, settings) for epoch in history], settings)

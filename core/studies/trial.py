"""One trial: a training with the values that were drawn, given up when it is hopeless."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import optuna

from core.errors import NotANumber, NotPossible, OutOfMemory, SettingsProblem, Stopped
from core.events import NEVER, EpochEnded, Event, Preview, Scores, Work, map_events
from core.project.runs import RunFolder
from core.studies import trials
from core.studies.journal import Journal, run_of
from core.studies.trials import SearchStage, TrialEpoch
from core.train import loop, stopping
from core.train.loop import RunResult
from core.train.settings import RunSettings, StoppingSettings

_VALUES_FAULT = (NotANumber, OutOfMemory, SettingsProblem, NotPossible)  # other values may do


def run_trial(
    trial: optuna.Trial, stage: SearchStage, journal: Journal, data: Path, stop: threading.Event = NEVER
) -> Work[None]:
    """Train one trial to its end, or until it is given up; tell the journal.

    Whatever breaks it off, also a defect, gives its values back to be tried again.
    """
    try:
        folder = RunFolder(journal.folder / run_of(stage, trial.number))
        settings = trials.of_trial(journal.base, trial.params, journal.epochs(stage))
        result, given_up = yield from _train_and_report(
            trial, stage, settings, data, folder, journal.search.objective, stop
        )
    except _VALUES_FAULT as problem:
        journal.prune(trial, problem.sentence)
    except Stopped:
        journal.give_back(trial)
    except BaseException:
        journal.give_back(trial)
        raise
    else:
        if given_up:
            journal.prune(trial)
        elif result.reason == "stopped":
            journal.give_back(trial)
        else:
            journal.finish(trial, _objective(result.scores, journal.search.objective), result.best_epoch)


def _train_and_report(
    trial: optuna.Trial,
    stage: SearchStage,
    settings: RunSettings,
    data: Path,
    folder: RunFolder,
    objective: Literal["score", "loss"],
    stop: threading.Event,
) -> Work[tuple[RunResult, bool]]:
    """Train and report each epoch; returns the result, and whether the trial was given up."""
    halt, given_up = threading.Event(), False

    def judge_epoch(event: Event) -> Iterator[Event]:
        nonlocal given_up
        if isinstance(event, EpochEnded):
            yield Preview(TrialEpoch(stage, trial.number, event))
            value = _objective(event.validation, objective)
            if math.isfinite(value):
                trial.report(value, event.epoch)
            given_up = event.epoch < event.epochs and trial.should_prune()
        if given_up or stop.is_set():
            halt.set()

    result = yield from map_events(loop.run(settings, data, folder, halt), judge_epoch)
    return result, given_up


def _objective(scores: Scores, objective: Literal["score", "loss"]) -> float:
    return stopping.monitored(scores, StoppingSettings(monitor=objective))

"""One trial: a training with the sampled settings, pruned when it is hopeless."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import optuna

from core.errors import (
    CatalogueProblem,
    DiskFull,
    NotANumber,
    NotPossible,
    OutOfMemory,
    SettingsProblem,
    Stopped,
    TooFewGalaxies,
    UnreadableFile,
)
from core.events import NEVER, EpochEnded, Event, Preview, Scores, Skipped, Work, map_events
from core.items import as_problem
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.studies import trials
from core.studies.journal import Journal, run_path
from core.studies.trials import SearchStage, TrialEpoch
from core.train import loop, stopping
from core.train.loop import RunResult
from core.train.settings import RunSettings, StoppingSettings

_BEFALLS_ALL = (UnreadableFile, TooFewGalaxies, CatalogueProblem, DiskFull, OSError, MemoryError)
_CAUSED_BY_VALUES = (NotANumber, OutOfMemory, SettingsProblem, NotPossible)  # other values may work


def run_trial(
    trial: optuna.Trial,
    stage: SearchStage,
    journal: Journal,
    data: Path,
    stop: threading.Event = NEVER,
    hand_labels: LabelJournal | None = None,
) -> Work[None]:
    """Train one trial to its end, or until it is pruned, and record it in the journal.

    What would befall every other trial too queues its values to be tried again; whatever else befalls this one, a
    defect included, is noted as the reason why it has no score, and reported.
    """
    try:
        folder = RunFolder(journal.folder / run_path(stage, trial.number))
        settings = trials.trial_settings(journal.base, trial.params, journal.epochs(stage))
        result, pruned = yield from _train_and_report(
            trial, stage, settings, data, folder, journal.search.objective, stop, hand_labels
        )
    except _CAUSED_BY_VALUES as problem:
        journal.prune(trial, problem.sentence)
    except Stopped:
        journal.requeue(trial)
    except Exception as error:
        if isinstance(error, _BEFALLS_ALL) and not isinstance(error, FileExistsError | NotADirectoryError):
            journal.requeue(trial)
            raise
        problem = as_problem(error, run_path(stage, trial.number), of_all=())
        journal.prune(trial, problem.sentence)
        yield Skipped(problem, is_failure=True)
    except BaseException:
        journal.requeue(trial)
        raise
    else:
        if pruned:
            journal.prune(trial)
        elif result.reason == "stopped":
            journal.requeue(trial)
        else:
            journal.finish(trial, _objective_value(result.scores, journal.search.objective), result.best_epoch)


def _train_and_report(
    trial: optuna.Trial,
    stage: SearchStage,
    settings: RunSettings,
    data: Path,
    folder: RunFolder,
    objective: Literal["score", "loss"],
    stop: threading.Event,
    hand_labels: LabelJournal | None,
) -> Work[tuple[RunResult, bool]]:
    """Train and report each epoch; returns the result, and whether the trial was pruned."""
    halt, pruned = threading.Event(), False

    def report_epoch(event: Event) -> Iterator[Event]:
        nonlocal pruned
        if isinstance(event, EpochEnded):
            yield Preview(TrialEpoch(stage, trial.number, event))
            value = _objective_value(event.validation, objective)
            if math.isfinite(value):
                trial.report(value, event.epoch)
            pruned = event.epoch < event.epochs and trial.should_prune()
        if pruned or stop.is_set():
            halt.set()

    result = yield from map_events(loop.run(settings, data, folder, halt, hand_labels=hand_labels), report_epoch)
    return result, pruned


def _objective_value(scores: Scores, objective: Literal["score", "loss"]) -> float:
    return stopping.monitored_value(scores, StoppingSettings(monitor=objective))

"""The result of a search: a table of trials, the best of them, and the importance of each setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.events import EpochEnded
from core.metrics.uncertainty import plus_minus
from core.project.files import write_csv
from core.studies.search_space import Space, apply_values
from core.train.settings import RunSettings
from core.wording import percent

SearchStage = Literal["coarse", "fine"]
TrialStatus = Literal["waiting", "running", "finished", "pruned", "failed"]
_OBJECTIVE_NAMES = {"score": "validation score", "loss": "validation loss"}


@dataclass(frozen=True)
class Trial:
    """One training with one choice of values.

    Attributes
    ----------
    stage, number
        Its name; numbers count from 0 in each stage.
    state
        Pruned trials were stopped early, or could not be trained; failed ones were interrupted, and are repeated.
    values
        By dotted name.
    score
        The objective of the epoch whose weights were kept; of a pruned trial the last one, if any.
    history
        The objective after each epoch.
    best_epoch
        The epoch whose weights were kept; 0: not finished.
    run
        The run's folder, relative to the study's.
    worker
        Machine and process that trained it.
    reason
        Why it could not be trained; empty otherwise.
    """

    stage: SearchStage
    number: int
    state: TrialStatus
    values: Mapping[str, Any]
    score: float | None
    history: tuple[float, ...]
    best_epoch: int
    run: str
    worker: str
    reason: str

    @property
    def name(self) -> str:
        """Its name as it is shown: ``fine 3``."""
        return f"{self.stage} {self.number}"


@dataclass(frozen=True)
class TrialEpoch:
    """An epoch of a running trial."""

    stage: SearchStage
    number: int
    ended: EpochEnded


@dataclass(frozen=True)
class Search:
    """A search so far.

    Attributes
    ----------
    folder
        Where it is.
    base
        The settings that all trials share, apart from the searched ones.
    objective
        The quantity that is optimised.
    spaces
        The search space of each stage that has begun.
    wanted
        The requested number of trials of each stage.
    epochs
        The largest number of epochs of a trial of each stage.
    trials
        By stage and number.
    importance
        Fraction of the objective's variance that each setting explains in the coarse search (fANOVA); empty while
        there are too few trials. Settings that hardly vary look unimportant.
    noise
        The sampling error of the best score from the finite number of validation galaxies; None: not known (yet).
    """

    folder: Path
    base: RunSettings
    objective: Literal["score", "loss"]
    spaces: Mapping[SearchStage, Space]
    wanted: Mapping[SearchStage, int]
    epochs: Mapping[SearchStage, int]
    trials: tuple[Trial, ...]
    importance: Mapping[str, float]
    noise: float | None = None

    @property
    def best(self) -> Trial | None:
        """The best finished trial of the last stage that has one; trials of different length are not compared."""
        for stage in ("fine", "coarse"):
            if done := rank(self.select(stage, "finished"), self.objective):
                return done[0]
        return None

    @property
    def error_note(self) -> str:
        """Why the best score is given without an error; empty: it has one, or none was estimated."""
        if self.noise is None or plus_minus(self.noise):
            return ""
        return "Its error is unknown: every sample of the validation galaxies gives the same score."

    @property
    def equally_good(self) -> tuple[Trial, ...]:
        """Trials of the best one's stage, itself included, that are not worse by more than the sampling error."""
        if self.best is None or self.best.score is None:
            return ()
        margin, best = self.noise or 0.0, self.best.score
        done = rank(self.select(self.best.stage, "finished"), self.objective)
        return tuple(each for each in done if abs((each.score or 0.0) - best) <= margin)

    @property
    def settings(self) -> RunSettings | None:
        """The settings of the best trial; a normal run with them gives the same results."""
        return None if self.best is None else trial_settings(self.base, self.best.values, self.epochs[self.best.stage])

    @property
    def missing(self) -> int:
        """The number of trials that are not done yet."""
        done = {stage: len(self.select(stage, "finished", "pruned")) for stage in self.wanted}
        return sum(max(0, number - done[stage]) for stage, number in self.wanted.items())

    def select(self, stage: SearchStage, *states: TrialStatus) -> tuple[Trial, ...]:
        """Select the trials of a stage that are in one of these states."""
        return tuple(each for each in self.trials if each.stage == stage and each.state in states)

    def _origin(self, trial: Trial) -> Trial | None:
        """The coarse trial whose values a fine one has; None: it has values of its own."""
        same = (each for each in self.select("coarse", "finished") if each.values == trial.values)
        return next(same, None) if trial.stage == "fine" else None

    @property
    def sentences(self) -> tuple[str, ...]:
        """The summary of the search."""
        if self.best is None:
            return ("No trial has come to its end.",)
        pruned = sum(each.state == "pruned" for each in self.trials)
        done = sum(each.state == "finished" for each in self.trials)
        error = plus_minus(self.noise)
        values = ", ".join(f"{name} = {format_value(value)}" for name, value in self.best.values.items())
        objective = _OBJECTIVE_NAMES[self.objective]
        sentences = [
            f"{done} trials finished, {pruned} were given up early.",
            f"The best is {self.best.name}: {objective} {self.best.score:.4f}{error}, with {values}.",
        ]
        if origin := self._origin(self.best):
            epochs = self.epochs
            sentences.append(
                f"These are the values of {origin.name}, which scored {origin.score:.4f} in at most {epochs['coarse']} "
                f"epochs; {self.best.name} had {epochs['fine']}."
            )
        if self.error_note:
            sentences.append(self.error_note)
        if len(self.equally_good) > 1:
            near = "lie within that error of it, and are as good" if error else "have exactly this score"
            names = ", ".join(each.name for each in self.equally_good)
            sentences.append(f"{len(self.equally_good)} trials {near}: {names}.")
        if self.importance:
            sentences.append("Of the coarse search's variance, " + _format_importance(self.importance) + ".")
        return (
            *sentences,
            "The best of many is slightly optimistic: evaluate it on the test part, which no trial has seen.",
        )


def rank(trials: tuple[Trial, ...], objective: str) -> list[Trial]:
    """Sort the trials that have a score, the best first."""
    sign = -1 if objective == "score" else 1
    return sorted((each for each in trials if each.score is not None), key=lambda each: sign * (each.score or 0.0))


def best_trials(search: Search, most: int) -> tuple[Trial, ...]:
    """The best finished trials of each stage, at most ``most``, those of the last stage first."""
    stages: tuple[SearchStage, ...] = ("fine", "coarse")
    return tuple(trial for stage in stages for trial in rank(search.select(stage, "finished"), search.objective)[:most])


def trial_settings(base: RunSettings, values: Mapping[str, Any], epochs: int) -> RunSettings:
    """The complete settings of one trial."""
    return apply_values(base, {**values, "optimiser.epochs": epochs})


def write_table(search: Search, path: Path) -> None:
    """Write the table of trials, the searched settings last."""
    knobs = list(dict.fromkeys(axis.name for space in search.spaces.values() for axis in space))
    head = ["stage", "number", "state", "score", "epochs", "best_epoch", "run", "worker", "reason", *knobs]
    rows = [
        [
            *(each.stage, str(each.number), each.state, "" if each.score is None else f"{each.score:.6g}"),
            *(str(len(each.history)), str(each.best_epoch or ""), each.run, each.worker, each.reason),
            *(format_value(each.values[name], 8) if name in each.values else "" for name in knobs),
        ]
        for each in search.trials
    ]
    write_csv(path, [head, *rows])


def format_value(value: Any, figures: int = 3) -> str:
    """Format a value for display."""
    return f"{value:.{figures}g}" if isinstance(value, float) else str(value)


def axis_positions(search: Search) -> dict[str, list[float]]:
    """Parallel coordinates: the positions of each trial's values on the axes of the widest space, 0 … 1, by name."""
    axes = search.spaces.get("coarse") or search.spaces["fine"]
    return {
        each.name: [axis.place(each.values[axis.name]) for axis in axes]
        for each in search.trials
        if all(axis.name in each.values for axis in axes)
    }


def best_so_far(search: Search, stage: SearchStage) -> list[float]:
    """The best finished score of a stage after each of its trials; NaN before the first."""
    better = np.fmax if search.objective == "score" else np.fmin
    scores = [
        each.score if each.state == "finished" and each.score is not None else np.nan
        for each in search.trials
        if each.stage == stage
    ]
    return better.accumulate(scores).tolist() if scores else []


def _format_importance(importance: Mapping[str, float]) -> str:
    ordered = sorted(importance.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} explains {percent(share)}" for name, share in ordered)

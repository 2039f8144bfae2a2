"""What a search has tried and found: a table of trials, the best of them, and how much each knob mattered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.events import EpochEnded
from core.project.files import write_csv
from core.studies.search_space import Space, applied
from core.train.settings import RunSettings

SearchStage = Literal["coarse", "fine"]
TrialStatus = Literal["waiting", "running", "finished", "pruned", "failed"]
_WORDS = {"score": "validation score", "loss": "validation loss"}


@dataclass(frozen=True)
class Trial:
    """One training with one choice of values.

    Attributes
    ----------
    stage, number
        Its name; numbers count from 0 in each stage.
    state
        Pruned trials were given up early, or could not be trained; failed ones were broken off, and are repeated.
    values
        By dotted name.
    score
        The objective of the epoch whose weights were kept; of a pruned trial the last it came to, if to any.
    history
        The objective after each epoch.
    best_epoch
        The epoch whose weights were kept; 0: not finished.
    run
        The run's folder, seen from the study's.
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
        """For people: ``fine 3``."""
        return f"{self.stage} {self.number}"


@dataclass(frozen=True)
class TrialEpoch:
    """An epoch of a trial that is under way."""

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
        The settings that all trials share, apart from the knobs.
    objective
        What is to become best.
    spaces
        Of each stage that has begun.
    wanted
        How many trials each stage shall have.
    epochs
        How long a trial of each stage may last.
    trials
        By stage and number.
    importance
        Share of the objective's variance that each knob explains in the coarse search (fANOVA); empty while there
        are too few trials. Knobs that are barely tried look unimportant.
    noise
        How far the best score is uncertain because the validation galaxies are few; None: not known (yet).
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
        """The best finished trial of the last stage that has one: the stages last differently long."""
        for stage in ("fine", "coarse"):
            if done := ranked(self.of(stage, "finished"), self.objective):
                return done[0]
        return None

    @property
    def alike(self) -> tuple[Trial, ...]:
        """Trials of the best one's stage that are not worse than it by more than the noise, itself among them."""
        if self.best is None or self.best.score is None:
            return ()
        margin, best = self.noise or 0.0, self.best.score
        done = ranked(self.of(self.best.stage, "finished"), self.objective)
        return tuple(each for each in done if abs((each.score or 0.0) - best) <= margin)

    @property
    def settings(self) -> RunSettings | None:
        """Of the best trial, ready for a normal run that gives the same numbers."""
        return None if self.best is None else of_trial(self.base, self.best.values, self.epochs[self.best.stage])

    @property
    def missing(self) -> int:
        """How many trials are still to be done."""
        done = {stage: len(self.of(stage, "finished", "pruned")) for stage in self.wanted}
        return sum(max(0, number - done[stage]) for stage, number in self.wanted.items())

    def of(self, stage: SearchStage, *states: TrialStatus) -> tuple[Trial, ...]:
        """The trials of a stage that are in one of these states."""
        return tuple(each for each in self.trials if each.stage == stage and each.state in states)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the search says, for people."""
        if self.best is None:
            return ("No trial has come to its end.",)
        pruned = sum(each.state == "pruned" for each in self.trials)
        done = sum(each.state == "finished" for each in self.trials)
        error = f" ± {self.noise:.2g}" if self.noise else ""
        values = ", ".join(f"{name} = {shown(value)}" for name, value in self.best.values.items())
        told = [
            f"{done} trials finished, {pruned} were given up early.",
            f"The best is {self.best.name}: {_WORDS[self.objective]} {self.best.score:.4f}{error}, with {values}.",
        ]
        if len(self.alike) > 1:
            told.append(
                f"{len(self.alike)} trials lie within that error of it, and are as good: "
                f"{', '.join(each.name for each in self.alike)}."
            )
        if self.importance:
            told.append("Of the coarse search's variance, " + _listed(self.importance) + ".")
        return (*told, "The best of many is a little lucky: judge it on the test part, which no trial has seen.")


def ranked(trials: tuple[Trial, ...], objective: str) -> list[Trial]:
    """Trials with a score, the best first."""
    sign = -1 if objective == "score" else 1
    return sorted((each for each in trials if each.score is not None), key=lambda each: sign * (each.score or 0.0))


def of_trial(base: RunSettings, values: Mapping[str, Any], epochs: int) -> RunSettings:
    """The settings of one trial."""
    return applied(base, {**values, "optimiser.epochs": epochs})


def write(search: Search, path: Path) -> None:
    """Write the table of trials, the knobs last."""
    knobs = list(dict.fromkeys(axis.name for space in search.spaces.values() for axis in space))
    head = ["stage", "number", "state", "score", "epochs", "best_epoch", "run", "worker", "reason", *knobs]
    rows = [
        [
            *(each.stage, str(each.number), each.state, "" if each.score is None else f"{each.score:.6g}"),
            *(str(len(each.history)), str(each.best_epoch or ""), each.run, each.worker, each.reason),
            *(shown(each.values[name], 8) if name in each.values else "" for name in knobs),
        ]
        for each in search.trials
    ]
    write_csv(path, [head, *rows])


def shown(value: Any, figures: int = 3) -> str:
    """A value for people."""
    return f"{value:.{figures}g}" if isinstance(value, float) else str(value)


def places(search: Search) -> dict[str, list[float]]:
    """For parallel coordinates: where the values of each trial lie on each knob's wide axis, 0 … 1, by trial's name."""
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


def _listed(importance: Mapping[str, float]) -> str:
    ordered = sorted(importance.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} explains {share:.0%}" for name, share in ordered)

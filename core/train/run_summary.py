"""Summaries of runs for a table, and the settings in which several runs differ."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from core.errors import Problem, UnreadableFile
from core.metrics import part_notes
from core.metrics.answering import Answering
from core.metrics.guessing import Guess, guess_of_run
from core.metrics.judged_on import NOT_KNOWN, JudgedOn
from core.metrics.uncertainty import find_error
from core.nets import base_networks
from core.project import ensembles, notes
from core.project.metrics_file import read_metrics
from core.project.notes import Notes
from core.project.runs import RunFolder
from core.reading import modified
from core.settings import toml
from core.settings.declare import Knob, knobs
from core.train import run_check, verdict
from core.train.settings import RunSettings

RunState = Literal["running", "finished", "early", "stopped", "unfinished", "unreadable"]
STATE_NAMES: dict[RunState, str] = {
    "running": "in training",
    "finished": "finished",
    "early": "stopped early",
    "stopped": "stopped",
    "unfinished": "unfinished",
    "unreadable": "unreadable",
}
_SCORES = ("balanced_accuracy", "r2", "accuracy", "neighbours_accuracy")  # the first that a run has is shown


@dataclass(frozen=True)
class RunSummary:
    """The summary of a run.

    Attributes
    ----------
    folder
        Where it is.
    began
        When its settings were written; None: unknown.
    state
        Why it ended; ``unfinished`` if it is running or was interrupted. Only the program that trains it knows which:
        there it is ``running``.
    settings
        Of the run; None if they cannot be read.
    epochs, best_epoch
        Number of epochs, and the one whose weights are kept; 0: none.
    score_name, score
        The figure of merit of the best weights on the validation part; NaN: none.
    error
        Its error; None: unknown.
    basis
        Over how many galaxies and views it is; empty: unknown.
    guess
        What always answering the commonest class of that part gives; None: no classes, or unknown.
    loss
        The validation loss of the best epoch; NaN: none.
    test
        The same figure of merit on the test part; NaN if it was not evaluated there.
    data
        Name of the dataset, without its ending; empty: unknown.
    start
        What it started from: the title of a run, or the name of a weights file; empty: random weights. Of an ensemble
        how many runs it is.
    labels, validated
        Number of training and of validation galaxies; 0: unknown.
    verdict
        The verdict on its convergence, a sentence.
    outdated
        A warning for each part whose numbers are of another decision or temperature than it has now, or of labels that
        have changed.
    judged
        Over which galaxies and labels the numbers of each part are, as far as that is known.
    notes
        The user's notes and tags.
    problem
        What could not be read of it; None: everything could.
    """

    folder: RunFolder
    began: datetime | None
    state: RunState
    settings: RunSettings | None
    epochs: int
    best_epoch: int
    score_name: str
    score: float
    error: float | None
    basis: str
    guess: Guess | None
    loss: float
    test: float
    data: str
    start: str
    labels: int
    validated: int
    verdict: str
    outdated: dict[str, str]
    judged: dict[str, JudgedOn]
    notes: Notes
    problem: Problem | None

    @property
    def remarks(self) -> list[str]:
        """The warnings on its numbers, each with its part."""
        return [f"{part.capitalize()} part: {said}" for part, said in self.outdated.items()]

    @property
    def planned(self) -> int:
        """The number of epochs in its settings; 0: unknown."""
        return self.settings.optimiser.epochs if self.settings is not None else 0

    def matches(self, words: str) -> bool:
        """Whether each of the words occurs in its name, tags, notes, state, dataset or initial weights."""
        known = (self.folder.title, STATE_NAMES[self.state], self.data, self.start, self.notes.text)
        text = " ".join([*known, *self.notes.tags]).casefold()
        return all(word in text for word in words.casefold().split())


def find_runs(place: Path) -> list[RunFolder]:
    """Find the runs in a folder and its sub-folders, by name, including those of studies; the folder may be a run's.

    Raises
    ------
    UnreadableFile
        There is no such folder.
    """
    if not place.is_dir():
        raise UnreadableFile("There is no such folder.", "", str(place))
    return sorted(_walk(place), key=lambda run: run.path)


def _walk(place: Path) -> Iterator[RunFolder]:
    """The runs in a folder, however deep they lie, without following links; what may not be looked into is passed."""
    waiting = [place]
    while waiting:
        folder = waiting.pop()
        run = RunFolder(folder)
        if run.is_run:
            yield run
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            waiting += [
                folder / entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]


def summarise(run: RunFolder, judged: Mapping[str, JudgedOn] = NOT_KNOWN) -> RunSummary:
    """Summarise a run; if any of its files cannot be read, ``problem`` says which, and what it tells is left empty.

    Parameters
    ----------
    run
        Of any state.
    judged
        Over which galaxies and labels its numbers are, see :func:`core.metrics.judged_labels.find_all`.
    """

    def attempt(read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except Problem:  # told by ``problem``
            return otherwise

    problem = run_check.find_problem(run)
    settings: RunSettings | None = None
    if not run.is_ensemble:
        settings = attempt(lambda: toml.load(RunSettings, run.settings_file), None)
    metrics: dict[str, Any] = attempt(lambda: read_metrics(run.metrics_file), {})
    written: Notes = attempt(lambda: notes.read(run.path), Notes())
    validation, test = metrics.get("validation") or {}, metrics.get("test") or {}
    name = next((name for name in _SCORES if validation.get(name) is not None), "")
    reason = metrics.get("reason")
    ended: RunState = reason if reason in ("finished", "early", "stopped") else "unfinished"
    facts = metrics.get("data") or {}
    return RunSummary(
        folder=run,
        began=modified(run.ensemble_file) or modified(run.settings_file) or modified(run.path),
        state="unreadable" if problem is not None else ended,
        settings=settings,
        epochs=metrics.get("epochs", 0),
        best_epoch=metrics.get("best_epoch", 0),
        score_name=name,
        score=_to_float(validation.get(name)),
        error=find_error(validation, name),
        basis=part_notes.describe_basis(validation) if validation else "",
        guess=guess_of_run(metrics),
        loss=_to_float(validation.get("loss")),
        test=_to_float(test.get(name)),
        data=_dataset_name(run, facts),
        start=describe_start(run, settings),
        labels=facts.get("galaxies", {}).get("training", 0),
        validated=facts.get("galaxies", {}).get("validation", 0),
        verdict=_describe_members(run) if run.is_ensemble else verdict.describe(metrics, with_advice=False),
        outdated=attempt(lambda: find_outdated(run, judged), {}),
        judged=dict(judged),
        notes=written,
        problem=problem,
    )


def find_outdated(run: RunFolder, judged: Mapping[str, JudgedOn]) -> dict[str, str]:
    """A warning for each part whose numbers are of other answers than the run gives now, or of labels before a change.

    Parameters
    ----------
    run
        Of any state.
    judged
        Over which galaxies and labels its numbers are, see :func:`core.metrics.judged_labels.find_all`.

    Raises
    ------
    UnreadableFile
        Its numbers cannot be read.
    """
    metrics = read_metrics(run.metrics_file)
    noted = {part: metrics.get(part) or {} for part in part_notes.PARTS}
    now = Answering.of_run(run) if any(Answering.noted(values) for values in noted.values()) else None
    said: dict[str, str] = {}
    for part, values in noted.items():
        answers = "" if now is None else now.remark_on(values)
        said[part] = " ".join(filter(None, (answers, judged[part].remark if part in judged else "")))
    return {part: each for part, each in said.items() if each}


def describe_start(run: RunFolder, settings: RunSettings | None) -> str:
    """What a run started from: the title of a run or of a base network; of an ensemble of how many runs it is."""
    if run.is_ensemble:
        try:
            return f"{len(ensembles.read(run.ensemble_file).members)} runs together"
        except Problem:
            return "several runs together"
    return base_networks.title_of(settings.transfer.start_from) if settings and settings.transfer.start_from else ""


def _describe_members(run: RunFolder) -> str:
    try:
        titles = ", ".join(f"“{member.title}”" for member in ensembles.read(run.ensemble_file).members)
    except Problem:
        return ""
    return f"The mean of {titles}."


def differing_settings(settings: Sequence[RunSettings]) -> list[tuple[str, Knob, list[Any]]]:
    """The settings in which several runs differ: dotted name, declaration, and the value of each run."""
    names: dict[str, None] = {}
    for other in settings[1:]:
        names |= dict.fromkeys(name for name, _, _ in toml.differences(settings[0], other))
    order = {name: place for place, name in enumerate(_knobs_by_name(RunSettings))}
    return [
        (name, _knobs_by_name(RunSettings)[name], [_value(each, name) for each in settings])
        for name in sorted(names, key=order.__getitem__)
    ]


def _knobs_by_name(model: type[Any], prefix: str = "") -> dict[str, Knob]:
    found: dict[str, Knob] = {}
    for name, knob in knobs(model).items():
        if isinstance(knob.annotation, type) and hasattr(knob.annotation, "model_fields"):
            found |= _knobs_by_name(knob.annotation, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = knob
    return found


def _value(settings: Any, name: str) -> Any:
    for part in name.split("."):
        settings = getattr(settings, part)
    return settings


def _dataset_name(run: RunFolder, facts: dict[str, Any]) -> str:
    path = run.data
    return path.stem if path is not None else Path(facts.get("data", "")).stem


def _to_float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan

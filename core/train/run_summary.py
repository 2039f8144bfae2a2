"""Summaries of runs for a table, and the settings in which several runs differ."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from core.errors import Problem, UnreadableFile
from core.project import notes
from core.project.notes import Notes
from core.project.runs import RunFolder
from core.settings import toml
from core.settings.declare import Knob, knobs
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
_SCORES = ("balanced_accuracy", "r2", "accuracy")  # the first that a run has is shown


@dataclass(frozen=True)
class RunSummary:
    """The summary of a run.

    Attributes
    ----------
    folder
        Where it is.
    began
        When its settings were written.
    state
        Why it ended; ``unfinished`` if it is running or was interrupted. Only the program that trains it knows which:
        there it is ``running``.
    settings
        Of the run; None if they cannot be read.
    epochs, best_epoch
        Number of epochs, and the one whose weights are kept; 0: none.
    score_name, score
        The figure of merit of the best epoch on the validation part; NaN: none.
    loss
        The validation loss of the best epoch; NaN: none.
    test
        The same figure of merit on the test part; NaN if it was not evaluated there.
    data
        Name of the dataset, without its ending; empty: unknown.
    start
        What it started from: the title of a run, or the name of a weights file; empty: random weights.
    labels
        Number of training galaxies; 0: unknown.
    verdict
        The verdict on its convergence, a sentence.
    notes
        The user's notes and tags.
    problem
        What could not be read of it; None: everything could.
    """

    folder: RunFolder
    began: datetime
    state: RunState
    settings: RunSettings | None
    epochs: int
    best_epoch: int
    score_name: str
    score: float
    loss: float
    test: float
    data: str
    start: str
    labels: int
    verdict: str
    notes: Notes
    problem: Problem | None

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
    files = sorted(place.rglob("settings.toml"))
    folders = [RunFolder(file.parent) for file in files if not any(part.startswith(".") for part in file.parts)]
    return [folder for folder in folders if not folder.is_study]


def summarise(run: RunFolder) -> RunSummary:
    """Summarise a run; what cannot be read is reported in ``problem`` and left empty."""
    problems: list[Problem] = []

    def attempt(read: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return read()
        except Problem as problem:
            problems.append(problem)
            return otherwise

    settings: RunSettings | None = attempt(lambda: toml.load(RunSettings, run.settings_file), None)
    metrics: dict[str, Any] = attempt(lambda: _read_metrics(run), {})
    written: Notes = attempt(lambda: notes.read(run.path), Notes())
    validation, test = metrics.get("validation") or {}, metrics.get("test") or {}
    name = next((name for name in _SCORES if validation.get(name) is not None), "")
    reason = metrics.get("reason")
    ended: RunState = reason if reason in ("finished", "early", "stopped") else "unfinished"
    return RunSummary(
        folder=run,
        began=_start_time(run),
        state="unreadable" if problems else ended,
        settings=settings,
        epochs=int(metrics.get("epochs", 0)),
        best_epoch=int(metrics.get("best_epoch", 0)),
        score_name=name,
        score=_to_float(validation.get(name)),
        loss=_to_float(validation.get("loss")),
        test=_to_float(test.get(name)),
        data=_dataset_name(run, metrics),
        start=RunFolder(Path(settings.transfer.start_from)).title if settings and settings.transfer.start_from else "",
        labels=int(_facts(metrics).get("galaxies", {}).get("training", 0)),
        verdict=(metrics.get("verdict") or {}).get("sentence", ""),
        notes=written,
        problem=problems[0] if problems else None,
    )


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


def _read_metrics(run: RunFolder) -> dict[str, Any]:
    if not run.metrics_file.exists():
        return {}
    try:
        values = json.loads(run.metrics_file.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("no table of names and values")  # noqa: TRY301, TRY004 - as any other damage
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"The numbers cannot be read ({error}).", "", str(run.metrics_file)) from None
    return values


def _start_time(run: RunFolder) -> datetime:
    file = run.settings_file if run.settings_file.exists() else run.path
    return datetime.fromtimestamp(file.stat().st_mtime).astimezone()


def _facts(metrics: dict[str, Any]) -> dict[str, Any]:
    """What is recorded of the data of a run that has ended."""
    facts = metrics.get("data")
    return facts if isinstance(facts, dict) else {}


def _dataset_name(run: RunFolder, metrics: dict[str, Any]) -> str:
    path = run.data
    return path.stem if path is not None else Path(str(_facts(metrics).get("data", ""))).stem


def _to_float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan

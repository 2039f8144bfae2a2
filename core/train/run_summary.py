"""Runs at a glance: what each came to, for a table; and the settings in which several of them differ."""

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

RunState = Literal["finished", "early", "stopped", "unfinished", "unreadable"]
STATE_NAMES: dict[RunState, str] = {
    "finished": "finished",
    "early": "stopped early",
    "stopped": "stopped",
    "unfinished": "unfinished",
    "unreadable": "unreadable",
}
_SCORES = ("balanced_accuracy", "r2", "accuracy")  # the first that a run has is shown


@dataclass(frozen=True)
class RunSummary:
    """What a run came to.

    Attributes
    ----------
    folder
        Where it is.
    began
        When its settings were written.
    state
        Why it ended; ``unfinished`` is one that runs now or was broken off.
    settings
        What was asked for; None if that cannot be read.
    epochs, best_epoch
        How many there were, and whose weights are kept; 0: none.
    score_name, score
        The figure of merit of the best epoch on the validation part; NaN: none.
    loss
        The validation loss of the best epoch; NaN: none.
    test
        The same figure of merit on the test part; NaN where nobody has looked at it.
    verdict
        What its history says.
    notes
        What a person wrote down.
    problem
        What could not be read of it; None: all is well.
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
    verdict: str
    notes: Notes
    problem: Problem | None

    @property
    def planned(self) -> int:
        """How many epochs were asked for; 0: not known."""
        return self.settings.optimiser.epochs if self.settings is not None else 0

    def matches(self, words: str) -> bool:
        """Whether each of the words stands in its name, its tags, its notes or its state."""
        text = " ".join([self.folder.title, STATE_NAMES[self.state], self.notes.text, *self.notes.tags]).casefold()
        return all(word in text for word in words.casefold().split())


def find_runs(place: Path) -> list[RunFolder]:
    """The runs in a folder and the folders below, those of studies, too, by name; a run's own folder is one as well.

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
    """Read what a run came to; what cannot be read is told in ``problem`` and left empty."""
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
        verdict=(metrics.get("verdict") or {}).get("sentence", ""),
        notes=written,
        problem=problems[0] if problems else None,
    )


def differing_settings(settings: Sequence[RunSettings]) -> list[tuple[str, Knob, list[Any]]]:
    """The knobs in which several runs differ: dotted name, declaration, and the value of each run."""
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


def _to_float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan

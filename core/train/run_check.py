"""What of a run cannot be read, if anything: one verdict for every list in which runs appear.

A run with a damaged file is listed as unreadable, with the reason. It can be looked at and removed, and is offered for
nothing else: a network whose settings, decision or bands are unknown would give other answers than it did.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from core.data.parts import parse_seed
from core.errors import Problem
from core.metrics.decision import Decision
from core.nets import temperature
from core.nets.weights_file import read_plan
from core.project import band_choices, ensembles, notes
from core.project.history import read_history
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.reading import FileState, is_there, read_text, read_toml, reading, require_file, state_of
from core.settings import toml
from core.settings.declare import knobs
from core.train.settings import RunSettings

_HEAD = 1 << 12  # bytes of a split that are looked at
_REMEDY = "Restore the file, or move the run to the trash."


def find_problem(run: RunFolder) -> Problem | None:
    """What cannot be read of a run; None: nothing.

    Files that have not changed since are not read again, so that a window may ask at every change.
    """
    problem = _check(run.path, tuple(map(state_of, _files_of(run))))
    if problem is not None or not run.is_ensemble:
        return problem
    try:
        members = ensembles.read(run.ensemble_file).members
    except Problem as missing:
        return missing
    return next(filter(None, map(find_problem, (each for each in members if not each.is_ensemble))), None)


def _files_of(run: RunFolder) -> tuple[Path, ...]:
    named = (run.settings_file, run.metrics_file, run.data_file, run.history_file, run.decision_file, run.split_file)
    return (
        *named,
        run.environment_file,
        run.best,
        run.path / "notes.toml",
        run.path / "bands.json",
        run.temperature_file,
    )


@lru_cache(maxsize=4096)
def _check(path: Path, _states: tuple[FileState, ...]) -> Problem | None:
    run = RunFolder(path)
    try:
        with reading("This run", path, _REMEDY):
            if not run.is_ensemble:  # whose runs have settings each
                _check_settings(run.settings_file)
            read_metrics(run.metrics_file)
            run.find_data()
            notes.read(path)
            band_choices.recall(path, ())
            for file, check in _CHECKS.items():
                if is_there(path / file):
                    check(path / file)
    except Problem as problem:
        return problem
    return None


def _check_settings(file: Path) -> None:
    """Check that the settings are valid, and whole: what is left out would silently take today's defaults."""
    toml.load(RunSettings, file)
    with reading("The settings", file, _REMEDY):
        text = read_text(file)
        sections = [name for name, knob in knobs(RunSettings).items() if hasattr(knob.annotation, "model_fields")]
        is_cut = not text.endswith("\n") and any(f"[{name}]" not in text for name in sections)
        if not text.strip() or is_cut:
            raise ValueError("the file is empty" if not text.strip() else "its end is missing")


def _check_decision(file: Path) -> None:
    with reading("The decision", file, "Remove this file: then the most probable class is taken."):
        Decision.from_dict(read_toml(file, "The decision"))


def _check_split(file: Path) -> None:
    """Check the beginning of a split, which may be long."""
    with reading("The parts of this run", file, _REMEDY):
        require_file(file)
        with file.open("rb") as opened:
            first = opened.read(_HEAD).split(b"\n")[0].decode()
        parse_seed(first)


def _check_environment(file: Path) -> None:
    with reading("The record of this run's environment", file, _REMEDY):
        if not read_toml(file, "The record of this run's environment", _REMEDY):
            raise ValueError("the file is empty")


_CHECKS: dict[str, Callable[[Path], object]] = {
    "history.csv": read_history,
    "decision.toml": _check_decision,
    "split.csv": _check_split,
    "environment.toml": _check_environment,
    "temperature.json": temperature.parse,
    "best.safetensors": read_plan,
}

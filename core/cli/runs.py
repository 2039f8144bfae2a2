"""The command that lists runs in a table."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from core.cli.console import Console
from core.metrics import judged_on
from core.metrics.uncertainty import plus_minus
from core.train import run_summary
from core.train.run_summary import STATE_NAMES, RunSummary

_LAST = math.inf
SORTS: dict[str, Callable[[RunSummary], Any]] = {
    "began": lambda run: -_LAST if run.began is None else run.began.timestamp(),
    "name": lambda run: run.folder.name,
    "score": lambda run: _LAST if math.isnan(run.score) else -run.score,
    "loss": lambda run: _LAST if math.isnan(run.loss) else run.loss,
    "epochs": lambda run: -run.epochs,
}


def runs(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork runs``."""
    from core.metrics import judged_labels

    found = [run_summary.summarise(run, judged_labels.find_all(run)) for run in run_summary.find_runs(options.folder)]
    found = sorted((run for run in found if run.matches(options.filter)), key=SORTS[options.sort])
    if options.json:
        console.say_json({"runs": [_to_json(run, options) for run in found]})
        return _status(found)
    if not found:
        console.say("No runs here." if not options.filter else f"No run matches “{options.filter}”.")
        return 0
    head = ("run", "state", "epochs", "best", "score", "validation", "guess", "loss", "test", "galaxies", "tags")
    letters = judged_on.letter_parts([run.judged for run in found], ("validation", "test"))
    console.table(head, [_cells(run, its, options) for run, its in zip(found, letters, strict=True)])
    console.say("guess: always answering the commonest class; galaxies: of the training and of the validation part.")
    for run in found:
        if run.basis.endswith("one view of each"):
            console.say(f"{_relative_name(run, options)}: validation over {run.basis}.")
    explained = judged_on.explain_letters([run.judged for run in found], letters)
    for line in explained:
        console.say(line)
    for run in found:
        for line in run.remarks:
            console.say(f"* {_relative_name(run, options)}: {line}")
    for run in found:
        if run.problem is not None:
            console.say(f"note: {run.problem}")
    return _status(found)


def _status(found: Sequence[RunSummary]) -> int:
    """The exit status: that of a problem if a run cannot be read."""
    return 1 if any(run.problem is not None for run in found) else 0


def _relative_name(run: RunSummary, options: argparse.Namespace) -> str:
    return run.folder.name if run.folder.path == options.folder else str(run.folder.path.relative_to(options.folder))


def _cells(run: RunSummary, letters: Mapping[str, str], options: argparse.Namespace) -> tuple[str, ...]:
    return (
        _relative_name(run, options),
        STATE_NAMES[run.state],
        f"{run.epochs}/{run.planned}" if run.planned else str(run.epochs or "–"),
        str(run.best_epoch or "–"),
        run.score_name.replace("_", " ") or "–",
        _number(run.score) + plus_minus(run.error, ".4f") + judged_on.mark(run.outdated, letters, "validation"),
        _number(_guessed(run)),
        _number(run.loss),
        _number(run.test) + judged_on.mark(run.outdated, letters, "test"),
        f"{run.labels:,} / {run.validated:,}" if run.validated else "–",
        ", ".join(run.notes.tags) or "–",
    )


def _guessed(run: RunSummary) -> float:
    """What always answering the commonest class gives for the figure of merit on display; NaN: not known."""
    if run.guess is None or run.score_name not in ("accuracy", "balanced_accuracy", "neighbours_accuracy"):
        return math.nan
    return run.guess.balanced_accuracy if run.score_name == "balanced_accuracy" else run.guess.accuracy


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _to_json(run: RunSummary, options: argparse.Namespace) -> dict[str, Any]:
    numbers = {"score": run.score, "guess": _guessed(run), "loss": run.loss, "test": run.test}
    return {
        "run": _relative_name(run, options),
        "began": None if run.began is None else run.began.isoformat(timespec="seconds"),
        "state": run.state,
        "epochs": run.epochs,
        "planned": run.planned,
        "best_epoch": run.best_epoch,
        "score_name": run.score_name,
        **{name: None if math.isnan(value) else value for name, value in numbers.items()},
        "score_error": run.error,
        "galaxies": {"training": run.labels, "validation": run.validated},
        "basis": run.basis,
        "verdict": run.verdict,
        "outdated": run.outdated,
        "judged_on": {part: asdict(found) for part, found in run.judged.items()},
        "tags": list(run.notes.tags),
        "notes": run.notes.text,
        "problem": None if run.problem is None else str(run.problem),
    }

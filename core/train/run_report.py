"""The report of a run: its metrics for each part of the data, its model card, a log."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from core.data import target as targets
from core.data.target import Classes
from core.errors import NotANumber, NotPossible, UnreadableFile
from core.events import EpochEnded, Scores
from core.metrics import part_notes
from core.printable import on_one_line
from core.project.files import require_appendable
from core.project.metrics_file import read_metrics, write_metrics
from core.project.runs import RunFolder
from core.reading import reading
from core.train import verdict
from core.train.description import model_card
from core.train.plan import TrainingPlan
from core.train.zero_shot import Baseline

FORMAT = 1
CONSTANT = "The network gives the same answer for every validation galaxy."


def append_log(folder: RunFolder, sentence: str) -> None:
    """Add a line with the time to the log."""
    require_appendable(folder.log)
    with folder.log.open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {on_one_line(sentence)}\n")


def log_epoch(folder: RunFolder, ended: EpochEnded) -> None:
    """Add an epoch to the log."""
    best = ", the best so far" if ended.is_best else ""
    append_log(
        folder,
        f"epoch {ended.epoch}/{ended.epochs}: training {format_scores(ended.train)}; validation "
        f"{format_scores(ended.validation)}{best}; {ended.seconds:.1f} s",
    )


def describe_end(reason: str, plan: TrainingPlan, history: Sequence[EpochEnded]) -> str:
    """The end of a training as a line of the log."""
    return f"{reason} after epoch {len(history)}; {plan.settings.stopping.keep} epoch {history[-1].best_epoch}"


def format_scores(scores: Scores) -> str:
    """Scores as text, such as ``loss 0.412, accuracy 0.871``."""
    values = {name: value for name, value in scores.values.items() if ":" not in name}
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in {"loss": scores.loss, **values}.items())


def metrics(
    plan: TrainingPlan,
    history: Sequence[EpochEnded],
    reason: str,
    warnings: list[str],
    baseline: Baseline | None,
    final: Mapping[str, Any] | None = None,
    afterwards: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The run's metrics as plain values, under the name of the part of the data that they are for.

    ``final`` are those of the best weights, once the training has ended; before, they are of one view of each galaxy.
    ``afterwards`` is the fine-tuned network on the galaxies and classes of the baseline.
    """
    best = history[history[-1].best_epoch - 1]
    return {
        "format": FORMAT,
        "target": targets.to_dict(plan.target),
        "data": plan.facts,
        "epochs": len(history),
        "best_epoch": best.epoch,
        "reason": reason,
        "verdict": asdict(verdict.judge(history, plan.settings, _classes(plan))),
        "validation": dict(final or _of_one_view(plan, best.validation)),
        "training": _scores_to_json(best.train)
        | {
            "galaxies": plan.facts["galaxies"]["training"],
            "note": f"running mean during the {plan.settings.stopping.keep} epoch, with augmentation and dropout",
        },
        "baseline": None if baseline is None else _baseline_to_json(baseline) | dict(afterwards or {}),
        "warnings": [*plan.facts.get("overlaps", ()), *warnings],
    }


def _of_one_view(plan: TrainingPlan, validation: Scores) -> dict[str, Any]:
    galaxies, note = plan.facts["galaxies"]["validation"], part_notes.note_while_trained(plan.settings.stopping.keep)
    return _scores_to_json(validation) | {"galaxies": galaxies, "note": note, "views": 1}


def read_overlaps(folder: RunFolder) -> dict[str, Any]:
    """Read what a run that is resumed has in common with earlier test parts, as it was found when the run began."""
    data = read_metrics(folder.metrics_file).get("data") or {}
    return {name: value for name, value in data.items() if name == "overlaps"}


def require_same_counts(folder: RunFolder, plan: TrainingPlan) -> None:
    """Require that the parts of a resumed run hold as many galaxies of each class as when it began.

    Raises
    ------
    NotPossible
        The labels have changed since.
    """
    before = (read_metrics(folder.metrics_file).get("data") or {}).get("classes")
    if before is not None and before != plan.facts.get("classes"):
        raise NotPossible(
            "The labels of this run's galaxies have changed since it began, so that it cannot be resumed.",
            "Start a new run from its weights instead.",
            str(folder.path),
        )


def _classes(plan: TrainingPlan) -> int | None:
    return len(plan.target.names) if isinstance(plan.target, Classes) else None


def record_breakdown(folder: RunFolder, problem: NotANumber) -> None:
    """Record that the loss became NaN or infinite: in the log, and as the verdict on the epochs before."""
    append_log(folder, str(problem))
    if values := read_metrics(folder.metrics_file):
        epoch = values.get("epochs", 0) + 1
        breakdown = verdict.Verdict("not a number", epoch, f"In epoch {epoch}: {problem.sentence}", problem.remedy)
        write_metrics(folder.metrics_file, values | {"verdict": asdict(breakdown)})


def write_card(folder: RunFolder) -> None:
    """Write the model card, ``card.md``, of a run whose settings, numbers and weights are written."""
    try:
        model_card.write(folder)
    except UnreadableFile as problem:  # changed by someone meanwhile: the run is whole all the same
        append_log(folder, f"There is no model card. {problem}")


def _scores_to_json(scores: Scores) -> dict[str, Any]:
    """Scores as plain values, None instead of NaN, which JSON lacks."""
    values = {"loss": scores.loss, **scores.values}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _baseline_to_json(baseline: Baseline) -> dict[str, Any]:
    scores = {} if baseline.scores is None else _scores_to_json(baseline.scores)
    return scores | {
        "error": baseline.error if math.isfinite(baseline.error) else None,
        "galaxies": baseline.galaxies,
        "outputs": list(baseline.names),
        "sentence": baseline.sentence,
        "counted_as": dict(baseline.counted_as),
        "note": "the network that was started from, before any step, on the validation galaxies whose labels it knows",
    }


def read_baseline(folder: RunFolder) -> Baseline | None:
    """Read the unadapted network's scores from ``metrics.json``, for a run that is resumed."""
    values = read_metrics(folder.metrics_file).get("baseline")
    if values is None:
        return None
    with reading("The numbers of this run", folder.metrics_file):
        return _parse_baseline(values)


def _parse_baseline(values: Mapping[str, Any]) -> Baseline:
    about = {"loss", "error", "galaxies", "outputs", "sentence", "note", "counted_as", "afterwards"}
    known = {name: math.nan if value is None else value for name, value in values.items()}
    figures = {name: value for name, value in known.items() if name not in about}
    scores = Scores(known["loss"], figures) if "loss" in known else None
    error = math.nan if values.get("error") is None else float(values["error"])
    sentence = values.get("sentence", "")  # missing before errors were given
    counted_as = values.get("counted_as") or {}  # missing before the two were compared
    return Baseline(scores, values["galaxies"], tuple(values["outputs"]), error, sentence, counted_as)


def card_values(plan: TrainingPlan, folder: RunFolder, ended: EpochEnded) -> dict[str, Any]:
    """The provenance stored in a predictor's file."""
    return {
        "run": folder.name,
        "epoch": ended.epoch,
        "seed": plan.settings.seed,
        "validation": _scores_to_json(ended.validation),
        **plan.facts,
    }

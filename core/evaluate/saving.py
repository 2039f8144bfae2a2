"""Saving an evaluation: its metrics, and the predictions behind them, in the folder of the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.target import Classes
from core.evaluate import decision as decisions
from core.evaluate import tables
from core.metrics import part_notes
from core.project.metrics_file import read_metrics, write_metrics
from core.project.runs import RunFolder

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation


def record(folder: RunFolder, evaluation: Evaluation, *, keep: bool) -> bool:
    """Write what was found into the folder of the run, and if it is to be kept the decision; one writer at a time.

    Returns whether the folder held other numbers.
    """
    with folder.locked_briefly():
        before = read_metrics(folder.metrics_file)
        _save(folder, evaluation, dict(before))
        if keep:
            decisions.keep(folder, evaluation.predictions.decision)
        return read_metrics(folder.metrics_file) != before


def facts_of_answers(evaluation: Evaluation) -> dict[str, Any]:
    """What stands behind the answers, as plain values: error bars and temperatures, where there are any."""
    found: dict[str, Any] = {}
    if evaluation.error_bars is not None:
        found["error_bars"] = evaluation.error_bars.to_json()
    if evaluation.predictions.temperature is not None:
        found["temperature"] = asdict(evaluation.predictions.temperature)
    if evaluation.members:
        found["member_temperatures"] = list(evaluation.members)
    return found


def _save(folder: RunFolder, evaluation: Evaluation, values: dict[str, Any]) -> None:
    """Write the metrics, whose earlier ones are given, and the predictions of an evaluation into its run's folder."""
    elsewhere = None if evaluation.is_own else _name_elsewhere(values.get("elsewhere") or {}, evaluation)
    found = evaluation.report.to_json() | {
        "note": evaluation.note,
        "views": evaluation.views,
        "unknown_classes": evaluation.unknown,
        "mapped_classes": evaluation.mapped,
    }
    found |= facts_of_answers(evaluation)
    if elsewhere is None:
        kept = values.get(evaluation.part) or {}
        stale = ("temperature", "member_temperatures")  # of an earlier evaluation
        values[evaluation.part] = {name: each for name, each in kept.items() if name not in stale} | found
    else:
        found["checksum"] = evaluation.checksum
        values["elsewhere"] = (values.get("elsewhere") or {}) | {elsewhere: found}
    name = evaluation.part if elsewhere is None else _as_file_name(elsewhere)
    if elsewhere is not None and name.casefold() in part_notes.PARTS:  # a dataset may be called “test”
        name = f"dataset {name}"
    tables.write(evaluation.predictions, folder.predictions_file(name), _label_columns(evaluation))
    write_metrics(folder.metrics_file, values)


def _name_elsewhere(kept: Mapping[str, Any], evaluation: Evaluation) -> str:
    """The name of another dataset in the metrics: its own, or with its checksum where another one is called so."""
    name = Path(evaluation.data).stem + ("" if evaluation.part == "all" else f" {evaluation.part}")
    for earlier, values in kept.items():
        if _as_file_name(earlier).casefold() == _as_file_name(name).casefold():
            is_same = isinstance(values, dict) and values.get("checksum") == evaluation.checksum
            return earlier if is_same else f"{name} {evaluation.checksum[-8:]}"
    return name


def _as_file_name(name: str) -> str:
    return re.sub(r"[^\w. -]", "_", name)


def _label_columns(evaluation: Evaluation) -> dict[str, Any]:
    names = evaluation.predictions.names
    if isinstance(evaluation.target, Classes):
        return {"label": [names[label] for label in evaluation.labels]}
    return {f"true_{name}": evaluation.labels[:, place] for place, name in enumerate(names)}

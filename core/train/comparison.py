"""The fine-tuned network on the galaxies and classes of the unadapted one, so that the two can be compared."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.target import Classes, outputs, periods_of
from core.metrics.r_squared import r_squared
from core.metrics.uncertainty import error_of_share, plus_minus
from core.train.final_numbers import FinalNumbers
from core.train.plan import TrainingPlan
from core.train.zero_shot import Baseline, bootstrap_error

_SCORE_NAMES = {"accuracy": "accuracy", "r2": "R²"}


@dataclass(frozen=True)
class _Afterwards:
    """The figure of merit over the same galaxies and classes, and the difference to the one before; None: unknown."""

    galaxies: int
    error: float | None
    difference: float | None
    difference_error: float | None
    sentence: str
    accuracy: float | None = None
    r2: float | None = None


def compare(plan: TrainingPlan, baseline: Baseline | None, final: FinalNumbers) -> dict[str, Any] | None:
    """Compare the two, as plain values under ``afterwards``; None where there is nothing to compare.

    The earlier network's classes that are no class here still compete in its answers, as before; the fine-tuned
    network chooses among the classes that both know, of which those that continue one class are merged.
    """
    if baseline is None or baseline.scores is None or not baseline.counted_as:  # empty in a run of an earlier version
        return None
    if isinstance(plan.target, Classes):
        found = _compare_classes(plan, plan.target, baseline, baseline.scores.values["accuracy"], final)
    else:
        found = _compare_numbers(plan, baseline, baseline.scores.values["r2"], final)
    return None if found is None else {"afterwards": asdict(found)}


def _compare_classes(
    plan: TrainingPlan, target: Classes, baseline: Baseline, before: float, final: FinalNumbers
) -> _Afterwards | None:
    old = sorted(set(baseline.counted_as.values()))
    merged = np.array(
        [old.index(baseline.counted_as[name]) if name in baseline.counted_as else -1 for name in target.names]
    )
    rows = np.sort(plan.split.validation)
    labels = merged[plan.encoded[rows]]
    is_counted = labels >= 0
    count = int(is_counted.sum())
    if count != baseline.galaxies:
        return None
    together = np.stack([final.answers[:, merged == place].sum(axis=1) for place in range(len(old))], axis=1)
    right = (together.argmax(axis=1) == labels)[is_counted]
    share = float(right.mean())
    error = _paired_error(right, baseline.right)
    sentence = _describe("accuracy", share, error_of_share(share, count), f"{count} galaxies", baseline, before)
    sentence += _describe_difference(share - before, error)
    commonest = int(np.bincount(labels[is_counted]).argmax())
    guess = float((labels[is_counted] == commonest).mean())
    sentence += f" Always answering “{old[commonest]}” gives {guess:.3f}."
    is_whole = count == len(rows) and len(baseline.names) == len(target.names)
    if not is_whole:
        sentence += _warn(final, "accuracy", f"{len(rows)} galaxies of {len(target.names)} classes")
    return _Afterwards(count, error_of_share(share, count), share - before, error, sentence, accuracy=share)


def _compare_numbers(plan: TrainingPlan, baseline: Baseline, before: float, final: FinalNumbers) -> _Afterwards | None:
    names = outputs(plan.target)
    columns = [names.index(name) for name in baseline.names]
    rows = np.sort(plan.split.validation)
    true, found = plan.encoded[rows][:, columns].astype(np.float64), final.answers[:, columns].astype(np.float64)
    periods = [periods_of(plan.target)[column] for column in columns]
    share, error = float(r_squared(true, found, periods).mean()), bootstrap_error(true, found, periods)
    if not math.isfinite(share - before):
        return None
    sentence = _describe("r2", share, error, f"{len(rows)} galaxies", baseline, before) + "."
    if len(columns) != len(names):
        sentence += _warn(final, "r2", f"{len(names)} quantities")
    known = error if math.isfinite(error) else None
    return _Afterwards(len(rows), known, share - before, None, sentence, r2=share)


def _describe(name: str, value: float, error: float, galaxies: str, baseline: Baseline, before: float) -> str:
    score, names = _SCORE_NAMES[name], ", ".join(baseline.names)
    unadapted, tuned = f"{before:.3f}{plus_minus(baseline.error, '.3f')}", f"{value:.3f}{plus_minus(error, '.3f')}"
    return f"On the same {galaxies} of {names}: unadapted {score} {unadapted}, fine-tuned {tuned}"


def _describe_difference(difference: float, error: float | None) -> str:
    """How much better it has become; the error of the difference is smaller than those of the two, see below."""
    if not difference:
        return ", equally good."
    word = "better" if difference > 0 else "worse"
    return f", {abs(difference):.3f}{plus_minus(error, '.3f')} {word}."


def _warn(final: FinalNumbers, name: str, over: str) -> str:
    value = final.scores.values[name]
    return f" The run's own {_SCORE_NAMES[name]} {value:.3f} ({over}) cannot be compared with these."


def _paired_error(after: NDArray[np.bool_], before: NDArray[np.bool_] | None) -> float | None:
    """Standard error of the difference of two accuracies on the same galaxies, of which most are right in both."""
    if before is None or len(before) != len(after):
        return None
    return float(np.std(after.astype(float) - before.astype(float)) / math.sqrt(len(after)))

"""The numbers of a judgement as one flat row, and how far each is uncertain because the galaxies are few."""

from __future__ import annotations

import math

import numpy as np

from core.data.target import Classes, Target, outputs
from core.evaluate import metrics
from core.evaluate.evaluation import Evaluation
from core.evaluate.metrics import ClassReport, Report

_RESAMPLED = 200
_LOWER_IS_BETTER = ("log_loss", "brier", "loss", "scatter", "mae", "outliers")
_WORDS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "brier": "Brier score",
    "r2": "R²",
}


def flat(report: Report) -> dict[str, float]:
    """Figures of merit by name, such as ``accuracy`` and ``completeness:spiral``; NaN where there is no value."""
    if isinstance(report, ClassReport):
        row = {
            "accuracy": report.accuracy.value,
            "balanced_accuracy": report.balanced_accuracy,
            "macro_f1": report.macro_f1,
            "log_loss": report.log_loss,
            "brier": report.brier,
        }
        for name in report.names:
            row[f"completeness:{name}"] = report.completeness[name].value
            row[f"purity:{name}"] = report.purity[name].value
    else:
        row = {"accuracy": report.accuracy.value} if report.accuracy is not None else {}
        row["r2"] = report.r2
        for name, each in report.quantities.items():
            row |= {
                f"r2:{name}": each.r2,
                f"bias:{name}": each.bias,
                f"scatter:{name}": each.scatter,
                f"mae:{name}": each.mae,
                f"outliers:{name}": each.outliers.value,
            }
    return {name: math.nan if value is None else float(value) for name, value in row.items()}


def known(target: Target) -> tuple[str, ...]:
    """Names of the figures of merit that there are for a target."""
    kinds = len(outputs(target))
    scores = np.concatenate([np.eye(kinds), np.zeros((kinds, kinds))])
    labels = np.arange(2 * kinds) % kinds if isinstance(target, Classes) else scores
    return tuple(flat(metrics.report(target, labels, scores)))


def sampling_error(judgement: Evaluation, metric: str, seed: int) -> float:
    """Standard deviation of a figure of merit if other galaxies of the same kind had been judged.

    A bootstrap over the judged galaxies; for an accuracy p of n galaxies it comes to √(p (1 − p) / n). Classes keep
    their numbers, as they do in the split.
    """
    random = np.random.default_rng(seed)
    labels, scores = judgement.labels, judgement.predictions.scores
    kinds = labels if isinstance(judgement.target, Classes) else np.zeros(len(labels), int)
    groups = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    values = []
    for _ in range(_RESAMPLED):
        rows = np.concatenate([random.choice(group, len(group)) for group in groups])
        values.append(flat(metrics.report(judgement.target, labels[rows], scores[rows]))[metric])
    return float(np.std(values))


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of this figure of merit is the better one."""
    return metric.partition(":")[0] not in _LOWER_IS_BETTER


def limit(metric: str) -> float:
    """The best value that there can be."""
    return 1.0 if higher_is_better(metric) else 0.0


def in_words(metric: str) -> str:
    """A figure of merit as people call it: ``completeness of spiral``."""
    name, _, of = metric.partition(":")
    words = _WORDS.get(name, name)
    return f"{words} of {of}" if of else words

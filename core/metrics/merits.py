"""The figures of merit of a report by name, and their sampling errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.target import Classes, Target, outputs
from core.metrics import confusion_bootstrap
from core.metrics.decision import MOST_PROBABLE, Decision
from core.metrics.report import ClassReport, Report, make_report

_ROUNDING = 1e-9  # of a value: a smaller error is rounding
_BOOTSTRAP_SAMPLES = 200
_OF_THE_CONFUSION = ("accuracy", "balanced_accuracy", "macro_f1")  # depend on the confusion matrix alone
_LOWER_IS_BETTER = ("log_loss", "brier", "calibration_error", "loss", "scatter", "mae", "outliers")
_DISPLAY_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "f1": "F1",
    "log_loss": "log loss",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "r2": "R²",
}


def flatten(complete: Report) -> dict[str, float]:
    """Flatten a report to figures of merit by name, such as ``completeness:spiral``; NaN where there is no value."""
    if isinstance(complete, ClassReport):
        row = {
            "accuracy": complete.accuracy.value,
            "balanced_accuracy": complete.balanced_accuracy,
            "macro_f1": complete.macro_f1,
            "log_loss": complete.log_loss,
            "brier": complete.brier,
            "calibration_error": complete.calibration.error,
        }
        for name in complete.names:
            row[f"completeness:{name}"] = complete.completeness[name].value
            row[f"purity:{name}"] = complete.purity[name].value
    else:
        row = {"accuracy": complete.accuracy.value} if complete.accuracy is not None else {}
        row["r2"] = complete.r2
        for name, each in complete.quantities.items():
            row |= {
                f"r2:{name}": each.r2,
                f"bias:{name}": each.bias,
                f"scatter:{name}": each.scatter,
                f"mae:{name}": each.mae,
                f"outliers:{name}": each.outliers.value,
            }
    return {name: math.nan if value is None else float(value) for name, value in row.items()}


def names_for(target: Target) -> tuple[str, ...]:
    """Names of the figures of merit for a target."""
    kinds = len(outputs(target))
    scores = np.concatenate([np.eye(kinds), np.zeros((kinds, kinds))])
    labels = np.arange(2 * kinds) % kinds if isinstance(target, Classes) else scores
    return tuple(flatten(make_report(target, labels, scores)))


def sampling_error(
    target: Target,
    labels: NDArray[Any],
    scores: NDArray[np.floating[Any]],
    metric: str,
    seed: int,
    decision: Decision = MOST_PROBABLE,
) -> float:
    """Standard deviation of a figure of merit over different samples of galaxies of the same kind.

    See :func:`resample`; for an accuracy p of n galaxies it is √(p (1 − p) / n). 0 where all samples give the same
    value, as when every galaxy is right: the error is then unknown.
    """
    return spread_of(resample(target, labels, scores, metric, seed, decision))


def resample(
    target: Target,
    labels: NDArray[Any],
    scores: NDArray[np.floating[Any]],
    metric: str,
    seed: int,
    decision: Decision = MOST_PROBABLE,
) -> NDArray[np.float64]:
    """A figure of merit on 200 samples of the galaxies, (200,): a bootstrap, stratified by class as the split is.

    Labels and scores are those of :func:`core.metrics.report.make_report`. The same seed draws the same galaxies for
    every network, so that differences can be resampled, too. NaN for samples in which it is undefined, such as the
    purity of a class that is never predicted.
    """
    random = np.random.default_rng(seed)
    kinds = labels if isinstance(target, Classes) else np.zeros(len(labels), int)
    groups = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
    samples = (
        np.concatenate([random.choice(group, len(group)) for group in groups]) for _ in range(_BOOTSTRAP_SAMPLES)
    )
    if isinstance(target, Classes) and metric in _OF_THE_CONFUSION and len(groups) > 1:
        count = len(target.names)
        cells = labels * count + decision.choose(scores)
        drawn = [np.bincount(cells[rows], minlength=count**2).reshape(count, count) for rows in samples]
        return confusion_bootstrap.means(np.array(drawn))[metric]
    return np.array([flatten(make_report(target, labels[rows], scores[rows], decision))[metric] for rows in samples])


def spread_of(samples: NDArray[np.float64]) -> float:
    """The standard deviation of the samples that have a value; 0 for what is no more than rounding."""
    defined = samples[np.isfinite(samples)]
    if len(defined) < 2:
        return 0.0
    error = float(np.std(defined))
    return error if error > _ROUNDING * abs(float(np.mean(defined))) else 0.0


def higher_is_better(metric: str) -> bool:
    """Whether a larger value of this figure of merit is the better one."""
    return metric.partition(":")[0] not in _LOWER_IS_BETTER


def best_value(metric: str) -> float:
    """The best possible value of this figure of merit."""
    return 1.0 if higher_is_better(metric) else 0.0


def display_name(metric: str) -> str:
    """A figure of merit as it is shown: ``completeness of spiral``."""
    name, _, of = metric.partition(":")
    words = _DISPLAY_NAMES.get(name, name)
    return f"{words} of {of}" if of else words

r"""How well classes are told apart, as a function of any column: magnitude, size, redshift, environment.

In each bin of the column a whole report of its galaxies is made (:mod:`core.metrics.report`), so that every figure of
merit stands there with the same error as over all galaxies: shares with Wilson's 68 % interval, means over the
classes with a bootstrap of the confusion matrix, losses with the error of their mean. A class that does not occur in a
bin has no completeness there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.metrics.decision import Decision
from core.metrics.report import ClassReport, classification_report
from core.wording import count_of

GENERAL = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier", "calibration_error")
OF_A_CLASS = ("completeness", "purity", "f1")


@dataclass(frozen=True, eq=False)
class ClassBin:
    """The galaxies of one bin: limits and median of the column, and their report."""

    low: float
    high: float
    middle: float
    report: ClassReport


@dataclass(frozen=True, eq=False)
class ClassGroup:
    """The bins of one class of the column that splits the galaxies, and all its galaxies as one bin."""

    name: str
    bins: tuple[ClassBin, ...]
    whole: ClassBin


@dataclass(frozen=True, eq=False)
class BinnedClasses:
    """Reports in bins of a column.

    Attributes
    ----------
    groups
        One for each class of the column that splits the galaxies; a single one without.
    galaxies, left_out
        How many are in a bin; how many have no value.
    """

    groups: tuple[ClassGroup, ...]
    galaxies: int
    left_out: int

    @property
    def sentence(self) -> str:
        """Over which galaxies the figures are."""
        text = f"{count_of(self.galaxies, 'galaxy')} in bins of equal numbers"
        return f"{text}; {self.left_out:,} more have no value there." if self.left_out else f"{text}."


def metrics_for(names: Sequence[str]) -> list[str]:
    """The figures of merit of these classes, such as ``completeness:spiral``."""
    return [*GENERAL, *(f"{kind}:{name}" for name in names for kind in OF_A_CLASS)]


def bin_classes(
    labels: NDArray[np.int64],
    scores: NDArray[np.floating[Any]],
    names: Sequence[str],
    decision: Decision,
    against: NDArray[Any],
    *,
    bins: int = 6,
    split: Sequence[str] | NDArray[Any] | None = None,
) -> BinnedClasses:
    """Make the reports of galaxies in bins of a column.

    Parameters
    ----------
    labels, scores, names, decision
        As :func:`core.metrics.report.classification_report` takes them.
    against
        (n,) column of numbers; NaN where unknown.
    bins
        How many, of equal numbers of galaxies; fewer where many galaxies share a value.
    split
        (n,) class of each galaxy, such as its environment; a class without a name is called “unknown”.
    """
    values = np.asarray(against, np.float64)
    known = np.isfinite(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, bins + 1))) if known.any() else np.zeros(0)
    if len(edges) == 1:
        edges = np.append(edges, np.nextafter(edges[0], np.inf))
    groups = np.full(len(values), "") if split is None else np.array([str(each) or "unknown" for each in split])

    def judge(which: NDArray[np.bool_], low: float, high: float) -> ClassBin:
        report = classification_report(labels[which], scores[which], names, decision)
        return ClassBin(low, high, float(np.median(values[which])) if which.any() else np.nan, report)

    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
    found = []
    for name in np.unique(groups[known]).tolist():
        own = known & (groups == name)
        limits = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        parts = tuple(judge(own & (place == number), low, high) for number, (low, high) in enumerate(limits))
        found.append(ClassGroup(name, parts, judge(own, float(edges[0]), float(edges[-1]))))
    return BinnedClasses(tuple(found), int(known.sum()), int((~known).sum()))


def value_of(report: ClassReport, metric: str) -> tuple[float, float, float] | None:
    """A figure of merit of a report with the limits of its 68 % interval; None where it is undefined."""
    kind, _, name = metric.partition(":")
    value: float | None
    interval: tuple[float, float] | None = None
    if kind in {"completeness", "purity"}:
        share = getattr(report, kind)[name]
        value, interval = share.value, share.interval
    elif kind == "f1":
        value, interval = report.f1[name], report.mean_intervals.f1[report.names.index(name)]
    elif kind == "accuracy":
        value, interval = report.accuracy.value, report.accuracy.interval
    elif kind in {"balanced_accuracy", "macro_f1"}:
        value, interval = getattr(report, kind), getattr(report.mean_intervals, kind)
    else:
        value, error = _of_probabilities(report, kind)
        interval = None if value is None or error is None else (value - error, value + error)
    if value is None:
        return None
    low, high = (value, value) if interval is None else interval
    return value, min(low, value), max(high, value)


def _of_probabilities(report: ClassReport, kind: str) -> tuple[float | None, float | None]:
    if kind == "calibration_error":
        return report.calibration.error, report.calibration.uncertainty
    return getattr(report, kind), getattr(report, f"{kind}_error")

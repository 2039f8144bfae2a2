"""The result of a study of label suggestion: a table of runs, the gain over the random order, and sentences.

The gain at a number of labels is the mean over the seeds of the difference of the two orders with the same seed, and
its error the standard error of that mean. The labels that an order saves are read off the means of the random order, in
the logarithm of the number of labels; their error is a bootstrap over the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.metrics import merits, part_notes
from core.metrics.uncertainty import plus_minus
from core.project.runs import RunFolder
from core.studies import point_table
from core.studies.point_table import error_name
from core.wording import with_error, with_minus

RANDOM = "random"
_LEADING: dict[str, Callable[[str], Any]] = {  # columns of a row; the figures of merit follow
    "method": str,
    "labels": int,
    "seed": int,
    "run": str,
    "epochs": int,
    "best_epoch": int,
    "galaxies": int,
}
_SAMPLES = 500
_BOUNDS = (15.87, 84.13)
_FEWEST_SEEDS = 3  # for an error of the labels that are saved


@dataclass(frozen=True)
class Point:
    """One run: trained on so many labels, which a method chose.

    ``values`` are figures of merit on the ``galaxies`` of the validation part by name; ``<metric>_error`` is the
    sampling error of the study's metric.
    """

    method: str
    labels: int
    seed: int
    run: str
    epochs: int
    best_epoch: int
    galaxies: int
    values: Mapping[str, float]


class Gain(NamedTuple):
    """The mean difference to the random order over so many seeds, and its standard error; NaN with one seed."""

    value: float
    error: float
    seeds: int


class Saving(NamedTuple):
    """How many labels the random order needs for the same score, with its 68 % interval; None: no interval."""

    labels: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class SuggestionStudy:
    """Evaluated runs.

    Attributes
    ----------
    folder
        Where the study is.
    metric
        The figure of merit that is drawn.
    points
        The runs that are done.
    wanted
        The planned number of runs.
    """

    folder: Path
    metric: str
    points: tuple[Point, ...]
    wanted: int

    @property
    def missing(self) -> int:
        """The number of runs that are not done yet."""
        return self.wanted - len(self.points)

    def with_point(self, point: Point) -> SuggestionStudy:
        """The study with one more run."""
        points = sorted(
            (*self.points, point), key=lambda each: (each.method != RANDOM, each.method, each.labels, each.seed)
        )
        return replace(self, points=tuple(points))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods, the random order first."""
        return tuple(dict.fromkeys(point.method for point in self.points))

    def counts(self, method: str) -> tuple[int, ...]:
        """The numbers of labels for which there are runs of a method, ascending."""
        return tuple(sorted({point.labels for point in self.points if point.method == method}))

    def scores(self, method: str, labels: int) -> dict[int, float]:
        """The metric of the runs with so many labels, by seed."""
        own = [point for point in self.points if point.method == method and point.labels == labels]
        return {point.seed: point.values[self.metric] for point in own}

    def mean(self, method: str, labels: int) -> tuple[float, float]:
        """The mean score and its standard error, NaN with one run."""
        scores = list(self.scores(method, labels).values())
        return float(np.mean(scores)), _standard_error(scores)

    def differences(self, method: str, labels: int) -> list[float]:
        """The score less that of the random order, seed by seed; positive where the method is better."""
        own, random = self.scores(method, labels), self.scores(RANDOM, labels)
        sign = 1 if merits.higher_is_better(self.metric) else -1
        return [sign * (own[seed] - random[seed]) for seed in own if seed in random]

    def gain(self, method: str, labels: int) -> Gain | None:
        """The gain over the random order; None while there are no two runs of one seed."""
        differences = self.differences(method, labels)
        if not differences:
            return None
        return Gain(float(np.mean(differences)), _standard_error(differences), len(differences))

    def saving(self, method: str, labels: int) -> Saving | None:
        """How many labels the random order needs for the same score; None where it is not reached or not measured."""
        counts = self.counts(RANDOM)
        seeds = [seed for seed in self.scores(method, labels) if all(seed in self.scores(RANDOM, n) for n in counts)]
        if len(counts) < 2 or not seeds:
            return None
        own = np.array([self.scores(method, labels)[seed] for seed in seeds])
        random = np.array([[self.scores(RANDOM, count)[seed] for count in counts] for seed in seeds])
        if not merits.higher_is_better(self.metric):
            own, random = -own, -random
        found = _crossing(np.array(counts), random.mean(axis=0), float(own.mean()))
        if not math.isfinite(found):
            return None
        if len(seeds) < _FEWEST_SEEDS:
            return Saving(found, None, None)
        drawn = np.random.default_rng(0).integers(len(seeds), size=(_SAMPLES, len(seeds)))
        samples = [_crossing(np.array(counts), random[each].mean(axis=0), float(own[each].mean())) for each in drawn]
        clipped = np.clip(
            np.nan_to_num(samples, nan=counts[0], posinf=counts[-1], neginf=counts[0]), counts[0], counts[-1]
        )
        low, high = np.percentile(clipped, _BOUNDS)
        return Saving(found, float(low), float(high))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The summary of the study."""
        if not self.points:
            return ()
        said = [sentence for method in self.methods if method != RANDOM for sentence in _describe(self, method)]
        galaxies = max(point.galaxies for point in self.points)
        errors = [point.values.get(error_name(self.metric), math.nan) for point in self.points]
        common = plus_minus(float(np.nanmean(errors)), ".3f") if np.isfinite(errors).any() else ""
        judged = (
            f"All runs were judged on the same {galaxies:,} galaxies of the validation part, of which no order takes "
            f"any; {part_notes.note_choice(RunFolder(self.folder).keep)}. Their sampling error{common} is common to "
            "all scores."
        )
        return (*said, judged)


def _describe(study: SuggestionStudy, method: str) -> list[str]:
    what = merits.display_name(study.metric)
    said: list[str] = []
    for labels in study.counts(method):
        gain = study.gain(method, labels)
        if gain is None:
            continue
        seeds = f"{gain.seeds} seed{'s' * (gain.seeds != 1)}"
        change = with_error(gain.value, gain.error) if math.isfinite(gain.error) else with_minus(f"{gain.value:.3f}")
        doubt = "" if math.isfinite(gain.error) else ", without an error, since there is one seed"
        said.append(
            f"{labels:,} labels ({method}): {what} {study.mean(method, labels)[0]:.3f}, in random order "
            f"{study.mean(RANDOM, labels)[0]:.3f}: a gain of {change} ({seeds}{doubt})."
        )
    for labels in reversed(study.counts(method)):
        if (saving := study.saving(method, labels)) is not None:
            interval = "" if saving.low is None else f" (68 %: {saving.low:,.0f} to {saving.high:,.0f})"
            said.append(
                f"In random order, what {labels:,} labels ({method}) give takes about {saving.labels:,.0f}{interval}."
            )
            break
    return said


def _standard_error(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan


def _crossing(counts: NDArray[np.int64], scores: NDArray[np.float64], wanted: float) -> float:
    """The number of labels at which the best score so far reaches a value; −∞ and ∞ where it lies outside."""
    best = np.maximum.accumulate(scores)
    if wanted < best[0]:
        return -math.inf
    if wanted > best[-1]:
        return math.inf
    place = int(np.searchsorted(best, wanted))
    if place == 0 or best[place] == best[place - 1]:
        return float(counts[place])
    share = (wanted - best[place - 1]) / (best[place] - best[place - 1])
    return float(np.exp(np.interp(share, (0, 1), np.log(counts[place - 1 : place + 1]))))


def write_table(study: SuggestionStudy, path: Path) -> None:
    """Write the table: a row for each run, first which it is, then the figures of merit."""
    point_table.write(path, tuple(_LEADING), study.points)


def read_table(path: Path) -> tuple[Point, ...]:
    """Read the table.

    Raises
    ------
    UnreadableFile
        It is missing or not such a table.
    """
    return point_table.read(path, _LEADING, Point)

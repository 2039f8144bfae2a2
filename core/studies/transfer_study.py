"""The result of a study of the move to another survey: runs by strategy and number of labels, with two kinds of error.

The scatter of the runs is what their seeds do: other galaxies, initial weights and order. The sampling error is that of
the galaxies on which all of them are judged; it is common to all runs, and largely cancels in differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.settings import HeldOutPart
from core.metrics import merits
from core.studies import point_table, strategies
from core.studies.label_saving import Curve, Saving, find_savings
from core.studies.size_study import choose_metric
from core.studies.strategies import AS_IS, SCRATCH
from core.studies.transfer_settings import Question

SOURCE = "source:"  # before figures of merit on the galaxies of the survey from which the network came
_LEADING: dict[str, Callable[[str], Any]] = {  # columns of a row; the figures of merit follow
    "strategy": str,
    "labels": int,
    "seed": int,
    "start": str,
    "survey": str,
    "tuned": int,
    "run": str,
    "epochs": int,
    "best_epoch": int,
    "chosen_by": int,
    "galaxies": int,
}

Key = tuple[str, str, str, int, int]
"""Strategy, start, survey, labels and seed: which point it is."""


@dataclass(frozen=True)
class TransferPoint:
    """One judged network.

    Attributes
    ----------
    strategy
        Its name.
    labels
        Number of labelled training galaxies of the survey on which it is judged.
    seed
        Of the run.
    start
        The survey, or the run, from which the network came; empty: from random weights.
    survey
        On which it is judged.
    tuned
        Number of blocks that were tuned, beside the head; −1: it does not start from a network, or was not tuned.
    run
        Its folder, relative to the study's; empty: the network as it is.
    epochs, best_epoch
        Number of epochs, and the one whose weights were judged.
    chosen_by
        Number of labelled galaxies, beyond ``labels``, that chose the epoch.
    galaxies
        Number of galaxies it was judged on.
    values
        Figures of merit; ``<metric>_error`` is the sampling error of the study's metric, and ``source:<metric>`` is on
        the galaxies of the survey from which it came.
    """

    strategy: str
    labels: int
    seed: int
    start: str
    survey: str
    tuned: int
    run: str
    epochs: int
    best_epoch: int
    chosen_by: int
    galaxies: int
    values: Mapping[str, float]

    @property
    def key(self) -> Key:
        """Which point it is."""
        return self.strategy, self.start, self.survey, self.labels, self.seed


@dataclass(frozen=True)
class Mean:
    """The mean of several runs: number of runs, mean, its standard error from their scatter, and the sampling error.

    The standard error is NaN for one run; the sampling error is NaN where it is unknown.
    """

    runs: int
    value: float
    scatter: float
    sampling: float

    @property
    def total(self) -> float:
        """Both errors together; NaN if neither is known."""
        known = [error for error in (self.scatter, self.sampling) if math.isfinite(error)]
        return math.hypot(*known) if known else math.nan


@dataclass(frozen=True, eq=False)
class Judged:
    """Judged networks, with the metric of each on the same samples of the galaxies.

    Attributes
    ----------
    part
        The part of the data that they were judged on.
    metric
        The figure of merit that is drawn.
    points
        Sorted by their keys.
    samples
        The metric of each point on samples of the galaxies, (b,); a point may lack them.
    """

    part: HeldOutPart
    metric: str
    points: tuple[TransferPoint, ...] = ()
    samples: Mapping[Key, NDArray[np.float64]] = field(default_factory=dict[Key, NDArray[np.float64]])

    def with_point(self, point: TransferPoint, samples: NDArray[np.float64]) -> Judged:
        """With one more point, or another one in its place."""
        others = [each for each in self.points if each.key != point.key]
        points = sorted((*others, point), key=lambda each: each.key)
        return replace(self, points=tuple(points), samples={**self.samples, point.key: samples})

    def with_metric_only(self) -> Judged:
        """Without points that were judged by another metric, whose samples would be of that one."""
        name = point_table.error_name(self.metric)
        return replace(self, points=tuple(point for point in self.points if name in point.values))

    def select(self, **what: Any) -> tuple[TransferPoint, ...]:
        """The points with these attributes."""
        return tuple(
            point for point in self.points if all(getattr(point, name) == value for name, value in what.items())
        )

    def mean(self, points: Sequence[TransferPoint], metric: str = "") -> Mean:
        """The mean of some points in the study's metric, or another; of another one without the sampling error."""
        name = metric or self.metric
        values = np.array([point.values.get(name, math.nan) for point in points])
        points = [point for point, value in zip(points, values, strict=True) if math.isfinite(value)]
        values = values[np.isfinite(values)]
        if not len(values):
            return Mean(0, math.nan, math.nan, math.nan)
        scatter = float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else math.nan
        return Mean(len(values), float(values.mean()), scatter, self._sampling_error(points, name))

    def common_error(self, metric: str) -> float:
        """The sampling error that all values have in common, that of a usual network; NaN: unknown."""
        errors = [point.values.get(point_table.error_name(metric), math.nan) for point in self.points]
        known = [error for error in errors if error > 0]
        return float(np.median(known)) if known else math.nan

    @property
    def galaxies(self) -> int:
        """Number of galaxies that the networks were judged on."""
        return max((point.galaxies for point in self.points), default=0)

    def _sampling_error(self, points: Sequence[TransferPoint], metric: str) -> float:
        """The sampling error of a mean: of the mean on the same samples, or else the mean of the errors."""
        samples = [self.samples[point.key] for point in points if point.key in self.samples]
        if metric == self.metric and len(samples) == len(points) and len({len(each) for each in samples}) == 1:
            with np.errstate(invalid="ignore"):
                error = merits.spread_of(np.mean(samples, axis=0))
        else:
            errors = [point.values.get(point_table.error_name(metric), math.nan) for point in points]
            error = float(np.mean(errors))
        return error if error > 0 else math.nan


@dataclass(frozen=True, eq=False)
class TransferStudy:
    """A study of the move to another survey, so far.

    Attributes
    ----------
    folder
        Where it is.
    question
        What is drawn.
    judged
        The networks, on the validation part.
    wanted
        The planned number of points.
    test
        The same networks on the test part, if that was requested and all are done.
    """

    folder: Path
    question: Question
    judged: Judged
    wanted: int
    test: Judged | None = None

    @property
    def points(self) -> tuple[TransferPoint, ...]:
        """The judged networks."""
        return self.judged.points

    @property
    def metric(self) -> str:
        """The figure of merit that is drawn."""
        return self.judged.metric

    @property
    def missing(self) -> int:
        """The number of points that are not done yet."""
        return self.wanted - len(self.points)

    @property
    def on_test(self) -> TransferStudy | None:
        """The same study on the test part; None: not judged."""
        return None if self.test is None else replace(self, judged=self.test, test=None)

    def with_point(self, point: TransferPoint, samples: NDArray[np.float64]) -> TransferStudy:
        """The study with one more point."""
        return replace(self, judged=self.judged.with_point(point, samples))

    def at(self, strategy: str, labels: int) -> tuple[TransferPoint, ...]:
        """The points of a strategy with so many labels."""
        return self.judged.select(strategy=strategy, labels=labels)

    def mean(self, strategy: str, labels: int, metric: str = "") -> Mean:
        """The mean of a strategy with so many labels."""
        return self.judged.mean(self.at(strategy, labels), metric)

    def difference(self, strategy: str, other: str, labels: int) -> Mean:
        """By how much a strategy is above another one with so many labels: of runs with the same galaxies."""
        theirs = {point.seed: point for point in self.at(other, labels)}
        pairs = [(point, theirs[point.seed]) for point in self.at(strategy, labels) if point.seed in theirs]
        return self._mean_difference(pairs)

    def change_without_labels(self, strategy: str) -> Mean:
        """By how much a strategy without labels is above the network as it is, on the same galaxies."""
        return self._mean_difference([(mine, base) for base in self.at(AS_IS.name, 0) for mine in self.at(strategy, 0)])

    def _mean_difference(self, pairs: Sequence[tuple[TransferPoint, TransferPoint]]) -> Mean:
        values = np.array([a.values[self.metric] - b.values[self.metric] for a, b in pairs])
        values = values[np.isfinite(values)]
        if not len(values):
            return Mean(0, math.nan, math.nan, math.nan)
        samples = self.judged.samples
        drawn = [samples[a.key] - samples[b.key] for a, b in pairs if a.key in samples and b.key in samples]
        sampling = merits.spread_of(np.mean(drawn, axis=0)) if drawn else 0.0
        scatter = float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else math.nan
        return Mean(len(values), float(values.mean()), scatter, sampling or math.nan)

    @property
    def labels(self) -> tuple[int, ...]:
        """The numbers of labels of which there is a run, ascending; without 0."""
        return tuple(sorted({point.labels for point in self.points} - {0}))

    @property
    def unlabelled(self) -> tuple[str, ...]:
        """The names of the strategies without labels of this survey."""
        return strategies.in_order({point.strategy for point in self.points if not point.labels})

    @property
    def strategies(self) -> tuple[str, ...]:
        """The names of the strategies of which there is a run, in the order in which they are shown."""
        return strategies.in_order({point.strategy for point in self.points})

    @cached_property
    def savings(self) -> dict[str, tuple[Saving, ...]]:
        """By strategy, how many labels it saves against a training from scratch; empty while there are too few runs."""
        reference = self._curve(SCRATCH.name)
        if len(reference.labels) < 2:
            return {}
        rising = merits.higher_is_better(self.metric)
        others = [name for name in self.strategies if name != SCRATCH.name]
        return {name: find_savings(reference, self._curve(name), rising=rising) for name in others}

    def _curve(self, strategy: str) -> Curve:
        mine = self.judged.select(strategy=strategy)
        labels = sorted({point.labels for point in mine})
        seeds = sorted({point.seed for point in self.points})
        count = min((len(self.judged.samples.get(point.key, ())) for point in self.points), default=0)
        scores = np.full((len(labels), len(seeds)), math.nan)
        samples = np.full((len(labels), len(seeds), count), math.nan)
        for point in mine:
            places = [seeds.index(point.seed)] if point.run else list(range(len(seeds)))  # as is: of no seed
            row = labels.index(point.labels)
            scores[row, places] = point.values[self.metric]
            if count:
                samples[row, places] = self.judged.samples[point.key][:count]
        return Curve(np.array(labels, float), scores, samples)


def write_table(judged: Judged, path: Path) -> None:
    """Write the table, a row for each point, and beside it the metric on the samples of the galaxies."""
    point_table.write(path, tuple(_LEADING), judged.points)
    known = [point for point in judged.points if point.key in judged.samples]
    point_table.write(_samples_path(path), _OF_SAMPLES, [_Samples(each, judged.samples[each.key]) for each in known])


def read_table(path: Path, part: HeldOutPart, metric: str) -> Judged:
    """Read the table and the samples; an empty one where there is no file.

    Raises
    ------
    UnreadableFile
        It is not such a table.
    """
    points = point_table.read(path, _LEADING, TransferPoint) if path.exists() else ()
    samples: dict[Key, NDArray[np.float64]] = {}
    if (beside := _samples_path(path)).exists():
        read = point_table.read(beside, {name: _LEADING[name] for name in _OF_SAMPLES}, _make_samples)
        samples = {key: values for key, values in read if len(values)}
    return Judged(part, metric, points, {point.key: samples[point.key] for point in points if point.key in samples})


def metric_of(table: Path, wanted: str) -> str:
    """The metric of a study whose table exists: the wanted one, or for “auto” the usual one for its columns."""
    points = point_table.read(table, _LEADING, TransferPoint) if table.exists() else ()
    return choose_metric(wanted, [*points[0].values] if points else [wanted, "accuracy"])


_OF_SAMPLES = ("strategy", "start", "survey", "labels", "seed")


class _Samples:
    """A row of the table of samples."""

    def __init__(self, point: TransferPoint, samples: NDArray[np.float64]) -> None:
        self.strategy, self.start, self.survey, self.labels, self.seed = point.key
        self.values: Mapping[str, float] = {f"sample_{number}": float(each) for number, each in enumerate(samples, 1)}


def _make_samples(
    strategy: str, start: str, survey: str, labels: int, seed: int, values: Mapping[str, float]
) -> tuple[Key, NDArray[np.float64]]:
    return (strategy, start, survey, labels, seed), np.array(list(values.values()))


def _samples_path(table: Path) -> Path:
    return table.with_name(f"{table.stem}-samples.csv")

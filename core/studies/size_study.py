"""The result of a training-size study: a table of runs, a learning curve, and a summary in sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.data.settings import HeldOutPart
from core.errors import Problem, SettingsProblem
from core.metrics import merits, part_notes
from core.metrics.uncertainty import plus_minus
from core.project.runs import RunFolder
from core.studies import point_table, power_law
from core.studies.point_table import error_name
from core.studies.power_law import PowerLaw

_LEADING: dict[str, Callable[[str], Any]] = {  # columns of a row; the figures of merit follow
    "size": int,
    "seed": int,
    "run": str,
    "epochs": int,
    "best_epoch": int,
    "galaxies": int,
}


@dataclass(frozen=True)
class Point:
    """One run.

    Attributes
    ----------
    size
        Number of labelled galaxies it was trained on.
    seed
        Of the run.
    run
        Its folder, relative to the study's.
    epochs, best_epoch
        Number of epochs, and the one whose weights were evaluated.
    galaxies
        Number of galaxies it was evaluated on.
    values
        Figures of merit by name; ``<metric>_error`` is the sampling error of the study's metric from the finite number
        of evaluated galaxies.
    """

    size: int
    seed: int
    run: str
    epochs: int
    best_epoch: int
    galaxies: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class SizeStudy:
    """Evaluated runs of different training sizes.

    Attributes
    ----------
    folder
        Where the study is.
    part
        The part of the data that the runs were evaluated on.
    metric
        The figure of merit that is drawn and fitted.
    points
        The runs that are done, by size and seed.
    wanted
        The planned number of runs.
    test
        The same runs evaluated on the test part, if that was requested and all are done.
    """

    folder: Path
    part: HeldOutPart
    metric: str
    points: tuple[Point, ...]
    wanted: int
    test: SizeStudy | None = None

    @property
    def missing(self) -> int:
        """The number of runs that are not done yet."""
        return self.wanted - len(self.points)

    def with_point(self, point: Point) -> SizeStudy:
        """The study with one more run."""
        points = sorted((*self.points, point), key=lambda each: (each.size, each.seed))
        return replace(self, points=tuple(points))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The different sizes, ascending."""
        return tuple(sorted({point.size for point in self.points}))

    @cached_property
    def curve(self) -> PowerLaw | None:
        """The power law fitted to the runs; None while there are too few."""
        try:
            return power_law.fit(
                [point.size for point in self.points],
                [point.values[self.metric] for point in self.points],
                rising=merits.higher_is_better(self.metric),
                best=merits.best_value(self.metric),
            )
        except Problem:
            return None

    def scores(self, size: int) -> list[float]:
        """The metric of every run of this size."""
        return [point.values[self.metric] for point in self.points if point.size == size]

    @property
    def common_error(self) -> float:
        """The error common to all values, since the evaluated galaxies are the same; that of the largest size."""
        largest = max(self.sizes)
        return float(np.mean([p.values[error_name(self.metric)] for p in self.points if p.size == largest]))

    @property
    def sentences(self) -> tuple[str, ...]:
        """The summary of the study."""
        if not self.points:
            return ()
        return (*_describe_more_labels(self), _describe_evaluated_galaxies(self))


def _describe_more_labels(study: SizeStudy) -> list[str]:
    law, largest, what = study.curve, max(study.sizes), merits.display_name(study.metric)
    runs = study.scores(largest)
    of_runs = f"the mean of {len(runs)} runs" if len(runs) > 1 else "of a single run"
    measured = f"With {_format_count(largest)} labels the {what} is {np.mean(runs):.3f}, {of_runs}"
    if law is None:
        return [
            f"{measured}.",
            f"To estimate what more labels would be worth, a curve needs {power_law.MIN_SIZES} sizes or more.",
        ]
    now, error = law.at(largest)
    sentences = [f"{measured}; the curve through all sizes is at {_format_with_error(now, error)}."]
    gain = abs(law.gain(largest // 2, largest)[0])
    if min(study.sizes) <= largest / 2:
        half = _format_with_error(*law.at(largest / 2))
        sentences.append(f"Half as many ({_format_count(largest // 2)}) give {half}.")
    if law.doubt:
        return [*sentences, f"{law.doubt} So nothing is said of more labels."]
    for words, factor in (("Twice", 2), ("Four times", 4)):
        later, later_error = law.at(factor * largest)
        change, change_error = law.gain(largest, factor * largest)
        places = _decimal_places(min(later_error, change_error))
        would = "would raise" if change > 0 else "would lower"
        sentences.append(
            f"{words} as many labels ({_format_count(factor * largest)}) {would} it "
            f"from {now:.{places}f} to {later:.{places}f}{plus_minus(later_error, f'.{places}f')}, that is by "
            f"{abs(change):.{places}f}{plus_minus(change_error, f'.{places}f')}."
        )
    return [*sentences, _describe_next_step(law, largest, now, gain)]


def _describe_next_step(law: PowerLaw, largest: int, now: float, gain: float) -> str:
    """Say how many labels a small improvement needs: 0.01, or 0.001 where the last doubling brought less."""
    step = 0.01 if gain >= 0.01 else 0.001
    rises = law.gain(law.sizes[0], law.sizes[-1])[0] > 0
    needed = law.size_for(now + (step if rises else -step))
    better = f"A value better by {step:g}"
    if needed > law.farthest:
        return f"{better} needs more than {_format_count(law.farthest)} labels, beyond which the curve is not followed."
    return f"{better} costs about {_format_count(needed - largest)} labels more."


def _describe_evaluated_galaxies(study: SizeStudy) -> str:
    galaxies = max(point.galaxies for point in study.points)
    note = {
        "validation": f"; {part_notes.note_choice(RunFolder(study.folder).keep)}",
        "test": ", which no run and no choice had seen",
    }[study.part]
    error = plus_minus(study.common_error).strip()
    sampling = (
        f"The sampling error of these galaxies, {error}, is common to all values, on top of the errors above."
        if error
        else "All samples of these galaxies give the same value, so that its sampling error cannot be estimated."
    )
    return f"All runs were evaluated on the same {galaxies:,} galaxies of the {study.part} part{note}. {sampling}"


def _decimal_places(error: float) -> int:
    """The decimal places that are significant given an error: one digit of it, two if the first is a one."""
    return min(max(2, math.ceil(-math.log10(max(error, 1e-9) / 2))), 4)


def _format_with_error(value: float, error: float) -> str:
    places = _decimal_places(error)
    return f"{value:.{places}f}{plus_minus(error, f'.{places}f')}"


def _format_count(size: float) -> str:
    """Format a number of galaxies; a computed one, a float, is rounded to two significant digits."""
    if isinstance(size, int):
        return f"{size:,}"
    unit = 10 ** max(0, math.floor(math.log10(max(size, 1))) - 1)
    return f"{round(size / unit) * unit:,}"


def write_table(study: SizeStudy, path: Path) -> None:
    """Write the table: a row for each run, first size and seed, then the figures of merit."""
    point_table.write(path, tuple(_LEADING), study.points)


def read_table(path: Path) -> tuple[Point, ...]:
    """Read the table.

    Raises
    ------
    UnreadableFile
        It is missing or not such a table.
    """
    return point_table.read(path, _LEADING, Point)


def choose_metric(requested: str, known: Sequence[str]) -> str:
    """The requested figure of merit; for “auto” balanced accuracy, accuracy of the most voted answer, or R².

    Raises
    ------
    SettingsProblem
        There is none of that name.
    """
    if requested == "auto":
        return next(name for name in ("balanced_accuracy", "accuracy", "r2") if name in known)
    if requested not in known:
        raise SettingsProblem(f"There is no score “{requested}”.", f"The scores are: {', '.join(known)}.", "metric")
    return requested

"""What a training-size study has found: a table of runs, a curve through them, and what it says in sentences."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from core.data.settings import HeldOutPart
from core.errors import Problem, SettingsProblem, UnreadableFile
from core.metrics import merits
from core.project.files import write_csv
from core.studies import power_law
from core.studies.power_law import PowerLaw

_FIRST = ("size", "seed", "run", "epochs", "best_epoch", "galaxies")  # of a row; the figures of merit follow
_ERROR = "_error"


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
        Its folder, seen from the study's.
    epochs, best_epoch
        How long it was trained, and the epoch whose weights were judged.
    galaxies
        How many it was judged on.
    values
        Figures of merit by name; ``<metric>_error`` is how far the study's metric is uncertain because the judged
        galaxies are few.
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
    """Runs of different training sizes, judged.

    Attributes
    ----------
    folder
        Where the study is.
    part
        On which part of the data the runs were judged.
    metric
        The figure of merit that is drawn and fitted.
    points
        The runs that are done, by size and seed.
    wanted
        How many there will be.
    test
        The same runs judged on the test part, if that was asked for and all are done.
    """

    folder: Path
    part: HeldOutPart
    metric: str
    points: tuple[Point, ...]
    wanted: int
    test: SizeStudy | None = None

    @property
    def missing(self) -> int:
        """How many runs are still to be done."""
        return self.wanted - len(self.points)

    def with_point(self, point: Point) -> SizeStudy:
        """The study with one run more."""
        points = sorted((*self.points, point), key=lambda each: (each.size, each.seed))
        return replace(self, points=tuple(points))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The different sizes, ascending."""
        return tuple(sorted({point.size for point in self.points}))

    @cached_property
    def curve(self) -> PowerLaw | None:
        """The law through the runs; None while there are too few."""
        try:
            return power_law.fit(
                [point.size for point in self.points],
                [point.values[self.metric] for point in self.points],
                rising=merits.higher_is_better(self.metric),
                best=merits.limit(self.metric),
            )
        except Problem:
            return None

    def scores(self, size: int) -> list[float]:
        """The metric of every run of this size."""
        return [point.values[self.metric] for point in self.points if point.size == size]

    @property
    def common_error(self) -> float:
        """How far all values may be off together, since the judged galaxies are few; of the largest size."""
        largest = max(self.sizes)
        return float(np.mean([p.values[self.metric + _ERROR] for p in self.points if p.size == largest]))

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the study says, for people."""
        if not self.points:
            return ()
        return (*_of_more_labels(self), _of_the_judged(self))


def _of_more_labels(study: SizeStudy) -> list[str]:
    law, largest, what = study.curve, max(study.sizes), merits.in_words(study.metric)
    runs = study.scores(largest)
    measured = f"With {_count(largest)} labels the {what} is {np.mean(runs):.3f}, the mean of {len(runs)} runs"
    if law is None:
        return [
            f"{measured}.",
            f"What more labels would be worth is told by a curve, which needs {power_law.FEWEST_SIZES} sizes or more.",
        ]
    now, error = law.at(largest)
    told = [f"{measured}; the curve through all sizes is at {_rounded(now, error)}."]
    gain = abs(law.gain(largest // 2, largest)[0])
    if min(study.sizes) <= largest / 2:
        half = _rounded(*law.at(largest / 2))
        told.append(f"Half as many ({_count(largest // 2)}) give {half}.")
    if law.doubt:
        return [*told, f"{law.doubt} So nothing is said of more labels."]
    for words, factor in (("Twice", 2), ("Four times", 4)):
        later, later_error = law.at(factor * largest)
        change, change_error = law.gain(largest, factor * largest)
        places = _places(min(later_error, change_error))
        would = "would raise" if change > 0 else "would lower"
        told.append(
            f"{words} as many labels ({_count(factor * largest)}) {would} it "
            f"from {now:.{places}f} to {later:.{places}f} ± {later_error:.{places}f}, that is by "
            f"{abs(change):.{places}f} ± {change_error:.{places}f}."
        )
    return [*told, _of_a_step(law, largest, now, gain)]


def _of_a_step(law: PowerLaw, largest: int, now: float, gain: float) -> str:
    """How many labels the next small step costs: 0.01, or 0.001 where the last doubling brought less."""
    step = 0.01 if gain >= 0.01 else 0.001
    rises = law.gain(law.sizes[0], law.sizes[-1])[0] > 0
    needed = law.size_for(now + (step if rises else -step))
    better = f"A value better by {step:g}"
    if needed > law.farthest:
        return f"{better} needs more than {_count(law.farthest)} labels, beyond which the curve is not followed."
    return f"{better} costs about {_count(needed - largest)} labels more."


def _of_the_judged(study: SizeStudy) -> str:
    galaxies = max(point.galaxies for point in study.points)
    note = {
        "validation": "; the best epochs were chosen on this part, which is slightly optimistic",
        "test": ", which no run and no choice had seen",
    }[study.part]
    return (
        f"All runs were judged on the same {galaxies:,} galaxies of the {study.part} part{note}. They are few enough "
        f"for all values to be off together by ± {study.common_error:.2g}, on top of the errors above."
    )


def _places(error: float) -> int:
    """Decimal places that an error leaves meaningful: one figure of it, two if the first is a one."""
    return min(max(2, math.ceil(-math.log10(max(error, 1e-9) / 2))), 4)


def _rounded(value: float, error: float) -> str:
    places = _places(error)
    return f"{value:.{places}f} ± {error:.{places}f}"


def _count(size: float) -> str:
    """A number of galaxies; what was computed has no more than two figures that mean anything."""
    if isinstance(size, int):
        return f"{size:,}"
    unit = 10 ** max(0, math.floor(math.log10(max(size, 1))) - 1)
    return f"{round(size / unit) * unit:,}"


def write(study: SizeStudy, path: Path) -> None:
    """Write the table: a row for each run, with size and seed first and then the figures of merit."""
    names = list(dict.fromkeys(name for point in study.points for name in point.values))
    rows = [
        [*(str(getattr(point, name)) for name in _FIRST), *(_cell(point.values.get(name)) for name in names)]
        for point in study.points
    ]
    write_csv(path, [[*_FIRST, *names], *rows])


def read(path: Path) -> tuple[Point, ...]:
    """Read the table again.

    Raises
    ------
    UnreadableFile
        It is missing or something else.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(_point(row) for row in csv.DictReader(file))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(f"The table of the study cannot be read ({error}).", "", str(path)) from None


def chosen_metric(wish: str, known: Sequence[str]) -> str:
    """The figure of merit that was asked for; for “auto” the balanced accuracy, or the accuracy of votes, or R².

    Raises
    ------
    SettingsProblem
        There is none of that name.
    """
    if wish == "auto":
        return next(name for name in ("balanced_accuracy", "accuracy", "r2") if name in known)
    if wish not in known:
        raise SettingsProblem(f"There is no score “{wish}”.", f"The scores are: {', '.join(known)}.", "metric")
    return wish


def error_name(metric: str) -> str:
    """The column that holds a metric's error."""
    return metric + _ERROR


def _cell(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.6g}"


def _point(row: Mapping[str, str]) -> Point:
    values = {name: float(text) if text else math.nan for name, text in row.items() if name not in _FIRST}
    numbers = {name: int(row[name]) for name in _FIRST if name != "run"}
    return Point(run=row["run"], values=values, **numbers)

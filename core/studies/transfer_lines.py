"""The plot data of a study of the move to another survey: against labels or tuned blocks, and as a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.metrics import merits
from core.studies.pictures import Grid, Level, Line, TransferLines
from core.studies.strategies import AS_IS, SCRATCH, title_of
from core.studies.transfer_study import SOURCE, Mean, TransferPoint, TransferStudy

View = Literal["labels", "blocks", "grid", "forgotten"]

_APART = 0.02  # of the axis: between two lines at the same number
_CLOSEST = 0.07  # of the axis: closer labels would overlap


def views(study: TransferStudy) -> tuple[View, ...]:
    """The pictures that a study can be shown as, that of its question first."""
    found: list[View] = ["labels", "blocks", "grid"] if study.question != "layers" else ["blocks", "grid", "labels"]
    if any(f"{SOURCE}{study.metric}" in point.values for point in study.points):
        found.append("forgotten")
    return tuple(found)


_TITLES: dict[View, str] = {
    "labels": "Against labels",
    "blocks": "Against tuned blocks",
    "grid": "Strategies × labels",
    "forgotten": "What was forgotten",
}


def make_pictures(study: TransferStudy) -> dict[str, TransferLines | Grid]:
    """All pictures of a study by their titles, that of its question first."""
    return {_TITLES[view]: make_picture(study, view) for view in views(study)}


def make_picture(study: TransferStudy, view: View) -> TransferLines | Grid:
    """One picture of a study."""
    if view == "grid":
        return make_grid(study)
    return (
        lines_against_blocks(study) if view == "blocks" else lines_against_labels(study, forgotten=view == "forgotten")
    )


def lines_against_labels(study: TransferStudy, *, forgotten: bool = False) -> TransferLines:
    """The score against the number of labels, a line for each strategy; or that on the old survey."""
    metric = f"{SOURCE}{study.metric}" if forgotten else study.metric
    names = [name for name in study.strategies if any(study.at(name, labels) for labels in study.labels)]
    found: list[Line] = []
    width = math.log10(study.labels[-1] / study.labels[0]) if len(study.labels) > 1 else 1.0
    for colour, name in enumerate(names):
        shift = _APART * max(width, 0.3) * (colour - (len(names) - 1) / 2) / max(len(names) - 1, 1) * 2
        points = [(math.log10(labels) + shift, study.at(name, labels)) for labels in study.labels]
        if (line := _line(study, title_of(name), colour, points, metric)) is not None:
            found.append(line)
    ticks = spread_ticks([(math.log10(labels), f"{labels:,}") for labels in study.labels])
    of = "the old survey" if forgotten else ""
    levels, about = _levels(study, metric, len(names)), _about(study, forgotten=forgotten)
    return TransferLines(tuple(found), levels, ticks, _axis_of_labels(study), _what(study, of), about)


def lines_against_blocks(study: TransferStudy) -> TransferLines:
    """The score against the number of tuned blocks, a line for each number of labels; beside it from scratch."""
    most = max((point.tuned for point in study.points), default=0)
    found: list[Line] = []
    shift = 2 * _APART * max(most, 1)
    for colour, labels in enumerate(study.labels):
        offset = shift * (colour - (len(study.labels) - 1) / 2) / max(len(study.labels) - 1, 1)
        mine = [point for point in study.points if point.labels == labels]
        tuned = [(at + offset, tuple(p for p in mine if p.tuned == at and _is_plain(p))) for at in range(most + 1)]
        scratch = [(most + 1 + offset, study.at(SCRATCH.name, labels))]
        for title, points in ((f"{labels:,} labels", tuned), ("", scratch)):
            if (line := _line(study, title, colour, points, study.metric)) is not None:
                found.append(line)
    ticks = [(0.0, "head only"), *((float(at), f"last {at}") for at in range(1, most)), (float(most), "all")]
    ticks = ticks if most else ticks[:1]
    if study.judged.select(strategy=SCRATCH.name):
        ticks.append((most + 1.0, "from scratch"))
    levels = _levels(study, study.metric, len(study.labels))
    return TransferLines(tuple(found), levels, tuple(ticks), "tuned blocks", _what(study), _about(study))


def make_grid(study: TransferStudy) -> Grid:
    """Strategies × labels; the network as it is has no labels."""
    labels = [*([0] if study.unlabelled else []), *study.labels]
    means = [[study.mean(name, number) for number in labels] for name in study.strategies]
    return build_grid(
        [title_of(name) for name in study.strategies],
        ["none" if number == 0 else f"{number:,}" for number in labels],
        means,
        (_axis_of_labels(study), "strategy", _what(study), _about(study)),
        rises=merits.higher_is_better(study.metric),
    )


def build_grid(
    rows: Sequence[str],
    columns: Sequence[str],
    means: list[list[Mean]],
    words: tuple[str, str, str, str],
    *,
    rises: bool,
) -> Grid:
    """A grid of means; the words are what is across, what is down, the score, and on which galaxies."""

    def values(name: str) -> NDArray[np.float64]:
        found = np.array([[getattr(mean, name) for mean in row] for row in means], float)
        return found.reshape(len(rows), len(columns))

    return Grid(tuple(rows), tuple(columns), values("value"), values("scatter"), values("sampling"), *words, rises)


def _is_plain(point: TransferPoint) -> bool:
    """Whether a point is one of a number of tuned blocks, and not of another method that tunes as many."""
    return point.strategy in ("head", "all") or point.strategy.startswith("last-")


def _line(
    study: TransferStudy,
    title: str,
    colour: int,
    points: Sequence[tuple[float, tuple[TransferPoint, ...]]],
    metric: str,
) -> Line | None:
    means = [(place, study.judged.mean(each, metric), each) for place, each in points]
    known = [(place, mean, each) for place, mean, each in means if mean.runs]
    if not known:
        return None
    runs = [(place, point.values[metric]) for place, _, each in known for point in each if metric in point.values]
    return Line(
        title,
        colour,
        np.array([place for place, _, _ in known]),
        np.array([mean.value for _, mean, _ in known]),
        np.nan_to_num(np.array([mean.scatter for _, mean, _ in known])),
        np.array(runs).reshape(-1, 2),
    )


def _levels(study: TransferStudy, metric: str, colour: int) -> tuple[Level, ...]:
    """The scores without labels; colours from ``colour`` on."""
    found: list[Level] = []
    for name in study.unlabelled:
        mean = study.mean(name, 0, metric)
        is_base = name == AS_IS.name
        error = mean.sampling if is_base else mean.scatter
        if mean.runs:
            found.append(Level(title_of(name), mean.value, float(np.nan_to_num(error)), -1 if is_base else colour))
        colour += not is_base
    return tuple(found)


def _what(study: TransferStudy, of: str = "") -> str:
    name = merits.display_name(study.metric)
    return f"{name[:1].upper()}{name[1:]}{f' on {of}' if of else ''}"


def _axis_of_labels(study: TransferStudy) -> str:
    return "real labelled galaxies" if study.question == "simulations" else "labelled galaxies of the new survey"


def _about(study: TransferStudy, *, forgotten: bool = False) -> str:
    judged = study.judged
    error = judged.common_error(f"{SOURCE}{study.metric}" if forgotten else study.metric)
    galaxies, whose = judged.galaxies, ""
    if forgotten:
        known = [point.values.get(f"{SOURCE}galaxies", 0.0) for point in study.points]
        galaxies, whose = int(max(known)), " of the old survey"
    together = f" (all points together ± {error:.2g})" if math.isfinite(error) else ""
    return f"{judged.part} part{whose}, {galaxies:,} galaxies{together}"


def spread_ticks(ticks: list[tuple[float, str]]) -> tuple[tuple[float, str], ...]:
    """Ticks without those that would overlap a later one."""
    if not ticks:
        return ()
    apart = _CLOSEST * (ticks[-1][0] - ticks[0][0])
    kept = [ticks[-1]]
    for tick in reversed(ticks[:-1]):
        if kept[-1][0] - tick[0] >= apart:
            kept.append(tick)
    return tuple(reversed(kept))

"""The charts of an evaluation of classes: ROC, purity and completeness, the first k, thresholds, reliability, bins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from core.data.target import Classes
from core.errors import NotPossible, SettingsProblem, Stopped
from core.evaluate.charts import Chart, Series
from core.evaluate.evaluation import Evaluation
from core.events import NEVER, Progress, Work
from core.metrics import binned_classes, ranking
from core.metrics.merits import display_name
from core.metrics.ranking import Band, Ranking, Selection
from core.project.runs import RunFolder
from core.wording import capitalised, count_of, with_distances, with_error, with_limits

Kind: TypeAlias = Literal["roc", "precision", "top", "threshold", "reliability"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_THRESHOLDS = np.linspace(0, 1, 201)
_IN_A_BIN = 20  # galaxies on average, at least
_WITHIN_A_CLASS = ("accuracy", "completeness", "log_loss", "brier")  # what they say of one true class by itself
_BY_BOOTSTRAP = "Ranked by probability; bands and errors: bootstrap, 68 %."
_BY_WILSON = "Ranked by probability; Wilson's 68 % intervals."


@dataclass(frozen=True, eq=False)
class Rankings:
    """How well each class is found, and which have nothing to find.

    Attributes
    ----------
    evaluation
        Of what.
    by_class
        In the order of the classes; None where all galaxies or none are of it.
    """

    evaluation: Evaluation
    by_class: dict[str, Ranking | None]


def find_rankings(evaluation: Evaluation, stop: threading.Event = NEVER) -> Work[Rankings]:
    """Judge how well the galaxies of each class are found by its probability.

    Raises
    ------
    NotPossible
        The network predicts no classes.
    """
    names = require_classes(evaluation)
    found: dict[str, Ranking | None] = {}
    for place, name in enumerate(names):
        if stop.is_set():
            raise Stopped
        yield Progress(place, len(names), "classes")
        found[name] = ranking.rank(name, evaluation.labels == place, evaluation.predictions.scores[:, place])
    return Rankings(evaluation, found)


def require_classes(evaluation: Evaluation) -> tuple[str, ...]:
    """The classes of an evaluation.

    Raises
    ------
    NotPossible
        The network predicts none.
    """
    if not isinstance(evaluation.target, Classes):
        raise NotPossible("This is for classes, and the network predicts none.")
    return evaluation.target.names


def make_chart(rankings: Rankings, kind: Kind, name: str = "") -> Chart:
    """Make one of :data:`KINDS`.

    Parameters
    ----------
    rankings
        Of an evaluation.
    kind
        Which chart.
    name
        A class; empty: all of them, where the chart has room for them.
    """
    if kind == "reliability":
        return _draw_reliability(rankings.evaluation)
    if kind == "threshold":
        return _draw_threshold(rankings.evaluation, name or rankings.evaluation.predictions.names[0])
    x_title, y_title, part, label = _TEXTS[kind]
    wanted = [
        (place, each)
        for place, (own, each) in enumerate(rankings.by_class.items())
        if each is not None and name in ("", own)
    ]
    shown = [Series(f"{each.name}: {label(each)}", getattr(each, part), place) for place, each in wanted]
    frequency = [f"{each.name} {each.members:,} of {each.galaxies:,}" for _, each in wanted]
    note = f"{describe(rankings.evaluation)} {_BY_WILSON if kind == 'top' else _BY_BOOTSTRAP}"
    if kind != "roc":
        note += f" Purity depends on how frequent a class is; here: {', '.join(frequency)}."
    if missing := [own for own, each in rankings.by_class.items() if each is None]:
        note += f" Nothing to find in: {', '.join(missing)}."
    title = {"roc": "ROC curve", "precision": "purity and completeness", "top": "among the first k"}[kind]
    return Chart(
        f"{title} {name}".strip(),
        x_title,
        y_title,
        tuple(shown),
        note,
        is_logarithmic=kind == "top",
        x_range=None if kind == "top" else (0, 1),
        y_range=(0, 1.02),
        guide=((0, 0), (1, 1)) if kind == "roc" else None,
        about=_about(rankings.evaluation),
    )


def select(evaluation: Evaluation, name: str, *, first: int = 0, threshold: float = 0.0) -> Selection:
    """The galaxies that are taken for a class: the first ones by its probability, or those from a threshold on."""
    place = evaluation.predictions.names.index(name)
    is_member, scores = evaluation.labels == place, evaluation.predictions.scores[:, place]
    if first:
        return ranking.take_first(is_member, scores, first)
    return ranking.take_above(is_member, scores, threshold)


def describe_selection(taken: Selection, name: str, how: str, frequency: float | None = None) -> str:
    """A selection in a sentence: how many, how pure, how complete."""
    if taken.purity is None or taken.completeness is None:
        return f"{capitalised(how)} no galaxy is taken for {name}."
    hits = f"{taken.hits:,.0f}" if abs(taken.hits - round(taken.hits)) < 0.05 else f"{taken.hits:,.1f}"
    text = (
        f"{capitalised(how)}: {count_of(taken.taken, 'galaxy')}, of which {hits} are {name}: "
        f"purity {with_distances(*taken.purity)}, completeness {with_distances(*taken.completeness)} "
        f"of {taken.members:,}."
    )
    if frequency is not None and (purity := taken.purity_at(frequency)) is not None:
        value, (low, high) = purity
        text += (
            f" Where {100 * frequency:.2g} % of all galaxies are {name}, the purity would be {value:.2g}, "
            f"and {low:.2g} to {high:.2g} within the 68 % limits of what is found and of what is mistaken."
        )
    return text


def draw_bins(
    evaluation: Evaluation,
    metric: str,
    against: tuple[str, NDArray[Any]],
    split: tuple[str, NDArray[Any]] | None = None,
    *,
    bins: int = 6,
) -> Chart:
    """A figure of merit in bins of a column.

    Parameters
    ----------
    evaluation
        Of n galaxies.
    metric
        One of :func:`core.metrics.binned_classes.metrics_for`.
    against
        Title of the column, and its values (n,).
    split
        Name of the column of classes, and its values (n,).
    bins
        How many at most; fewer where a bin would have fewer than 20 galaxies on average.

    Raises
    ------
    SettingsProblem
        There is no such figure of merit, or it means nothing by the label itself.
    """
    names = require_classes(evaluation)
    if metric not in binned_classes.metrics_for(names):
        known = ", ".join(binned_classes.metrics_for(names))
        raise SettingsProblem(f"“{metric}” is no figure of merit of classes.", f"There are: {known}.")
    title, values = against
    _require_sense(evaluation, metric, title, split)
    known_values = int(np.isfinite(np.asarray(values, np.float64)).sum())
    found = binned_classes.bin_classes(
        evaluation.labels,
        evaluation.predictions.scores,
        names,
        evaluation.predictions.decision,
        values,
        bins=max(1, min(bins, known_values // _IN_A_BIN)),
        split=None if split is None else split[1],
    )
    series = []
    for number, group in enumerate(found.groups):
        points = [
            (each.middle, *value, each.report.galaxies)
            for each in group.bins
            if (value := binned_classes.value_of(each.report, metric)) is not None
        ]
        if points:
            x, y, low, high, counts = np.array(points, np.float64).T
            whole = f"{group.name or 'all'} ({group.whole.report.galaxies:,})"
            series.append(Series(whole, Band(x, y, low, high), number, tuple(counts.astype(int).tolist())))
    by = "" if split is None else f" by {split[0]}"
    note = f"{describe(evaluation)} {found.sentence} Intervals: 68 %."
    if not series:
        note += " The figure is not defined in any of these bins: the galaxies that it is a share of are not there."
    bare = title.partition(" [")[0].removeprefix("true ")
    shown = display_name(metric)
    return Chart(
        f"{shown} against {bare}{by}", title, shown, tuple(series), note, are_points=True, about=_about(evaluation)
    )


def _require_sense(evaluation: Evaluation, metric: str, against: str, split: tuple[str, NDArray[Any]] | None) -> None:
    """Require that a figure is not asked for in groups of one true class each, if what is mistaken counts in it."""
    if metric.partition(":")[0] in _WITHIN_A_CLASS:
        return
    by = ""
    if against.partition(" [")[0] == evaluation.target.column:  # pyrefly: ignore[missing-attribute] - classes
        by = against
    elif split is not None:
        pairs = set(zip(map(str, split[1]), evaluation.labels.tolist(), strict=True))
        if len(pairs) == len({group for group, _ in pairs}) > 1:
            by = split[0]
    if by:
        raise SettingsProblem(
            f"{capitalised(display_name(metric))} by “{by}” would mean nothing: that is the label itself. Among "
            "galaxies of one true class nothing else can be taken for it, so that a purity is 0 or 1 whatever the "
            "network does.",
            "Choose another column, or accuracy, which is then the completeness of each class; purities over all "
            "galaxies stand in the table of classes.",
            by,
        )


def bins_table(chart: Chart) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headers and rows of texts of a chart of bins: group, median of the column, galaxies, value with error."""
    rows: list[tuple[str, ...]] = [
        (each.name, f"{x:.4g}", f"{count:,}", with_limits(y, low, high))
        for each in chart.series
        for x, y, low, high, count in zip(
            each.band.x, each.band.y, each.band.low, each.band.high, each.counts, strict=True
        )
    ]
    return ("galaxies of", chart.x_title, "in the bin", chart.y_title), rows


def bins_to_json(chart: Chart) -> dict[str, Any]:
    """A chart of bins as plain values: for each group the bins, with the median of the column and 68 % intervals."""
    names = ("median", "value", "low", "high", "galaxies")
    groups = [
        {
            "name": each.name,
            "bins": [
                dict(zip(names, (*map(float, point), count), strict=True))
                for *point, count in zip(
                    each.band.x, each.band.y, each.band.low, each.band.high, each.counts, strict=True
                )
            ],
        }
        for each in chart.series
    ]
    return {"against": chart.x_title, "note": chart.note, "groups": groups}


def _draw_threshold(evaluation: Evaluation, name: str) -> Chart:
    place = evaluation.predictions.names.index(name)
    is_member = evaluation.labels == place
    completeness, purity = ranking.against_threshold(is_member, evaluation.predictions.scores[:, place], _THRESHOLDS)
    return Chart(
        f"threshold of {name}",
        f"threshold on the probability of {name}",
        "share",
        (Series("completeness", completeness, 0), Series("purity", purity, 1)),
        f"{describe(evaluation)} {int(is_member.sum()):,} of them are {name}. Wilson's 68 % intervals.",
        x_range=(0, 1),
        y_range=(0, 1.02),
        about=_about(evaluation),
    )


def _draw_reliability(evaluation: Evaluation) -> Chart:
    found = evaluation.report.calibration  # pyrefly: ignore[missing-attribute] - of classes, see require_classes
    bins = found.bins
    columns = np.array([(each.probability, each.share, *each.interval) for each in bins], np.float64).reshape(-1, 4)
    error = "–" if found.error is None else with_error(found.error, found.uncertainty or 0)
    note = f"{describe(evaluation)} Expected calibration error {error}"
    note += "." if found.expected is None else f"; with calibrated probabilities about {found.expected:.2g}."
    band = Band(*columns.T)
    return Chart(
        "reliability",
        "probability of the likeliest class",
        "share that is right",
        (Series("galaxies", band, 0, tuple(each.galaxies for each in bins)),),
        note,
        are_points=True,
        x_range=(0, 1.02),
        y_range=(0, 1.02),
        guide=((0, 0), (1, 1)),
        about=_about(evaluation),
    )


def describe(evaluation: Evaluation) -> str:
    """Which weights on which galaxies, as a sentence."""
    part = "all labelled galaxies" if evaluation.part == "all" else f"the {evaluation.part} part"
    name = evaluation.predictions.run
    run = f"“{RunFolder(Path(name)).title}” on " if name else ""
    return f"{run}{part} of {evaluation.data}, {count_of(len(evaluation.rows), 'galaxy')}."


def _about(evaluation: Evaluation) -> dict[str, str]:
    return {"RUN": evaluation.predictions.run, "DATA": evaluation.data, "PART": evaluation.part}


def _area(name: str, area: ranking.Area) -> str:
    error = 0.0 if area.interval is None else (area.interval[1] - area.interval[0]) / 2
    return f"{name} {with_error(area.value, error)}"


def _first(each: Ranking) -> str:
    return f"{each.members:,} of {each.galaxies:,}"


_Label: TypeAlias = Callable[[Ranking], str]
_TEXTS: dict[str, tuple[str, str, str, _Label]] = {
    "roc": ("false-positive rate", "completeness", "roc", lambda each: _area("AUC", each.auc)),
    "precision": (
        "completeness",
        "purity",
        "precision",
        lambda each: _area("average precision", each.average_precision),
    ),
    "top": ("the first k galaxies", "purity", "top", _first),
}


def require_class(evaluation: Evaluation, name: str) -> str:
    """The class of this name, however it is capitalised.

    Raises
    ------
    SettingsProblem
        There is none.
    """
    names: Sequence[str] = require_classes(evaluation)
    for each in names:
        if each.casefold() == name.casefold():
            return each
    raise SettingsProblem(f"There is no class “{name}”.", f"The classes are: {', '.join(names)}.")

"""The plot data of a study of label suggestion, and its table: scores against labels, and the gain over random."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.metrics import merits
from core.metrics.uncertainty import plus_minus
from core.studies.pictures import Level, Line, TransferLines
from core.studies.point_table import error_name
from core.studies.suggestion_gain import RANDOM, Gain, SuggestionStudy
from core.studies.transfer_lines import spread_ticks
from core.wording import with_minus

SCORES, GAINS = "Against labels", "Gain over random order"
_AXIS = "labelled training galaxies"
_APART = 0.015  # of the axis: between two orders at the same number of labels


def make_pictures(study: SuggestionStudy) -> dict[str, TransferLines]:
    """Both pictures of a study by their titles."""
    if not study.points:
        return {}
    found = {SCORES: _draw_scores(study)}
    if any(study.gain(method, labels) for method in study.methods[1:] for labels in study.counts(method)):
        found[GAINS] = _draw_gains(study)
    return found


def make_table(study: SuggestionStudy, form: str = ".3f") -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows: each order and number of labels with its mean, the standard error of that, and the gain."""
    header = ("order", "labels", "runs", study.metric, "error of mean", "gain over random", "error of gain")
    rows: list[tuple[str, ...]] = []
    for method in study.methods:
        for labels in study.counts(method):
            mean, error = study.mean(method, labels)
            gain = None if method == RANDOM else study.gain(method, labels)
            rows.append(
                (
                    title_of(method),
                    f"{labels:,}",
                    str(len(study.scores(method, labels))),
                    f"{mean:{form}}",
                    _of(error, form),
                    "–" if gain is None else with_minus(f"{gain.value:{form}}"),
                    "–" if gain is None else _of(gain.error, form),
                )
            )
    return header, rows


def title_of(method: str) -> str:
    """How an order is called."""
    return "random order" if method == RANDOM else f"{method}, as proposed"


def _of(error: float, form: str) -> str:
    return plus_minus(error, form).strip(" ±") or "–"


def _draw_scores(study: SuggestionStudy) -> TransferLines:
    lines: list[Line] = []
    for number, method in enumerate(study.methods):
        counts = study.counts(method)
        means = [study.mean(method, labels) for labels in counts]
        scores = [list(study.scores(method, labels).values()) for labels in counts]
        lines.append(_line(study, number, counts, means, scores))
    name = merits.display_name(study.metric)
    return TransferLines(tuple(lines), (), _ticks(study), _AXIS, f"{name[:1].upper()}{name[1:]}", _about(study))


def _draw_gains(study: SuggestionStudy) -> TransferLines:
    lines: list[Line] = []
    for number, method in enumerate(study.methods):
        known = [(labels, gain) for labels in study.counts(method) if (gain := _gain(study, method, labels))]
        if known:
            counts = [labels for labels, _ in known]
            means = [(gain.value, gain.error) for _, gain in known]
            lines.append(_line(study, number, counts, means, [study.differences(method, labels) for labels in counts]))
    zero = (Level(title_of(RANDOM), 0.0, 0.0),)
    what = f"Gain in {merits.display_name(study.metric)}"
    return TransferLines(tuple(lines), zero, _ticks(study), _AXIS, what, f"gain: seed by seed; {_galaxies(study)}")


def _gain(study: SuggestionStudy, method: str, labels: int) -> Gain | None:
    return None if method == RANDOM else study.gain(method, labels)


def _line(
    study: SuggestionStudy,
    number: int,
    counts: Sequence[int],
    means: Sequence[tuple[float, float]],
    runs: Sequence[Sequence[float]],
) -> Line:
    """The line of the ``number``-th order, a little beside the others so that no error bar hides another."""
    among, every = len(study.methods), sorted({point.labels for point in study.points})
    width = max(math.log10(every[-1] / every[0]), 0.3)
    shift = _APART * width * (2 * number / max(among - 1, 1) - 1)
    places = np.log10(counts) + shift
    drawn = [(place, value) for place, values in zip(places, runs, strict=True) for value in values]
    return Line(
        title_of(study.methods[number]),
        number,
        places,
        np.array([mean for mean, _ in means]),
        np.nan_to_num(np.array([error for _, error in means])),
        np.array(drawn, float).reshape(-1, 2),
    )


def _ticks(study: SuggestionStudy) -> tuple[tuple[float, str], ...]:
    return spread_ticks([(math.log10(labels), f"{labels:,}") for labels in sorted({p.labels for p in study.points})])


def _galaxies(study: SuggestionStudy) -> str:
    return f"validation part, {max(point.galaxies for point in study.points):,} galaxies"


def _about(study: SuggestionStudy) -> str:
    errors = np.array([point.values.get(error_name(study.metric), math.nan) for point in study.points])
    common = plus_minus(float(np.nanmean(errors)), ".3f") if np.isfinite(errors).any() else ""
    return _galaxies(study) + (f" (all points together{common})" if common else "")

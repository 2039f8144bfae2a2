"""A search as parallel coordinates: the searched settings as axes, the trials as lines."""

from __future__ import annotations

import math

from app.studies.widgets.parallel_plot import Axis, Line
from app.studies.widgets.trial_table import last_score
from app.widgets.plain_text import in_html
from core.studies import axis_ticks, search_space, trials
from core.studies.search_space import Space
from core.studies.trials import Search, Trial
from core.wording import count_of

_LEGEND = "dashed: coarse, full: fine, wide: best, faint: given up early."


def axes(search: Search) -> Space:
    """The widest range of each searched setting."""
    return search.spaces.get("coarse") or search.spaces["fine"]


def titles(knobs: Space) -> dict[str, str]:
    """Titles of the settings on the form."""
    known = search_space.searchable_knobs()
    return {axis.name: known[axis.name].title for axis in knobs}


def build_plot(search: Search | None, knobs: Space) -> tuple[list[Axis], list[Line]]:
    """Build the axes, the last of them the score, and the lines; without a search only the axes."""
    names, (low, high) = titles(knobs), _limits(search)
    found = [Axis(names[axis.name], axis.name, axis_ticks.axis_ticks(axis)) for axis in knobs]
    scores = axis_ticks.round_values(low, high) if search is not None else []
    written = [(_height(value, low, high), f"{value:.3g}") for value in scores]
    objective = "Score" if search is None or search.objective == "score" else "Loss"
    found.append(Axis(objective, f"Of the validation part; {_LEGEND}", written))
    return found, [] if search is None else _lines(search, low, high)


def _limits(search: Search | None) -> tuple[float, float]:
    """The lowest and highest score of the finished trials, the limits of the colours."""
    done = [] if search is None else [each.score for each in search.trials if each.state == "finished"]
    known = [score for score in done if score is not None]
    return (min(known), max(known)) if known else (0.0, 1.0)


def _lines(search: Search, low: float, high: float) -> list[Line]:
    """The lines of finished and pruned trials; that of a pruned trial ends before the axis of the score."""
    placed, best, rising = trials.axis_positions(search), search.best, search.objective == "score"
    found: list[Line] = []
    for trial in search.trials:
        if trial.name not in placed or trial.state not in ("finished", "pruned"):
            continue
        score = last_score(trial)
        height = _height(score, low, high)
        is_done = trial.state == "finished"
        found.append(
            Line(
                name=trial.name,
                places=[*placed[trial.name], height if is_done else math.nan],
                shade=(height if rising else 1 - height) if is_done else None,
                tip=_tip(trial),
                dashed=is_done and trial.stage == "coarse",
                wide=trial == best,
            )
        )
    return found


def _tip(trial: Trial) -> str:
    score = last_score(trial)
    state = "finished" if trial.state == "finished" else f"given up after {count_of(len(trial.history), 'epoch')}"
    values = "<br>".join(in_html(f"{name} = {trials.format_value(value)}") for name, value in trial.values.items())
    known = "" if math.isnan(score) else f", {score:.4f}"
    return f"<p><b>{trial.name}</b>: {state}{known}</p><p>{values}</p>"


def _height(score: float, low: float, high: float) -> float:
    return (score - low) / (high - low) if high > low else 0.5

"""The figure of a search: its trials in parallel coordinates, the importances, and the course of the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from core.printable import escape_mathtext
from core.project.files import atomic_path
from core.studies import trials
from core.studies.axis_ticks import axis_ticks
from core.studies.trials import Search, SearchStage, Trial
from core.wording import percent

_STAGE_STYLES: dict[SearchStage, tuple[str, str]] = {
    "coarse": ("o", "#0072B2"),
    "fine": ("s", "#D55E00"),
}  # Okabe & Ito: distinguishable with any colour vision
_PRUNED_COLOUR = "#999999"
_LABEL_BOX = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.7}  # behind a value on an axis


def save(search: Search, path: Path) -> None:
    """Draw a search and write it atomically, in the format of the file name's suffix: PNG, SVG or PDF."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, height_ratios=(1.25, 1))
    draw_coordinates(search, figure.add_subplot(grid[0, :]))
    draw_history(search, figure.add_subplot(grid[1, 0]))
    draw_importance(search, figure.add_subplot(grid[1, 1]))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=140)


def draw_coordinates(search: Search, axes: Axes) -> None:
    """Draw trials in parallel coordinates, coloured by score; pruned ones are grey, the best one is wide."""
    knobs = search.spaces.get("coarse") or search.spaces["fine"]
    placed = trials.axis_positions(search)
    shown = [each for each in search.trials if each.name in placed and each.state in ("finished", "pruned")]
    done = [each.score for each in shown if each.state == "finished" and each.score is not None]
    scale = Normalize(*_colour_limits(done))
    colours = colormaps["viridis" if search.objective == "score" else "viridis_r"]
    for each in sorted(shown, key=lambda trial: (trial.state == "finished", trial == search.best)):
        is_done = each.state == "finished"
        axes.plot(
            range(len(knobs)),
            placed[each.name],
            marker="o",
            ms=3,
            color=colours(float(scale(_score(each)))) if is_done else _PRUNED_COLOUR,
            alpha=1.0 if is_done else 0.35,
            lw=3.5 if each == search.best else 1.2,
            ls="-" if each.stage == "fine" or not is_done else (0, (5, 1.5)),
        )
    for place, knob in enumerate(knobs):
        axes.axvline(place, color="#333333", lw=0.8)
        for height, text in axis_ticks(knob):
            axes.annotate(
                text, (place, height), (4, 0), textcoords="offset points", va="center", fontsize=7, bbox=_LABEL_BOX
            )
    axes.set_xticks(range(len(knobs)), [knob.name.replace(".", "\n") for knob in knobs], fontsize="small")
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(knobs) - 0.6)
    axes.spines[:].set_visible(False)
    axes.set_title("dashed: coarse, full: fine, wide: best, grey: given up early", fontsize="small")
    axes.figure.colorbar(
        ScalarMappable(scale, colours), ax=axes, label=escape_mathtext(f"validation {search.objective}"), pad=0.01
    )


def draw_history(search: Search, axes: Axes) -> None:
    """Draw the score of each trial in the order of their start, and the best so far of each stage."""
    start = 0
    for stage, (mark, colour) in _STAGE_STYLES.items():
        of_stage = [each for each in search.trials if each.stage == stage]
        best = trials.best_so_far(search, stage)
        if not of_stage:
            continue
        number = np.arange(start, start + len(of_stage)) + 1
        axes.plot(number, best, color=colour, lw=1, drawstyle="steps-post")
        for state, face in (("finished", colour), ("pruned", "none")):
            chosen = [place for place, each in enumerate(of_stage) if each.state == state and each.score is not None]
            scores = [_score(of_stage[place]) for place in chosen]
            label = f"{stage}, {'finished' if state == 'finished' else 'given up'}"
            axes.plot(number[chosen], scores, mark, ms=4.5, mfc=face, mec=colour, ls="none", label=label)
        start += len(of_stage)
    axes.set_xlabel("trial")
    axes.set_ylabel(escape_mathtext(f"validation {search.objective}"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize="x-small", loc="best")


def draw_importance(search: Search, axes: Axes) -> None:
    """Draw bars of the importance of each setting."""
    ordered = sorted(search.importance.items(), key=lambda item: item[1])
    if not ordered:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "too few trials to estimate\nthe importance of the settings", ha="center", va="center")
        return
    bars = axes.barh([name for name, _ in ordered], [share for _, share in ordered], color="#009E73", height=0.6)
    axes.bar_label(bars, [percent(share) for _, share in ordered], padding=3, fontsize="small")
    axes.set_xlim(0, 1.25 * ordered[-1][1])
    axes.set_ylim(-0.6, max(3, len(ordered)) - 0.4)
    axes.set_xlabel("share of the coarse search's variance")
    axes.tick_params(axis="y", labelsize="small")


def _colour_limits(scores: Sequence[float]) -> tuple[float, float]:
    """The range of the colour scale."""
    return (min(scores), max(scores)) if scores and min(scores) < max(scores) else (0.0, 1.0)


def _score(trial: Trial) -> float:
    return math.nan if trial.score is None else trial.score

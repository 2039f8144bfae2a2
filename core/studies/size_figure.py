"""The score against the number of labels, as a figure for a paper: the runs, their means, the law and its band."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from core.project.files import atomic_path
from core.studies import merits
from core.studies.size_study import SizeStudy

_RUNS, _LAW = "#0072B2", "#D55E00"  # Okabe & Ito: told apart by everyone
_ONE_SIGMA = (0.158655, 0.841345)
_TICKS = 8


def save(study: SizeStudy, path: Path) -> None:
    """Draw a study, in the format that the name ends in: PNG, SVG or PDF; wholly or not at all."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    draw(study, figure.subplots())
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=160)


def draw(study: SizeStudy, axes: Axes) -> None:
    """Draw the study's points and curve."""
    law, sizes = study.curve, np.array(study.sizes)
    scores = [study.scores(size) for size in study.sizes]
    axes.set_xscale("log")
    for size, values in zip(sizes, scores, strict=True):
        axes.plot([size] * len(values), values, "o", ms=3.5, color=_RUNS, alpha=0.35, mew=0, label="_")
    means = [np.mean(values) for values in scores]
    errors = law.errors if law is not None and len(law.errors) == len(sizes) else _plain_errors(scores)
    axes.errorbar(sizes, means, errors, fmt="o", ms=5, color=_RUNS, capsize=3, label="mean of the runs, standard error")
    if law is not None:
        grid = np.geomspace(sizes[0], law.farthest, 200)
        low, middle, high = law.quantiles(grid, (_ONE_SIGMA[0], 0.5, _ONE_SIGMA[1]))
        inside = grid <= sizes[-1]
        axes.fill_between(grid, low, high, color=_LAW, alpha=0.18, lw=0, label="68 % band")
        exponent, error = law.exponent
        name = f"$m_\\infty - a\\,n^{{-b}}$,  $b = {exponent:.2f} \\pm {error:.2f}$"
        axes.plot(grid[inside], middle[inside], color=_LAW, lw=1.5, label=name)
        axes.plot(grid[~inside], middle[~inside], color=_LAW, lw=1.5, ls="--", label="_")
    axes.xaxis.set_major_locator(FixedLocator(_ticks(study, law.farthest if law is not None else sizes[-1])))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("labelled training galaxies")
    what = merits.in_words(study.metric)
    axes.set_ylabel(f"{what[:1].upper()}{what[1:]}")
    galaxies = max(point.galaxies for point in study.points)
    axes.set_title(
        f"{study.part} part, {galaxies:,} galaxies (all points together ± {study.common_error:.2g})", fontsize="small"
    )
    axes.grid(alpha=0.25)
    rises = merits.higher_is_better(study.metric)
    axes.legend(frameon=False, fontsize="small", loc="lower right" if rises else "upper right")


def _plain_errors(scores: list[list[float]]) -> list[float]:
    """Standard errors of the means; none where there is one run only."""
    return [np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0 for values in scores]


def _ticks(study: SizeStudy, end: float) -> list[float]:
    """The sizes themselves, and the farthest one that the law is followed to; not so close that they overlap."""
    wished = sorted({*map(float, study.sizes), float(end)})
    apart = np.log(wished[-1] / wished[0]) / _TICKS / 1.25 if len(wished) > 1 else 0.0
    kept = [wished[-1]]
    for size in reversed(wished[:-1]):
        if np.log(kept[-1] / size) >= apart:
            kept.append(size)
    return kept

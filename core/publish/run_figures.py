"""The plots of a run for its report: curves, confusion, reliability, merits of classes, measured against true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from core.printable import escape_mathtext

TRAINING, VALIDATION, MARK = "#0072B2", "#D55E00", "#555555"  # Okabe & Ito: distinguishable with any colour vision
_MOST_POINTS = 3000  # of a scatter plot
_WRITTEN = 14  # classes up to which the cells of a confusion matrix hold their numbers


def draw_curves(history: Sequence[Mapping[str, float]], best_epoch: int) -> Figure:
    """Loss and score of training and validation against the epoch, with the best epoch marked.

    Parameters
    ----------
    history
        Rows of a run's ``history.csv``, at least one.
    best_epoch
        Counted from 1.
    """
    figure = _new_figure(9, 3.6)
    score = next(name for name in ("accuracy", "r2", "neighbours_accuracy") if name in history[0])
    epochs = [row["epoch"] for row in history]
    for axes, name in zip(figure.subplots(1, 2), ("loss", score), strict=True):
        axes.plot(epochs, [row[name] for row in history], "o-", ms=3, color=TRAINING, label="training")
        axes.plot(epochs, [row[f"val_{name}"] for row in history], "s-", ms=3, color=VALIDATION, label="validation")
        axes.axvline(best_epoch, color=MARK, lw=1, ls=":", label=f"best epoch: {best_epoch}")
        axes.set_xlabel("epoch")
        axes.set_ylabel("R²" if name == "r2" else name.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, fontsize="small")
    return figure


def draw_confusion(names: Sequence[str], counts: NDArray[np.int64]) -> Figure:
    """Shares of each true class (rows) that are called so (columns), with the numbers of galaxies in the cells."""
    side = min(8.0, 2.6 + 0.5 * len(names))
    figure = _new_figure(side + 1, side)
    axes = figure.subplots()
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(total, 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    shown = [escape_mathtext(name, 20) for name in names]
    axes.set_xticks(range(len(names)), shown, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), shown)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(names) <= _WRITTEN:
        for row, column in np.ndindex(*counts.shape):
            colour = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour, fontsize="small")
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def draw_reliability(bins: Sequence[Mapping[str, Any]]) -> Figure:
    """The share that is right against the probability of the called class, with binomial errors."""
    figure = _new_figure(4.6, 4)
    axes = figure.subplots()
    p = np.array([each["probability"] for each in bins])
    right, of = np.array([each["right"] for each in bins]), np.array([each["galaxies"] for each in bins])
    share = right / np.maximum(of, 1)
    smoothed = (right + 1) / (of + 2)  # so that no error is zero
    error = np.sqrt(smoothed * (1 - smoothed) / np.maximum(of, 1))
    axes.plot([0, 1], [0, 1], color=MARK, lw=1, ls=":")
    axes.errorbar(p, share, error, fmt="o", ms=4, capsize=2, color=TRAINING)
    low = max(0.0, float(p.min()) - 0.05)
    axes.set(
        xlim=(low, 1.02), ylim=(0, 1.05), xlabel="probability of the predicted class", ylabel="share that is right"
    )
    axes.grid(alpha=0.25)
    return figure


def draw_merits(values: Mapping[str, Any]) -> Figure:
    """Completeness and purity of each class, with their 68 % intervals."""
    names = list(values["completeness"])
    figure = _new_figure(6.4, 1.4 + 0.34 * len(names))
    axes = figure.subplots()
    places = np.arange(len(names))
    for shift, which, colour, marker in ((-0.12, "completeness", TRAINING, "o"), (0.12, "purity", VALIDATION, "s")):
        _draw_shares(axes, places + shift, values, which, colour, marker)
    axes.set_yticks(places, [escape_mathtext(name, 30) for name in names])
    axes.invert_yaxis()
    axes.set(xlim=(-0.02, 1.02), xlabel="share")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize="small")
    return figure


def _draw_shares(
    axes: Axes, places: NDArray[np.floating[Any]], values: Mapping[str, Any], which: str, colour: str, marker: str
) -> None:
    """One share of each class, for which there is one."""
    intervals = (values.get("intervals") or {}).get(which) or {}
    label: str | None = which
    for place, (name, value) in zip(places, values[which].items(), strict=True):
        if value is None:
            continue
        interval = intervals.get(name) or (value, value)
        ends = [value if end is None else end for end in interval]
        error = [[max(0.0, value - ends[0])], [max(0.0, ends[1] - value)]]
        axes.errorbar(value, place, xerr=error, fmt=marker, ms=5, capsize=2, color=colour, label=label)
        label = None  # once in the key


def draw_measured(
    title: str, true: NDArray[np.float64], measured: NDArray[np.float64], period: float | None = None
) -> Figure:
    """Measured against true values, of at most 3,000 galaxies; angles at the nearest value a period away."""
    figure = _new_figure(4.6, 4)
    axes = figure.subplots()
    known = np.flatnonzero(np.isfinite(true) & np.isfinite(measured))
    if period is not None:
        measured = true + np.remainder(measured - true + period / 2, period) - period / 2
    shown = known if len(known) <= _MOST_POINTS else np.random.default_rng(0).choice(known, _MOST_POINTS, replace=False)
    axes.plot(true[shown], measured[shown], ".", ms=3, alpha=0.4, color=TRAINING, rasterized=True)
    if len(known):
        ends = [float(true[known].min()), float(true[known].max())]
        axes.plot(ends, ends, color=MARK, lw=1)
    axes.set_xlabel(escape_mathtext(f"true {title}"))
    axes.set_ylabel(escape_mathtext(f"measured {title}"))
    axes.grid(alpha=0.25)
    return figure


def _new_figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")  # no pyplot: it keeps figures alive
    FigureCanvasAgg(figure)
    return figure

"""Measured against true values as a figure for a paper: the galaxies, and their figures of merit in bins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from core.evaluate.comparison import FIT, NETWORK, Comparison
from core.evaluate.comparison_lines import PANELS, Line, lines_of
from core.printable import escape_mathtext, wrap_mathtext
from core.project.files import atomic_path

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito
_LETTERS = 56  # in a line of the note


def save(comparison: Comparison, path: Path) -> None:
    """Draw a comparison and write it atomically, in the format of the file name's suffix: PNG, SVG or PDF."""
    figure = Figure(figsize=(10, 6.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3).ravel()
    _draw_galaxies(comparison, axes[0])
    for panel, place in zip(PANELS, axes[1:], strict=False):
        _draw_bins(comparison, panel, place)
    _draw_key(comparison, axes[5])
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=160)


def _draw_galaxies(comparison: Comparison, axes: Axes) -> None:
    quantity = comparison.quantity
    shown = [("o", NETWORK, quantity.predicted, quantity.bars, COLOURS[0])]
    if quantity.fit is not None:
        bars = None if quantity.fit_errors is None else (quantity.fit_errors, quantity.fit_errors)
        shown.append(("s", FIT, quantity.fit, bars, COLOURS[1]))
    for marker, name, values, errors, colour in shown:
        axes.errorbar(
            quantity.true,
            values,
            errors,
            fmt=marker,
            ms=2.5,
            mew=0,
            elinewidth=0.5,
            alpha=0.45,
            color=colour,
            label=name,
        )
    known = quantity.true[np.isfinite(quantity.true)]
    if len(known):
        ends = [float(known.min()), float(known.max())]
        axes.plot(ends, ends, color="#666666", lw=1)
    axes.set_xlabel(escape_mathtext(f"true {quantity.title}"))
    axes.set_ylabel(escape_mathtext(f"measured {quantity.title}"))
    axes.grid(alpha=0.25)
    if len(shown) > 1:
        axes.legend(frameon=False, fontsize="small")


def _draw_bins(comparison: Comparison, panel: str, axes: Axes) -> None:
    lines = lines_of(comparison, panel)
    for line in lines:
        axes.errorbar(
            line.x,
            line.y,
            [line.below, line.above],
            fmt="s--" if line.method == FIT else "o-",
            ms=4,
            lw=1.2,
            capsize=2,
            color=COLOURS[line.group % len(COLOURS)],
            mfc="white" if line.method == FIT else None,
        )
    is_share = panel in {"outliers", "within"}
    if is_share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if (wanted := PANELS[panel].wanted) is not None:
        axes.axhline(wanted, color="#666666", lw=1, ls=":")
    if not lines:
        axes.text(0.5, 0.5, PANELS[panel].without, ha="center", va="center", transform=axes.transAxes, wrap=True)
    unit = comparison.quantity.unit
    axes.set_ylabel(escape_mathtext(PANELS[panel].title + ("" if is_share or not unit else f" [{unit}]")))
    axes.set_xlabel(escape_mathtext(comparison.against))
    axes.grid(alpha=0.25)


def _draw_key(comparison: Comparison, axes: Axes) -> None:
    """Names of the lines with their numbers of galaxies, and over which galaxies the figure is."""
    axes.axis("off")
    seen: dict[tuple[str, str], Line] = {}
    for line in lines_of(comparison, "outliers"):
        seen.setdefault((line.method, line.name), line)
    for (method, name), line in seen.items():
        marker = "s--" if method == FIT else "o-"
        label = f"{' · '.join(filter(None, (method, name)))} ({line.galaxies:,})"
        face = "white" if method == FIT else None
        axes.plot([], [], marker, color=COLOURS[line.group % len(COLOURS)], mfc=face, label=escape_mathtext(label))
    if seen:
        axes.legend(frameon=False, fontsize="small", loc="upper left")
    note = wrap_mathtext(comparison.note, _LETTERS)
    axes.text(0, 0, note, fontsize="x-small", va="bottom", transform=axes.transAxes)

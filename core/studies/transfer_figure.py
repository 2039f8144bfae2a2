"""A study of the move to another survey as a figure for a paper: lines with error bars, and a grid with numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from core.printable import escape_mathtext
from core.project.files import atomic_path
from core.studies import transfer_lines
from core.studies.pictures import Grid, TransferLines
from core.studies.transfer_lines import View
from core.studies.transfer_study import TransferStudy

# Okabe & Ito: distinguishable with any colour vision.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A00")
_MARKERS = "os^DvP*X"


def save(study: TransferStudy, path: Path) -> None:
    """Draw a study and write it atomically, in the format of the file name's suffix: PNG, SVG or PDF."""
    drawn: list[View] = [view for view in transfer_lines.views(study) if view in _of_question(study)]
    figure = Figure(figsize=(6.4 * len(drawn), 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, view in zip(np.atleast_1d(figure.subplots(1, len(drawn))), drawn, strict=True):
        picture = transfer_lines.make_picture(study, view)
        if isinstance(picture, Grid):
            draw_grid(picture, axes)
        else:
            draw_lines(picture, axes)
    save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=160)


def _of_question(study: TransferStudy) -> tuple[View, ...]:
    return ("blocks", "grid") if study.question == "layers" else ("labels", "forgotten")


def draw_lines(drawn: TransferLines, axes: Axes) -> None:
    """Draw lines with their runs, and the level of the network as it is."""
    for level in drawn.levels:
        colour = "0.35" if level.colour < 0 else COLOURS[level.colour % len(COLOURS)]
        band = " (band: sampling error)" if level.colour < 0 and level.error else ""
        axes.axhline(level.value, color=colour, lw=1.2, ls="--", label=f"{escape_mathtext(level.title)}{band}")
        axes.axhspan(level.value - level.error, level.value + level.error, color=colour, alpha=0.12, lw=0)
    for line in drawn.lines:
        colour, marker = COLOURS[line.colour % len(COLOURS)], _MARKERS[line.colour % len(_MARKERS)]
        axes.plot(*line.runs.T, marker, ms=3, color=colour, alpha=0.3, mew=0, label="_")
        label = escape_mathtext(line.title) or "_"
        axes.errorbar(
            line.places, line.means, line.errors, fmt=f"-{marker}", ms=5, lw=1.3, color=colour, capsize=3, label=label
        )
    axes.xaxis.set_major_locator(FixedLocator([place for place, _ in drawn.ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([text for _, text in drawn.ticks])
    axes.set_xlabel(escape_mathtext(drawn.axis))
    axes.set_ylabel(escape_mathtext(drawn.what))
    axes.set_title(f"{drawn.about}; error bars: standard error of the mean", fontsize="small")
    axes.grid(alpha=0.25)
    if drawn.lines or drawn.levels:
        axes.legend(frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=4)


def draw_grid(grid: Grid, axes: Axes) -> None:
    """Draw a grid with the mean and the standard error of its runs in each cell."""
    means = grid.means if grid.rises else -grid.means
    axes.imshow(means, cmap="viridis", aspect="auto")
    low, high = (float(np.nanmin(means)), float(np.nanmax(means))) if np.isfinite(means).any() else (0.0, 1.0)
    for (row, column), mean in np.ndenumerate(grid.means):
        if np.isfinite(mean):
            share = (means[row, column] - low) / (high - low) if high > low else 1.0
            text = cell_text(mean, grid.scatter[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color="k" if share > 0.55 else "w")
    axes.set_xticks(range(len(grid.columns)), [escape_mathtext(text) for text in grid.columns])
    axes.set_yticks(range(len(grid.rows)), [escape_mathtext(text) for text in grid.rows])
    axes.set_xlabel(escape_mathtext(grid.across))
    axes.set_ylabel(escape_mathtext(grid.down))
    axes.set_title(f"{escape_mathtext(grid.what)}, {grid.about}", fontsize="small")


def cell_text(mean: float, error: float) -> str:
    """A cell of a grid: the mean, and below it its standard error where it is known."""
    return f"{mean:.3f}" + (f"\n± {error:.3f}" if np.isfinite(error) and error > 0 else "")

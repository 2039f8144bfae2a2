"""A chart as its numbers: curves with bands or points with error bars, for the window, for a paper, and as a table.

What is drawn on the screen, what is saved as a figure and what is written as a table is the same :class:`Chart`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluate import tables
from core.metrics.ranking import Band
from core.printable import escape_mathtext, wrap_mathtext
from core.project.files import atomic_path

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#8C8C8C")  # Okabe & Ito
_LETTERS = 96  # in a line of the note
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """One curve or row of points.

    Attributes
    ----------
    name
        As it stands in the key.
    band
        Its points (m,) with the limits of their 68 % intervals; NaN where there are none.
    colour
        Its number.
    counts
        (m,) galaxies behind each point; empty where all points have the same ones.
    """

    name: str
    band: Band
    colour: int = 0
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart.

    Attributes
    ----------
    name
        What is shown, as the name of a file.
    x_title, y_title
        Of the axes.
    series
        In the order of the key.
    note
        Over which galaxies, and what the numbers are.
    are_points
        Whether points with error bars are drawn, rather than curves with bands.
    is_logarithmic
        Whether the axis below is.
    x_range, y_range
        Of the axes; None: those of the values.
    guide
        (2, 2): a straight line from (x, y) to (x, y) to compare with; None: none.
    about
        For the metadata of a table, by a keyword of at most eight letters.
    """

    name: str
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    note: str
    are_points: bool = False
    is_logarithmic: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    guide: tuple[tuple[float, float], tuple[float, float]] | None = None
    about: dict[str, str] = field(default_factory=dict[str, str])


def save_figure(chart: Chart, path: Path) -> None:
    """Draw a chart and write it atomically, in the format of the file name's suffix: PNG, SVG or PDF."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    if chart.guide is not None:
        (x, y), (to_x, to_y) = chart.guide
        axes.plot([x, to_x], [y, to_y], ":", color="#666666", lw=1)
    for each in chart.series:
        _draw(axes, each, are_points=chart.are_points)
    if chart.is_logarithmic:
        axes.set_xscale("log")
    if chart.x_range is not None:
        axes.set_xlim(*chart.x_range)
    if chart.y_range is not None:
        axes.set_ylim(*chart.y_range)
    axes.set_xlabel(escape_mathtext(chart.x_title))
    axes.set_ylabel(escape_mathtext(chart.y_title))
    axes.grid(alpha=0.25)
    if chart.series:
        axes.legend(frameon=False, fontsize="small")
    figure.supxlabel(wrap_mathtext(chart.note, _LETTERS), fontsize="x-small")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=160)


def _draw(axes: Any, each: Series, *, are_points: bool) -> None:
    band, colour, label = each.band, COLOURS[each.colour % len(COLOURS)], escape_mathtext(each.name)
    if are_points:
        reach = np.nan_to_num([band.y - band.low, band.high - band.y])
        axes.errorbar(band.x, band.y, reach, fmt="o-", ms=4, lw=1.2, capsize=2, color=colour, label=label)
        return
    axes.plot(band.x, band.y, color=colour, lw=1.4, label=label)
    axes.fill_between(band.x, band.low, band.high, color=colour, alpha=0.18, lw=0)


def write_table(chart: Chart, path: Path) -> None:
    """Write the numbers of a chart as a table, in the format given by the file name's suffix.

    Raises
    ------
    SettingsProblem
        The name has another ending than those of tables.
    """
    bands = [each.band for each in chart.series]

    def join(values: list[Any], kind: Any = np.float64) -> NDArray[Any]:
        return np.concatenate(values).astype(kind) if values else np.zeros(0, kind)

    columns: list[tables.TableColumn] = [
        ("series", np.repeat([each.name for each in chart.series] or [""], [len(band.x) for band in bands] or [0]), ""),
        (chart.x_title, join([band.x for band in bands]), ""),
        (chart.y_title, join([band.y for band in bands]), ""),
        ("low", join([band.low for band in bands]), ""),
        ("high", join([band.high for band in bands]), ""),
    ]
    if any(each.counts for each in chart.series):
        columns.append(("galaxies", join([np.array(each.counts) for each in chart.series], np.int64), ""))
    tables.write_columns(columns, path, {"CHART": chart.name, **chart.about, "NOTE": chart.note})

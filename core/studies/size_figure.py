"""The learning curve as a figure for a paper: the runs, their means, the power law and its 68 % band."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from core.metrics.uncertainty import plus_minus
from core.printable import escape_mathtext
from core.project.files import atomic_path
from core.studies.size_lines import size_lines
from core.studies.size_study import SizeStudy

_RUNS, _LAW = "#0072B2", "#D55E00"  # Okabe & Ito: distinguishable with any colour vision


def save(study: SizeStudy, path: Path) -> None:
    """Draw a study and write it atomically, in the format of the file name's suffix: PNG, SVG or PDF."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    draw(study, figure.subplots())
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=160)


def draw(study: SizeStudy, axes: Axes) -> None:
    """Draw the study's points and curve."""
    drawn = size_lines(study)
    axes.set_xscale("log")
    axes.plot(*drawn.runs.T, "o", ms=3.5, color=_RUNS, alpha=0.35, mew=0, label="_")
    axes.errorbar(
        drawn.sizes,
        drawn.means,
        drawn.errors,
        fmt="o",
        ms=5,
        color=_RUNS,
        capsize=3,
        label="mean of the runs, standard error",
    )
    if drawn.exponent is not None:
        inside = drawn.measured
        axes.fill_between(drawn.grid, drawn.low, drawn.high, color=_LAW, alpha=0.18, lw=0, label="68 % band")
        exponent, error = drawn.exponent
        name = f"$m_\\infty - a\\,n^{{-b}}$,  $b = {exponent:.2f}${plus_minus(error, '.2f')}"
        axes.plot(drawn.grid[inside], drawn.middle[inside], color=_LAW, lw=1.5, label=name)
        axes.plot(drawn.grid[~inside], drawn.middle[~inside], color=_LAW, lw=1.5, ls="--", label="_")
    axes.xaxis.set_major_locator(FixedLocator(drawn.ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("labelled training galaxies")
    axes.set_ylabel(escape_mathtext(drawn.what))
    galaxies = max(point.galaxies for point in study.points)
    error = plus_minus(study.common_error)
    together = f" (all points together{error})" if error else ""
    axes.set_title(f"{study.part} part, {galaxies:,} galaxies{together}", fontsize="small")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize="small", loc="lower right" if drawn.rises else "upper right")

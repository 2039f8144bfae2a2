"""A study of label suggestion as a figure: the score against the number of labels, and the gain over random order."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from core.metrics import merits
from core.printable import escape_mathtext
from core.project.files import atomic_path
from core.studies.suggestion_gain import RANDOM, SuggestionStudy

_COLOURS = ("#595959", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")  # Okabe & Ito; grey is the random order


def save(study: SuggestionStudy, path: Path) -> None:
    """Draw a study and write it atomically, in the format of the file name's suffix: PNG, SVG or PDF."""
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    scores, gains = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    draw(study, scores, gains)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=160)


def draw(study: SuggestionStudy, scores: Axes, gains: Axes) -> None:
    """Draw the scores of all orders, and below them the gains."""
    what = merits.display_name(study.metric)
    counts = sorted({point.labels for point in study.points})
    for number, method in enumerate(study.methods):
        colour = _COLOURS[number % len(_COLOURS)]
        own = study.counts(method)
        means = [study.mean(method, count) for count in own]
        style = {"color": colour, "marker": "o", "ms": 4, "capsize": 3, "lw": 1.3}
        name = "in random order" if method == RANDOM else f"{method}, as proposed"
        errors = [0 if math.isnan(error) else error for _, error in means]
        scores.errorbar(own, [mean for mean, _ in means], errors, label=name, **style)
        if method != RANDOM:
            pairs = [(count, gain) for count in own if (gain := study.gain(method, count)) is not None]
            bars = [0 if math.isnan(gain.error) else gain.error for _, gain in pairs]
            gains.errorbar([count for count, _ in pairs], [gain.value for _, gain in pairs], bars, **style)
    gains.axhline(0, color=_COLOURS[0], lw=1)
    gains.set_xscale("log")
    gains.xaxis.set_major_locator(FixedLocator(counts))
    gains.xaxis.set_minor_locator(NullLocator())
    gains.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    gains.set_xlabel("labelled training galaxies")
    gains.set_ylabel("gain over random")
    scores.set_ylabel(escape_mathtext(f"{what[:1].upper()}{what[1:]}"))
    galaxies = max(point.galaxies for point in study.points)
    seeds = len({point.seed for point in study.points})
    scores.set_title(
        f"validation part, {galaxies:,} galaxies; {seeds} seed{'s' * (seeds != 1)}, standard errors", fontsize="small"
    )
    scores.legend(frameon=False, fontsize="small", loc="lower right")
    for axes in (scores, gains):
        axes.grid(alpha=0.25)

"""The confusion matrix as a figure for a paper and as a table: counts, shares of each label, or of each prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from core.evaluate import tables
from core.evaluate.class_charts import describe, require_classes
from core.evaluate.evaluation import Evaluation
from core.metrics.report import ClassReport
from core.printable import escape_mathtext, wrap_mathtext
from core.project.files import atomic_path

Share: TypeAlias = Literal["counts", "of each label", "of each prediction"]
SHARES: tuple[Share, ...] = get_args(Share)
_LETTERS = 15  # of the note, in an inch of a line
_DARK = 0.55  # of the colours, above which text is white


def shares(counts: NDArray[np.int64], share: Share) -> NDArray[np.float64]:
    """The matrix (K, K) in shares of its rows, which are the labels, or of its columns; 0 where there is nothing."""
    axis = 0 if share == "of each prediction" else 1
    return counts / np.maximum(counts.sum(axis=axis, keepdims=True), 1)


def save(evaluation: Evaluation, share: Share, path: Path) -> None:
    """Draw the matrix and write it atomically, in the format of the file name's suffix: PNG, SVG or PDF."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [escape_mathtext(name) for name in require_classes(evaluation)]
    counts = _counts(evaluation)
    shaded = shares(counts, share)
    side = 2.4 + 0.75 * len(names)
    figure = Figure(figsize=(side, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.imshow(shaded, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        text = f"{count:,}" if share == "counts" else f"{100 * shaded[row, column]:.0f} %"
        colour = "white" if shaded[row, column] > _DARK else "black"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize="small")
    places = range(len(names))
    axes.set_xticks(places, names, rotation=45, ha="right")
    axes.set_yticks(places, names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    axes.set_title("galaxies" if share == "counts" else f"share {share}", fontsize="medium")
    figure.supxlabel(wrap_mathtext(describe(evaluation), round(_LETTERS * side)), fontsize="x-small")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=160)


def write_table(evaluation: Evaluation, path: Path) -> None:
    """Write a row for each cell: label, prediction, galaxies, and their shares of the label's and of the prediction's.

    Raises
    ------
    SettingsProblem
        The name has another ending than those of tables.
    """
    names, counts = np.array(require_classes(evaluation), str), _counts(evaluation)
    count = len(names)
    columns: list[tuple[str, NDArray[Any], str]] = [
        ("label", np.repeat(names, count), ""),
        ("predicted", np.tile(names, count), ""),
        ("galaxies", counts.ravel(), ""),
        ("share_of_label", shares(counts, "of each label").ravel(), ""),
        ("share_of_prediction", shares(counts, "of each prediction").ravel(), ""),
    ]
    tables.write_columns(columns, path, {"GALAXIES": describe(evaluation)})


def _counts(evaluation: Evaluation) -> NDArray[np.int64]:
    assert isinstance(evaluation.report, ClassReport)
    return evaluation.report.confusion

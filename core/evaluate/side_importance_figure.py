"""What each catalogue column beside the image brings, as a figure and as a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.evaluate import tables
from core.evaluate.charts import COLOURS
from core.evaluate.side_importance import SideImportance
from core.printable import escape_mathtext, wrap_mathtext
from core.project.files import atomic_path
from core.version import mark_of_pictures

_LETTERS = 96  # in a line of the note


def save(found: SideImportance, path: Path) -> None:
    """Draw a bar with its error for each column and write it atomically, as PNG, SVG or PDF by the file's name."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ordered = sorted(found.columns, key=lambda each: each.drop)  # the first at the bottom
    figure = Figure(figsize=(6.4, 1.8 + 0.36 * len(ordered)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    names = [escape_mathtext(each.column, 40) for each in ordered]
    drops, errors = [each.drop for each in ordered], [np.nan_to_num(each.error) for each in ordered]
    places = np.arange(len(ordered))
    axes.barh(places, drops, xerr=errors, color=COLOURS[0], ecolor="#222222", capsize=3, height=0.6)
    axes.set_yticks(places, names)
    axes.axvline(0, color="#666666", lw=1)
    axes.set_xlabel(f"fall of {found.score}")
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    figure.supxlabel(wrap_mathtext(found.note, _LETTERS), fontsize="x-small")
    kind = path.suffix[1:].lower()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=160, metadata=mark_of_pictures(kind))


def write_table(found: SideImportance, path: Path) -> None:
    """Write the numbers as a table, in the format given by the file name's suffix.

    Raises
    ------
    SettingsProblem
        The name has another ending than those of tables.
    """
    columns: list[tables.TableColumn] = [
        ("column", np.array([each.column for each in found.columns]), ""),
        ("fall", np.array([each.drop for each in found.columns]), ""),
        ("fall_error", np.array([each.error for each in found.columns]), ""),
    ]
    about = {"SCORE": found.score, "VALUE": f"{found.value:.6g}", "REPEATS": str(found.repeats), "NOTE": found.note}
    tables.write_columns(columns, path, about)

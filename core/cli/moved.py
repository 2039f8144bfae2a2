"""What fine-tuning has moved: weights by layer, the confusion before and after, and the galaxies that flipped."""

from __future__ import annotations

import argparse
import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.console import Console
from core.cli.shared_options import add_band_option, add_force_option
from core.cli.sources import choose_bands, hand_labels_of
from core.project import outputs
from core.project.files import require_replaceable, write_atomically
from core.project.runs import RunFolder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.adapt.moved import ClassMoves, Moved

MOVED = ("moved", "moved:moved", "Show what fine-tuning has changed: weights by layer, confusion, flipped galaxies.")
_BAR = 24  # signs of the longest


def add_moved_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork moved``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a fine-tuned run")
    add("data", type=Path, nargs="?", metavar="DATA.h5", help="dataset; else the one that the run was trained on")
    add("--against", type=Path, metavar="NETWORK", help="another network with the same layers to compare with")
    add(
        "--split",
        choices=("validation", "test", "all"),
        default="validation",
        help="part of the run's own dataset whose galaxies both answer for",
    )
    add("-o", "--output", type=Path, metavar="TABLE.csv", help="the galaxies whose class flipped, as a table")
    add("--json", action="store_true", help="print everything as JSON")
    add_band_option(command)
    add_force_option(command, output=outputs.TEXT_TABLE)


def moved(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork moved``."""
    from core.adapt import moved as comparison

    folder = RunFolder(options.run)
    data = options.data or folder.data
    if options.output is not None:
        require_replaceable(options.output)
    choose_bands(options, data, console)
    hand_labels = hand_labels_of(data, console)
    found = console.drive(
        "Comparing",
        lambda stop: comparison.run(folder, data, options.split, stop, start=options.against, hand_labels=hand_labels),
    )
    if options.json:
        console.say_json({"run": folder.name, **comparison.to_json(found)})
    else:
        _print(found, console)
    if options.output is not None:
        _write_flips(found.classes, options.output)
        console.note(f"flipped galaxies: {options.output}")
    return console.status


def _print(found: Moved, console: Console) -> None:
    console.say(f"Change since “{found.start}”, of weights ‖w − w₀‖ / ‖w₀‖ and of batch statistics in σ:")
    longest = max((each.change for each in found.layers if math.isfinite(each.change)), default=0.0) or 1.0
    last = max(each.block for each in found.layers)
    for each in found.layers:
        place = "head" if each.block == last else f"block {each.block}"
        bar = "█" * round(_BAR * each.change / longest) if math.isfinite(each.change) else ""
        amount = "unchanged" if each.is_identical else f"{each.change:.3g}"
        statistics = "" if each.statistics is None or each.is_identical else f"  statistics {each.statistics:.3g} σ"
        console.say(f"  {place:8} {each.kind:22} {amount:>10} {bar}{statistics}")
    if (classes := found.classes) is None:
        console.say("Confusions and flipped galaxies are told of classes only.")
        return
    console.say(classes.sentence)
    for title, names, counts in (
        ("Before: label (row) and answer (column)", classes.old_names, classes.confusion_before),
        ("After: label (row) and answer (column)", classes.names, classes.confusion_after),
    ):
        _print_matrix(title, names, counts, classes, console)
    console.say(f"{len(classes.flips):,} of {len(classes.rows):,} galaxies flipped.")


def _print_matrix(
    title: str, columns: Sequence[str], counts: NDArray[np.int64], classes: ClassMoves, console: Console
) -> None:
    width = max(len(name) for name in (*columns, *classes.names)) + 1
    rows: list[list[object]] = [["", *columns]]
    rows += [[name, *row] for name, row in zip(classes.names, counts.tolist(), strict=True)]
    console.say(f"{title}:")
    for row in rows:
        console.say("  " + "".join(f"{cell!s:>{width}}" for cell in row))


def _write_flips(classes: ClassMoves | None, path: Path) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("id", "before", "after", "truth", "became"))
    for flip in () if classes is None else classes.flips:
        became = "right" if flip.became_right else "wrong" if flip.before == flip.truth else "other"
        rows.writerow((flip.galaxy, flip.before, flip.after, flip.truth, became))
    write_atomically(path, text.getvalue())

"""Figures of merit of measured quantities in bins of a column, for ``tuningfork evaluate --by``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.console import Console
from core.errors import SettingsProblem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.evaluate.comparison_columns import MeasuredColumns
    from core.evaluate.evaluation import Evaluation

_ENVIRONMENT = "environment"


def require_bins(options: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is computed.

    Raises
    ------
    SettingsProblem
        There are no bins to split, a number is missing, or JSON is asked for.
    """
    if options.by is None:
        if options.split_by is not None or options.fits is not None:
            raise SettingsProblem("--split-by and --fits are for bins.", "Add --by COLUMN, such as --by magnitude.")
        return
    if options.bins < 1:
        raise SettingsProblem(f"{options.bins} bins are none.", "Give --bins 1 or more.", "--bins")
    if options.json:
        raise SettingsProblem("--by prints tables, not JSON.", "Leave out one of --by and --json.", "--by")


def print_in_bins(result: Evaluation, data: Path, options: argparse.Namespace, console: Console) -> None:
    """Print a table for each quantity: in bins of a column, by classes, and with the classical fit beside.

    Raises
    ------
    SettingsProblem
        No quantities were predicted, or there is no such column.
    """
    from core.data.cutouts import Cutouts
    from core.evaluate import comparison
    from core.evaluate.comparison_columns import find_columns

    with Cutouts.open(data) as cutouts:
        fits = None
        if options.fits is not None:
            fits = console.drive("Reading the fits", lambda stop: comparison.read_fits(options.fits, cutouts.ids, stop))
        found = find_columns(result, cutouts.columns, cutouts.units, fits)
    if not found.quantities:
        raise SettingsProblem("Bins are for quantities; this network tells classes apart.", "Leave out --by.", "--by")
    against = found.choose_number(options.by)
    split = _choose_split(options.split_by, found, result, data, console)
    for quantity in found.quantities:
        shown = console.drive(
            "Binning",
            lambda stop, one=quantity: comparison.compare(one, against, split, stop, bins=options.bins),
        )
        console.say()
        console.say(f"{quantity.title}: {shown.note}")
        console.table(*comparison.rows_of(shown))


def _choose_split(
    name: str | None, found: MeasuredColumns, result: Evaluation, data: Path, console: Console
) -> tuple[str, NDArray[Any]] | None:
    if name is None:
        return None
    if name != _ENVIRONMENT or name in found.classes:
        return found.choose_classes(name)
    from core.evaluate import environment

    surroundings = console.drive("Looking for neighbours", lambda stop: environment.run(data, result.rows, stop=stop))
    console.say()
    console.say(surroundings.rule)
    return name, surroundings.classes

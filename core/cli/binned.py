"""Figures of merit in bins of a column, for ``tuningfork evaluate --by``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.console import Console
from core.data.target import Classes
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
        There are no bins to split, or a number is missing.
    """
    if options.by is None:
        if any(each is not None for each in (options.split_by, options.fits, options.metric)):
            raise SettingsProblem(
                "--split-by, --fits and --metric are for bins.", "Add --by COLUMN, such as --by magnitude."
            )
        return
    if options.bins < 1:
        raise SettingsProblem(f"{options.bins} bins are none.", "Give --bins 1 or more.", "--bins")


def judge_in_bins(
    result: Evaluation, data: Path, options: argparse.Namespace, console: Console
) -> list[dict[str, Any]]:
    """Print a table for each quantity, or for each figure of merit of classes: in bins of a column, by classes.

    Returns the same as plain values for JSON, where nothing is printed.

    Raises
    ------
    SettingsProblem
        There is no such column or figure of merit, or nothing to put in bins.
    """
    from core.data.cutouts import Cutouts
    from core.evaluate import comparison
    from core.evaluate.comparison_columns import find_columns

    with Cutouts.open(data) as cutouts:
        fits = None
        if options.fits is not None:
            fits = console.drive("Reading the fits", lambda stop: comparison.read_fits(options.fits, cutouts.ids, stop))
        found = find_columns(result, cutouts.columns, cutouts.units, fits)
    is_classes = isinstance(result.target, Classes)
    if not found.quantities and not is_classes:
        raise SettingsProblem("Bins are for quantities and classes, and these are vote fractions.", "Leave out --by.")
    if is_classes and options.fits is not None:
        raise SettingsProblem("Fitted profiles are compared with quantities, and these are classes.", "", "--fits")
    against = found.choose_number(options.by)
    split = _choose_split(options.split_by, found, result, data, console)
    if is_classes:
        return _judge_classes(result, against, split, options, console)
    values: list[dict[str, Any]] = []
    for quantity in found.quantities:
        shown = console.drive(
            "Binning",
            lambda stop, one=quantity: comparison.compare(one, against, split, stop, bins=options.bins),
        )
        values.append(comparison.to_json(shown))
        _say_bins(f"{quantity.title}: {shown.note}", comparison.rows_of(shown), options, console)
    return values


def _judge_classes(
    result: Evaluation,
    against: tuple[str, NDArray[Any]],
    split: tuple[str, NDArray[Any]] | None,
    options: argparse.Namespace,
    console: Console,
) -> list[dict[str, Any]]:
    from core.evaluate import class_charts

    values: list[dict[str, Any]] = []
    for metric in options.metric or ("accuracy", "macro_f1"):
        chart = class_charts.draw_bins(result, metric, against, split, bins=options.bins)
        values.append({"metric": metric} | class_charts.bins_to_json(chart))
        _say_bins(f"{chart.y_title}: {chart.note}", class_charts.bins_table(chart), options, console)
    return values


def _say_bins(
    note: str, table: tuple[tuple[str, ...], list[tuple[str, ...]]], options: argparse.Namespace, console: Console
) -> None:
    if not options.json:
        console.say()
        console.say(note)
        console.table(*table)


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

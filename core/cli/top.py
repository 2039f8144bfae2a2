"""The nine galaxies that excite each filter of a layer most: a figure as in Zeiler & Fergus, and a table."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.console import Console
from core.cli.sources import choose_bands, dataset_of
from core.errors import SettingsProblem
from core.project.files import require_replaceable, write_atomically
from core.project.runs import describe_weights

if TYPE_CHECKING:
    from core.explain.top_activations import TopActivations

_HEAD = ("filter", "rank", "id", "class", "response", "x", "y")
_LISTED = 10  # filters named in the message; the rest are counted


def top(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork top``."""
    chosen = None if options.filters is None else _parse_filters(options.filters)
    with dataset_of(options, console) as data:
        return _search_and_draw(options, data, chosen, console)


def _search_and_draw(options: argparse.Namespace, data: Path, chosen: list[int] | None, console: Console) -> int:
    from core.explain import mosaics, top_activations
    from core.explain.activations import short_name

    run = options.run
    choose_bands(options, data, console)
    found = console.drive("Searching", lambda stop: top_activations.find(run, data, options.layer, stop))
    stem = options.output / f"strongest-{short_name(found.layer.name)}"
    table, picture = stem.with_suffix(".csv"), stem.with_suffix(f".{options.format}")
    for path in (table, picture):
        require_replaceable(path)
    filters = found.most_class_selective(options.number) if chosen is None else [number - 1 for number in chosen]
    drawn = console.drive(
        "Drawing", lambda stop: mosaics.make_mosaics(run, data, found, filters, stop, smoothing=options.smooth)
    )
    _write_table(found, table)
    mosaics.save_figure(mosaics.draw_figure(found, drawn), picture)
    console.note(f"weights: {describe_weights(options.run)}")
    console.say(f"{found.galaxies:,} galaxies, {len(found.filters)} filters: {table}")
    console.say(f"{len(drawn)} of them: {picture}")
    if found.silent:
        console.say(_describe_silent(found))
    return console.status


def _parse_filters(text: str) -> list[int]:
    """Parse numbers of filters, counted from 1, separated by commas."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise SettingsProblem(f"“{text}” is not a list of filters.", "Write numbers from 1, as in 1,5,12.", "--filters")
    return [int(part) for part in parts]


def _describe_silent(found: TopActivations) -> str:
    named = ", ".join(str(number + 1) for number in found.silent[:_LISTED])
    more = f" and {len(found.silent) - _LISTED} more" if len(found.silent) > _LISTED else ""
    return f"never respond: {named}{more}"


def _write_table(found: TopActivations, path: Path) -> None:
    """Write a line for each filter and galaxy; x and y are in pixels from the centre of the stamp's first pixel."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_HEAD)
    for number, places in enumerate(found.filters, 1):
        for rank, place in enumerate(places, 1):
            cells = (f"{value:.6g}" for value in (place.response, place.x, place.y))
            rows.writerow((number, rank, place.galaxy_id, place.class_name, *cells))
    write_atomically(path, text.getvalue())

"""Whether a network's decisions rest on the galaxies: a table of many galaxies, and a summary by class."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from core.cli.console import Console
from core.cli.setting_options import resolve_settings
from core.cli.sources import choose_bands, dataset_of, hand_labels_of
from core.explain.faithfulness.settings import FaithfulnessSettings
from core.project.runs import describe_weights
from core.wording import percent

if TYPE_CHECKING:
    from core.explain.faithfulness.table import ClassFaithfulness, FaithfulnessTable

_HEAD = (
    *("class", "galaxies", "on galaxy", "neighbour", "sky", "nothing"),
    *("evidence", "area", "deletion", "random", "insertion", "random"),
)


def believe(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork believe``."""
    settings = resolve_settings(FaithfulnessSettings, options, method=options.method)
    from core.explain.faithfulness import table

    run, part = options.run, options.split
    with dataset_of(options, console) as data:
        choose_bands(options, data, console)
        hand_labels = hand_labels_of(data, console)
        assessed = console.drive(
            "Believing", lambda stop: table.assess_many(run, data, part, settings, stop, hand_labels=hand_labels)
        )
    assessed.save(options.output)
    _show(assessed, settings.method, console)
    console.note(f"weights: {describe_weights(options.run)}")
    console.say()
    console.say(f"{len(assessed.lines):,} galaxies: {options.output}")
    return console.status


def _show(found: FaithfulnessTable, method: str, console: Console) -> None:
    part = "all galaxies" if found.part == "all" else f"{found.part} part"
    console.say(f"{part}, {len(found.lines):,} galaxies, {method}: on what the decisions rest; medians of the")
    console.say(
        "evidence on the galaxy, the area that it covers, and the areas under the curves of deletion and insertion"
    )
    console.say()
    console.table(_HEAD, [_cells(each) for each in (*found.classes, found.whole)] if found.lines else [])
    console.say()
    for sentence in found.sentences():
        console.say(sentence)


def _cells(each: ClassFaithfulness) -> tuple[str, ...]:
    fractions = (_percent(count / each.galaxies) for count in each.counts.values())
    evidence = (_percent(each.galaxy), _percent(each.area_galaxy))
    areas = (each.deletion, each.deletion_random, each.insertion, each.insertion_random)
    return (
        each.name,
        f"{each.galaxies:,}",
        *fractions,
        *evidence,
        *("–" if math.isnan(area) else f"{area:.2f}" for area in areas),
    )


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else percent(share)

"""The command that says which galaxies should be labelled next."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.console import Console
from core.cli.setting_options import resolve_settings
from core.cli.shared_options import (
    add_band_option,
    add_force_option,
    add_settings_options,
    add_split_option,
)
from core.cli.sources import choose_bands, hand_labels_of
from core.errors import Problem
from core.project import outputs
from core.project.runs import RunFolder

if TYPE_CHECKING:
    from core.data.settings import DataSettings

_SHOWN = 10  # proposals on the terminal beside the table


def add_suggest_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork suggest``."""
    add = command.add_argument
    networks = "folders of runs, or weights files; several answer together. Random choice needs none"
    add("run", nargs="*", type=Path, metavar="RUN", help=networks)
    add("data", type=Path, metavar="DATA.h5", help="the dataset, of which some galaxies or none are labelled")
    add("-n", "--count", type=int, metavar="N", help="how many galaxies; else 50")
    add("--method", metavar="NAME", help="auto, typical, uncertain, diverse, core-set or random; else auto")
    add("--part", metavar="PART", help="which part labels are wanted for: training, or validation (at random)")
    add("-o", "--output", type=Path, metavar="TABLE", help="ends in .csv, .fits, .xml or .parquet; else only printed")
    add("--label", metavar="COLUMN", action="append", help="what to learn; else what the dataset declares")
    add_split_option(command)
    add("--seed", type=int, metavar="N", help="origin of all randomness")
    add_band_option(command)
    add_settings_options(command, "switch_at=10")
    add_force_option(command, output=outputs.TABLE)


def suggest(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork suggest``."""
    from core.adapt.suggest import suggestions
    from core.adapt.suggest.settings import SuggestSettings
    from core.evaluate import tables

    if options.output is not None:
        tables.require_known_ending(options.output)
    settings = resolve_settings(
        SuggestSettings, options, count=options.count, method=options.method, part=options.part, seed=options.seed
    )
    networks: list[Path] = list(options.run)
    for network in networks:
        options.run = network
        choose_bands(options, options.data, console)
    parts, seed = _parts_of(options, networks)
    hand_labels = hand_labels_of(options.data, console)
    found = console.drive(
        "Looking",
        lambda stop: suggestions.run(
            networks, options.data, settings, stop, parts=parts, parts_seed=seed, hand_labels=hand_labels
        ),
    )
    console.say(found.rule)
    console.say()
    shown = len(found) if options.output is None else min(_SHOWN, len(found))
    console.table(
        ("", "id", "why"),
        [(str(number + 1), found.ids[number], found.reasons[number]) for number in range(shown)],
    )
    if options.output is not None:
        suggestions.write(found, options.output)
        console.say(f"{len(found):,} galaxies: {options.output}")
    return 0


def _parts_of(options: argparse.Namespace, networks: list[Path]) -> tuple[DataSettings, int]:
    """What is learned and how the parts are drawn: as of the run, if this is its dataset, or else by default."""
    from core.data.cutouts import Cutouts
    from core.data.settings import DataSettings
    from core.nets.predictor import Predictor
    from core.train import resuming

    data, seed = DataSettings(), 0
    for network in networks:
        with Cutouts.open(options.data) as cutouts:
            is_own = cutouts.is_known_as(Predictor.load(network).card.get("checksum"))
        folder = RunFolder(network if network.is_dir() else network.parent)
        if is_own and folder.settings_file.exists():
            try:
                settings = resuming.read_settings(folder)
            except Problem:
                continue
            data, seed = settings.data, settings.seed
            break
    changes: dict[str, object] = {}
    if options.label:
        changes["labels"] = tuple(options.label)
    if options.split_column is not None:
        changes["split_column"] = options.split_column
    return data.model_copy(update=changes), seed

"""The settings of a training on the command line: the options that are the same wherever it is done."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.shared_options import (
    add_band_option,
    add_class_option,
    add_settings_options,
    add_split_option,
)
from core.errors import SettingsProblem
from core.nets import base_networks

if TYPE_CHECKING:
    from core.train.settings import RunSettings


def add_training_options(command: argparse.ArgumentParser, example: str) -> None:
    """Add the options for what is learned, from which network, and with which settings."""
    add = command.add_argument
    add("--label", metavar="COLUMN", action="append", help="what to learn; else what the dataset declares")
    add("--seed", type=int, metavar="N", help="origin of all randomness")
    add_split_option(command)
    add("--start-from", type=Path, metavar="RUN", help=base_networks.offer("an earlier run, a weights file"))
    add("--freeze-blocks", type=int, metavar="K", help="keep the first K blocks as they are")
    add_band_option(command)
    add_class_option(command)
    add_settings_options(command, example)


def resolve_training_settings(options: argparse.Namespace) -> RunSettings:
    """The settings that these options say.

    Raises
    ------
    SettingsProblem
        There is no such setting, or blocks are to be frozen in a network that is not named.
    """
    from core.cli.setting_options import resolve_settings
    from core.cli.sources import parse_class_map, starting_point
    from core.train.settings import RunSettings

    if options.freeze_blocks and not options.start_from:
        raise SettingsProblem("Blocks can be frozen only in an earlier network.", "Add --start-from RUN.")
    return resolve_settings(
        RunSettings,
        options,
        data__labels=tuple(options.label) if options.label else None,
        data__split_column=options.split_column,
        seed=options.seed,
        transfer__start_from=starting_point(options.start_from),
        transfer__freeze_blocks=options.freeze_blocks,
        transfer__bands=options.band_map,
        transfer__class_map=parse_class_map(options) if options.class_map else None,
    )

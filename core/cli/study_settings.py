"""The settings of a study's runs, from the options of its command."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.setting_options import resolve_settings
from core.cli.sources import parse_class_map, starting_point
from core.train.settings import RunSettings


def resolve_run_settings(options: argparse.Namespace) -> RunSettings:
    """The runs' settings: those of the study that is resumed, or of the file, with the changes.

    Options that a study does not have change nothing.
    """
    earlier: Path = options.output / "settings.toml"
    if options.settings is None and earlier.exists():
        options.settings = earlier
    return resolve_settings(
        RunSettings,
        options,
        data__labels=tuple(options.label) if options.label else None,
        data__split_column=options.split_column,
        transfer__start_from=starting_point(getattr(options, "start_from", None)),
        transfer__bands=getattr(options, "band_map", None),
        transfer__class_map=parse_class_map(options) if getattr(options, "class_map", None) else None,
    )

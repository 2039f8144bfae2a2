"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from core.printable import on_one_line


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, whatever was typed or a shell has put in place of a pattern."""

    def error(self, message: str) -> NoReturn:
        """Complain in one line, and exit."""
        super().error(on_one_line(message))


def common_options(default: object) -> Parser:
    """Options that may stand before or after the command; the default after it must not override one given before."""
    shared = Parser(add_help=False)
    add = shared.add_argument
    add("--debug", action="store_true", default=default, help="after a problem, show where in the program it arose")
    add("--quiet", "-q", action="store_true", default=default, help="no progress on the terminal; warnings stay")
    return shared


def add_force_option(command: argparse.ArgumentParser, **kinds: str) -> None:
    """Add the option that lets an output replace a file of another kind; ``kinds`` says what each output will be."""
    command.add_argument(
        "--force", action="store_true", help="replace a file of another kind or program; never one it reads"
    )
    command.set_defaults(writes=kinds)


def add_split_option(command: argparse.ArgumentParser) -> None:
    """Add the option for parts that the galaxies came with."""
    text = "column with train, validation, test; none: draw them by name"
    command.add_argument("--split-column", metavar="COLUMN", help=text)


def add_decision_option(command: argparse.ArgumentParser) -> None:
    """Add the option for how classes follow from probabilities."""
    command.add_argument(
        "--decision",
        metavar="RULE",
        help="how classes follow from probabilities: most-probable, balanced[:POWER], thresholds[:AIM], "
        "thresholds:CLASS=T,…, frequencies:CLASS=F,… or frequencies:estimated; else the one kept with the run",
    )


def add_band_option(command: argparse.ArgumentParser) -> None:
    """Add the option for which bands feed an earlier network's."""
    command.add_argument(
        "--band-map",
        metavar="i,r,g",
        help="which bands of the data feed the earlier network's, in its order; r,r,r repeats one, mean(g,r) averages",
    )


def add_class_option(command: argparse.ArgumentParser) -> None:
    """Add the option for which classes are an earlier network's."""
    command.add_argument(
        "--class-map",
        action="append",
        metavar="NEW=OLD",
        help="which class of the earlier network a class of the data is; else by similar names. Repeatable",
    )


def add_reading_options(command: argparse.ArgumentParser) -> None:
    """Add options for raw files, whose stamps are made as in training; a dataset needs none."""
    add = command.add_argument
    add("--hdu", metavar="NAME", help="of raw files: another FITS extension than in training; “A,B,C” are bands")
    add("--bands", metavar="PATTERN", help="of raw files: other plane names, or another pattern “*_{band}.fits”")
    add(
        "--stamps",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of raw files: another import setting than in training, as in field=100",
    )
    add("--catalogue", type=Path, metavar="FILE", help="of raw files: a table with columns that the network needs")


def add_settings_options(command: argparse.ArgumentParser, example: str) -> None:
    """Add the options for settings, from a file and one by one."""
    command.add_argument("--settings", type=Path, metavar="FILE.toml", help="settings, as “tuningfork settings” prints")
    command.add_argument(
        "--set", dest="changes", action="append", default=[], metavar="NAME=VALUE", help=f"one setting, as in {example}"
    )

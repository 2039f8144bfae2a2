"""The commands and their options. Nothing slow is imported before a command is chosen and its options are parsed."""

from __future__ import annotations

import argparse
import contextlib
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from core.cli import command_options, distributed, overwriting
from core.cli.adapt import ADAPT, add_adapt_options
from core.cli.console import Console, run_guarded
from core.cli.ensemble import ENSEMBLE, add_ensemble_options
from core.cli.fit import FIT, add_fit_options
from core.cli.match import MATCH, RESAMPLE, add_match_options, add_resample_options
from core.cli.moved import MOVED, add_moved_options
from core.cli.packages import JOB, PACK, UNPACK, add_job_options, add_pack_options, add_unpack_options
from core.cli.pretrain import PRETRAIN, add_pretrain_options
from core.cli.publish import EXPORT, REPORT, add_export_options, add_report_options
from core.cli.refine import REFINE, add_refine_options
from core.cli.shared_options import Parser, common_options
from core.cli.similar import (
    DUPLICATES,
    SIMILAR,
    UNUSUAL,
    add_duplicates_options,
    add_similar_options,
    add_unusual_options,
)
from core.cli.study_options import STUDY, add_study_options
from core.cli.suggest import SUGGEST, add_suggest_options
from core.data import trial
from core.version import PROGRAM

_ABOUT = "Train, fine-tune and interrogate convolutional networks on galaxy cutouts."
_WINDOW = "Without a command the window opens; “tuningfork --demo” opens it on the demonstration survey."
_Command: TypeAlias = "tuple[tuple[str, str, str], Callable[[argparse.ArgumentParser], None]]"
_COMMANDS: tuple[_Command, ...] = (
    (command_options.IMPORT, command_options.add_import_options),
    (command_options.TRAIN, command_options.add_train_options),
    (PRETRAIN, add_pretrain_options),
    (command_options.RESUME, command_options.add_resume_options),
    (ENSEMBLE, add_ensemble_options),
    (command_options.RUNS, command_options.add_runs_options),
    (command_options.RATE, command_options.add_rate_options),
    (command_options.BATCH, command_options.add_batch_options),
    (command_options.EVALUATE, command_options.add_evaluate_options),
    (MATCH, add_match_options),
    (RESAMPLE, add_resample_options),
    (command_options.PREDICT, command_options.add_predict_options),
    (command_options.MEASURE, command_options.add_measure_options),
    (FIT, add_fit_options),
    (command_options.EXPLAIN, command_options.add_explain_options),
    (command_options.TOP, command_options.add_top_options),
    (command_options.BELIEVE, command_options.add_believe_options),
    (MOVED, add_moved_options),
    (SIMILAR, add_similar_options),
    (UNUSUAL, add_unusual_options),
    (DUPLICATES, add_duplicates_options),
    (SUGGEST, add_suggest_options),
    (ADAPT, add_adapt_options),
    (command_options.SEARCH, command_options.add_search_options),
    (STUDY, add_study_options),
    (command_options.SIMULATE, command_options.add_simulate_options),
    (REFINE, add_refine_options),
    (EXPORT, add_export_options),
    (REPORT, add_report_options),
    (PACK, add_pack_options),
    (UNPACK, add_unpack_options),
    (JOB, add_job_options),
    (command_options.DEMO, command_options.add_demo_options),
    (command_options.SETTINGS, command_options.add_settings_command_options),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 a problem, 2 wrong usage, 130 stopped by the user."""
    options = parser().parse_args(arguments)
    console = Console(quiet=options.quiet or distributed.NUMBER > 0, for_script=getattr(options, "json", False))
    chapter, _, name = options.command.partition(":")

    def command() -> int:
        with overwriting.refused(options), distributed.mute_other_processes():
            _begin_trying_files(options)
            run = getattr(importlib.import_module(f"core.cli.{chapter}"), name)
            return run(options, console)

    return run_guarded(command, debug=options.debug)


def _begin_trying_files(options: argparse.Namespace) -> None:
    """Start the process that tries HDF5 files, if there are any, while the libraries of the command are imported."""
    given = [value for option in vars(options).values() for value in (option if isinstance(option, list) else [option])]
    paths = [value for value in given if isinstance(value, Path) and value.suffix.lower() in {".h5", ".hdf5", ".hdf"}]
    with contextlib.suppress(OSError):  # then files are opened untried
        if any(path.is_file() for path in paths):
            trial.start()


def parser() -> argparse.ArgumentParser:
    """The commands with their options and help."""
    top = Parser(prog="tuningfork", description=_ABOUT, epilog=_WINDOW, parents=[common_options(default=False)])
    top.add_argument("--version", action="version", version=PROGRAM)
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, place: str, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=about[0].lower() + about[1:].rstrip("."),
            description=about,
            parents=[common_options(default=argparse.SUPPRESS)],
        )
        added.set_defaults(command=place)
        return added

    for about, add_options in _COMMANDS:
        add_options(command(*about))
    return top

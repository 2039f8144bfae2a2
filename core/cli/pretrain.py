"""The command that trains first weights on galaxies without labels."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.cli.console import Console
from core.cli.setting_options import resolve_settings
from core.cli.shared_options import add_settings_options, add_split_option
from core.cli.sources import hand_labels_of, starting_point
from core.nets import base_networks
from core.project import outputs
from core.project.metrics_file import read_metrics
from core.project.project import require_not_open
from core.project.unbegun import new_run
from core.train.self_supervised import recipe
from core.train.settings import RunSettings

PRETRAIN = (
    "pretrain",
    "pretrain:pretrain",
    "Learn first weights from galaxies without labels, to be fine-tuned later.",
)


def add_pretrain_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork pretrain``."""
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset; labels that it has are used for a check only")
    add("more_data", type=Path, nargs="*", metavar="MORE.h5", help="further datasets with stamps of the same size")
    add("-o", "--output", required=True, type=Path, metavar="RUN", help="folder for the run; new or empty")
    add("--label", metavar="COLUMN", action="append", help="the classes of the check; else what the dataset declares")
    add("--epochs", type=int, metavar="N", help="number of epochs")
    add("--grey", action="store_true", help="learn from the mean of the bands, whatever they are")
    add("--seed", type=int, metavar="N", help="origin of all randomness")
    add_split_option(command)
    add(
        "--start-from",
        type=Path,
        metavar="RUN",
        help=base_networks.offer("instead of random weights: an earlier run, a weights file"),
    )
    add("--json", action="store_true", help="print the result as JSON")
    add_settings_options(command, "self_supervised.temperature=0.1")
    command.set_defaults(writes={"output": outputs.FOLDER})


def pretrain(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork pretrain``."""
    require_not_open(options.output)
    from core.train import loop, verdict
    from core.train.self_supervised import report

    settings = resolve_settings(
        RunSettings,
        options,
        recipe.recommended(),
        data__labels=tuple(options.label) if options.label else None,
        data__split_column=options.split_column,
        optimiser__epochs=options.epochs,
        self_supervised__method="simclr",
        self_supervised__more_data=tuple(str(path.resolve()) for path in options.more_data) or None,
        self_supervised__average_bands=options.grey or None,
        transfer__start_from=starting_point(options.start_from),
        seed=options.seed,
    )
    hand_labels = hand_labels_of(options.data, console)
    with new_run(options.output) as folder:
        result = console.drive(
            "Learning", lambda stop: loop.run(settings, options.data, folder, stop, hand_labels=hand_labels)
        )
    metrics = read_metrics(folder.metrics_file)
    if options.json:
        console.say_json(metrics)
        return 0
    why = {"finished": "all epochs done", "early": "no more improvement", "stopped": "stopped by you"}[result.reason]
    console.say(f"{result.epochs} epochs ({why}); the weights of epoch {result.best_epoch} were kept.")
    for line in report.describe(metrics):
        console.say(line)
    console.say(f"verdict: {verdict.describe(metrics)}")
    if result.reason == "stopped":
        console.say(f"To go on: tuningfork resume {result.folder}")
    console.say(
        f"Run: {result.folder}; fine-tune it with “tuningfork train DATA.h5 -o TUNED --start-from {result.folder}”"
    )
    return 0

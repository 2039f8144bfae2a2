"""The command that makes an ensemble of runs, and the training of several networks at once."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

from core.cli.console import Console
from core.cli.sources import hand_labels_of
from core.errors import FolderInUse, SettingsProblem, Stopped
from core.project import outputs
from core.project.metrics_file import read_metrics
from core.project.project import require_not_open
from core.project.runs import RunFolder
from core.train.settings import RunSettings

ENSEMBLE = ("ensemble", "ensemble:ensemble", "Make several runs answer together, as one network.")
_MEMBER = "seed "  # in front of the seed, the name of a network's folder


def add_ensemble_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork ensemble``."""
    add = command.add_argument
    add("run", type=Path, nargs="+", metavar="RUN", help="folders of two or more runs, which stay where they are")
    add("-o", "--output", required=True, type=Path, metavar="ENSEMBLE", help="new folder, named like a run")
    add("--json", action="store_true", help="print the numbers of the validation part as JSON")
    command.set_defaults(writes={"output": outputs.FOLDER})


def ensemble(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork ensemble``."""
    from core.evaluate import ensemble_making
    from core.studies import ensemble_training

    require_not_open(options.output)
    members = [RunFolder(path) for path in options.run]
    folder = RunFolder.create(options.output)
    try:
        made = console.drive("Making", lambda stop: ensemble_making.make(members, folder, stop))
    except BaseException:
        with contextlib.suppress(OSError):  # if nothing was written, leave no empty folder
            folder.path.rmdir()
        raise
    _print(made, ensemble_training.describe(made, members), options, console)
    return 0


def train_several(settings: RunSettings, data: Path, options: argparse.Namespace, console: Console) -> int:
    """Train networks with several seeds in folders of their own in that of the ensemble, or go on with them."""
    from core.studies import ensemble_training

    if options.seeds < 2:
        raise SettingsProblem(f"{options.seeds} networks cannot be trained.", "Name a number from 1 on.", "--seeds")
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise SettingsProblem(
            "Several networks are not trained by several processes at once.",
            "Leave out torchrun, or train each seed by itself and join them with “tuningfork ensemble”.",
            "--seeds",
        )
    require_not_open(options.output)
    folder = RunFolder(options.output) if _is_begun(options.output) else RunFolder.create(options.output)
    members = [RunFolder(folder.path / f"{_MEMBER}{settings.seed + number}") for number in range(options.seeds)]
    hand_labels = hand_labels_of(data, console)
    try:
        trained = console.drive(
            "Training",
            lambda stop: ensemble_training.run(settings, data, members, folder, stop, hand_labels=hand_labels),
        )
    except Stopped:
        console.note("stopped; the networks so far are kept, and the same command goes on.")
        return 130
    _print(folder, trained.sentence, options, console)
    return 0


def _is_begun(folder: Path) -> bool:
    """Whether a folder holds networks of an ensemble that is not whole yet, and nothing else."""
    if RunFolder(folder).is_ensemble:
        raise FolderInUse("This folder holds an ensemble already.", "Choose another name.", str(folder))
    inside = [path for path in folder.glob("*") if not path.name.startswith(".")]
    return bool(inside) and all(path.is_dir() and path.name.startswith(_MEMBER) for path in inside)


def _print(folder: RunFolder, sentence: str, options: argparse.Namespace, console: Console) -> None:
    if options.json:
        console.say_json(read_metrics(folder.metrics_file))
        return
    console.say(sentence)
    console.say(f"Ensemble: {folder.path}")

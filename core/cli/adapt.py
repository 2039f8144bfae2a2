"""The command that adapts a network to another survey by its galaxies, without their labels."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.cli.console import Console
from core.cli.shared_options import add_band_option, add_settings_options
from core.errors import NotPossible, SettingsProblem
from core.project import outputs
from core.wording import count_of

ADAPT = ("adapt", "adapt:adapt", "Adapt a run's network to another survey by its galaxies, without their labels.")
_TRAINED = ("coral", "mmd", "dann", "mcc")
_WEIGHTS = ".safetensors"


class _Place(argparse.Action):
    """A weights file or the folder of a new run, by the ending."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        assert isinstance(values, Path)
        namespace.output = values
        namespace.writes = {"output": outputs.WEIGHTS if values.suffix == _WEIGHTS else outputs.FOLDER}


def add_adapt_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork adapt``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run; for adabn also a weights file")
    add("data", type=Path, metavar="TARGET.h5", help="dataset of the other survey; its labels are not learned")
    methods = "adabn: batch statistics anew, without training; the others train further on the run's own galaxies"
    add("--method", choices=("adabn", *_TRAINED), required=True, help=methods)
    add(
        "-o",
        "--output",
        required=True,
        type=Path,
        action=_Place,
        metavar="NEW",
        help="for adabn a weights file, NEW.safetensors; for the others the folder of a new run",
    )
    add("--source", type=Path, metavar="SOURCE.h5", help="the labelled dataset of the run, if it was moved")
    add("--refit-scaling", action="store_true", help="of adabn: fit the input scaling on the other survey, too")
    add(
        "--classes",
        default="",
        metavar="THERE=OWN,…",
        help="which class of the run each class of the other survey is, to judge by; else by similar names",
    )
    add_band_option(command)
    add("--json", action="store_true", help="print the result as JSON")
    add_settings_options(command, "unlabelled.weight=0.3")
    command.set_defaults(writes={"output": outputs.FOLDER})


def adapt(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork adapt``."""
    if (options.output.suffix == _WEIGHTS) != (options.method == "adabn"):
        remedy = f"Let it end in {_WEIGHTS}." if options.method == "adabn" else "Name a new folder."
        raise NotPossible(f"What “{options.method}” writes has another name.", remedy, f"-o {options.output}")
    return (_adapt_statistics if options.method == "adabn" else _train)(options, console)


def _adapt_statistics(options: argparse.Namespace, console: Console) -> int:
    from dataclasses import asdict

    from core.adapt import batch_statistics
    from core.cli.sources import choose_bands

    if options.changes or options.settings or options.source:
        raise SettingsProblem("AdaBN trains nothing, and takes no settings and no source.", "Leave them out.")
    choose_bands(options, options.data, console)
    found = console.drive(
        "Adapting",
        lambda stop: batch_statistics.run(
            options.run,
            options.data,
            options.output,
            stop,
            refits_scaling=options.refit_scaling,
            classes=options.classes,
        ),
    )
    if options.json:
        judged = None if found.judged is None else asdict(found.judged)
        console.say_json(found.predictor.card["adapted"] | {"judged": judged, "weights": str(found.path)})
        return 0
    looked_at = count_of(len(found.rows), "galaxy")
    console.say(
        f"The statistics of {count_of(found.layers, 'layer')} are now those of {looked_at} of {options.data.name}; no "
        f"label was used."
    )
    if found.judged is not None:
        console.say(found.judged.sentence)
    console.say(f"Weights: {found.path}")
    return 0


def _train(options: argparse.Namespace, console: Console) -> int:
    """Train with the settings of the run, which it starts from, beside the galaxies of the other survey."""
    from core.cli.commands import train_with
    from core.cli.setting_options import resolve_settings
    from core.project.runs import RunFolder
    from core.train import resuming
    from core.train.settings import RunSettings, TransferSettings

    if options.refit_scaling:
        raise SettingsProblem(f"“{options.method}” keeps the input scaling of the run.", "Leave out --refit-scaling.")
    folder = RunFolder(options.run)
    earlier = resuming.read_settings(folder)
    source = options.source or folder.data
    if source is None:
        raise NotPossible("The dataset of this run is not where it was.", "Name it with --source.", str(options.run))
    start = TransferSettings(start_from=str(options.run.resolve()))
    stopping = earlier.stopping.model_copy(update={"keep": "last"})  # the best epoch would be that of the other survey
    settings = resolve_settings(
        RunSettings,
        options,
        earlier.model_copy(update={"transfer": start, "stopping": stopping}),
        unlabelled__method=options.method,
        unlabelled__dataset=str(options.data.expanduser().resolve()),
        unlabelled__bands=options.band_map or "",
        unlabelled__classes=options.classes,
    )
    return train_with(settings, source, options, console)

"""``tuningfork refine``: simulated stamps are made to look like those of a survey, and keep their labels."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from core.adapt.refiner.settings import RefinerSettings
from core.cli.console import Console, say_problem
from core.cli.setting_options import resolve_settings
from core.cli.shared_options import add_force_option, add_settings_options
from core.errors import SettingsProblem, Stopped
from core.project import outputs
from core.project.project import require_not_open
from core.wording import with_minus

if TYPE_CHECKING:
    from core.adapt.refiner.folder import RefinerResult
    from core.adapt.refiner.guard import DriftLine

REFINE = ("refine", "refine:refine", "Make simulated stamps look like a survey, with their labels kept.")
_ENDING = ".refiner"


def add_refine_options(command: argparse.ArgumentParser) -> None:
    """Add the command's own options."""
    add = command.add_argument
    add("data", type=Path, metavar="SIM.h5", help="the simulated dataset")
    add(
        "real", type=Path, nargs="?", metavar="REAL.h5", help="galaxies of the survey; without: --refiner is used as is"
    )
    add("-o", "--output", required=True, type=Path, metavar="REFINED.h5", help="the dataset to write")
    add(
        "--refiner",
        type=Path,
        metavar="FOLDER",
        help="folder of the refiner: new, to go on with, or trained; else beside REFINED.h5, with .refiner",
    )
    add("--epochs", type=int, metavar="N", help="number of epochs; else 30")
    add("--seed", type=int, metavar="N", help="origin of all randomness")
    add("--json", action="store_true", help="print the result as JSON")
    add_settings_options(command, "regularisation=0.2")
    add_force_option(command, output=outputs.DATASET)


def refine(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork refine``: train the refiner, or go on with it, and refine the dataset."""
    from core.adapt.refiner import applying, training
    from core.adapt.refiner.folder import RefinerFolder

    require_not_open(options.output)
    folder: Path = options.refiner or options.output.with_name(options.output.stem + _ENDING)
    if options.real is None and options.refiner is None:
        raise SettingsProblem(
            "There is nothing to refine by.", "Name the real galaxies, or a trained refiner with --refiner.", "REAL.h5"
        )
    result, real = None, options.real
    if real is not None:
        settings = resolve_settings(RefinerSettings, options, epochs=options.epochs, seed=options.seed)
        try:
            result = console.drive("Training", lambda stop: training.run(settings, options.data, real, folder, stop))
        except Stopped:
            say_problem("stopped before the first epoch was done; nothing was written.")
            return 130
        if result.reason == "stopped":
            say_problem(f"stopped; {result.epochs} epochs are kept in {folder}: the same command goes on.")
            return 130
    elif RefinerFolder(folder).result_file.exists():
        result = RefinerFolder(folder).read_result()
    made = console.drive("Refining", lambda stop: applying.refine(folder, options.data, options.output, stop))
    if options.json:
        refined = asdict(made) | {"path": str(made.path), "drift": _for_json(made.drift)}
        tests = None if result is None else asdict(result) | {"drift": _for_json(result.drift)}
        console.say_json({"refined": refined, "test": tests, "refiner": str(folder)})
        return console.status
    if result is not None:
        _print_result(result, console)
    console.say(made.sentence)
    _print_drift(made.drift, console)
    console.say(f"Dataset: {made.path}; refiner: {folder}")
    return console.status


def _print_result(result: RefinerResult, console: Console) -> None:
    """The two-sample tests on galaxies that nothing was chosen by."""
    console.say(
        f"Two-sample test on {result.after.galaxies} held-out simulated and as many real galaxies (chance 50 %), "
        f"weights of epoch {result.epoch}:"
    )
    for title, test in (
        ("simulated", result.before),
        ("refined", result.after),
        ("by flux, size and axis ratio alone, which may not change", result.population),
    ):
        console.say(f"  {title}: {100 * test.accuracy:.1f} ± {100 * test.error:.1f} %")
    console.say(result.verdict)


def _print_drift(lines: list[DriftLine], console: Console) -> None:
    rows: list[list[str]] = []
    for line in lines:
        numbers = [f"{value:.2g}{line.unit}" for value in (line.median, line.typical, line.worst, line.limit)]
        rows.append([line.title, str(line.galaxies), *map(with_minus, numbers)])
    console.table(["change of", "galaxies", "median", "68 % within", "worst", "limit"], rows)


def _for_json(lines: list[DriftLine]) -> list[dict[str, object]]:
    """The lines with null for what could not be measured."""
    return [{name: None if value != value else value for name, value in asdict(line).items()} for line in lines]

"""The commands that compare a network with another survey, and that resample a survey for it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.console import Console
from core.cli.shared_options import add_band_option, add_class_option, add_force_option, add_split_option
from core.cli.sources import choose_bands, hand_labels_of, parse_class_map
from core.data.settings import DataSettings
from core.errors import NotPossible, TooFewGalaxies
from core.project import outputs
from core.project.project import require_not_open
from core.project.runs import describe_weights

if TYPE_CHECKING:
    from core.adapt.domain_distance import DomainDistance
    from core.adapt.match import SurveyMatch
    from core.adapt.zero_shot import ZeroShot

MATCH = ("match", "match:match", "Check whether a network fits another survey, and what can be done about it.")
RESAMPLE = ("resample", "match:resample", "Make a dataset with galaxies enlarged or shrunk by a factor.")


def match(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork match``."""
    from core.adapt import match as matching
    from core.adapt import zero_shot

    choose_bands(options, options.data, console)
    run, data, classes = options.run, options.data, parse_class_map(options)
    known: dict[str, Any] = {
        "settings": DataSettings(labels=tuple(options.label or ()), split_column=options.split_column or ""),
        "seed": options.seed,
        "hand_labels": hand_labels_of(data, console),
    }
    found = console.drive("Comparing", lambda stop: matching.run(run, data, stop, class_map=classes, **known))
    distance = None if found.why_no_source else _measure_distance(options, known, console)
    judged = None
    if options.zero_shot:
        scaling = "refitted" if options.fit_scaling else "kept"
        judged = console.drive(
            "Judging", lambda stop: zero_shot.run(run, data, stop, class_map=classes, scaling=scaling, **known)
        )
    if options.json:
        about = {"run": str(run), "data": data.name} | found.to_json()
        about["domain_distance"] = None if distance is None or isinstance(distance, str) else distance.to_json()
        console.say_json(about | {"zero_shot": None if judged is None else judged.to_json()})
        return 0
    _print_match(found, console)
    if distance is not None:
        console.say(distance if isinstance(distance, str) else distance.sentence)
    if judged is not None:
        _print_zero_shot(judged, console)
    return 0


def _measure_distance(options: argparse.Namespace, known: dict[str, Any], console: Console) -> DomainDistance | str:
    """The domain distance, or why there is none."""
    from core.adapt import domain_distance

    try:
        return console.drive(
            "Telling apart", lambda stop: domain_distance.run(options.run, options.data, stop, **known)
        )
    except (NotPossible, TooFewGalaxies) as problem:
        return problem.text


def _print_match(found: SurveyMatch, console: Console) -> None:
    console.say(f"{describe_weights(found.network)} on {found.data.name}")
    console.say()
    for line in found.lines:
        console.say(f"{line.aspect}: {line.state}. {line.sentence}")
        if line.remedy:
            console.say(f"    → {line.remedy}")
    console.say()


def _print_zero_shot(judged: ZeroShot, console: Console) -> None:
    from core.cli.evaluate import print_report

    console.say()
    console.say(judged.sentence)
    if judged.report is not None:
        print_report(judged.report, judged.units, console)
    if len(judged.called):
        console.say()
        rows = [(name, *map(str, row)) for name, row in zip(judged.own_names, judged.called.tolist(), strict=True)]
        console.table(("class here \\ called", *judged.names), rows)


def resample(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork resample``."""
    require_not_open(options.output)
    from core.data import resampled

    hand_labels = hand_labels_of(options.data, console)
    made = console.drive(
        "Resampling",
        lambda stop: resampled.run(
            options.data, options.output, options.factor, options.size, stop, hand_labels=hand_labels
        ),
    )
    for note in made.notes:
        console.say(note)
    console.say(f"{made.galaxies:,} galaxies: {made.path}")
    return 0


def add_match_options(command: argparse.ArgumentParser) -> None:
    """Options of ``tuningfork match``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run, or a weights file")
    add("data", type=Path, metavar="TARGET.h5", help="dataset of the other survey")
    add("--zero-shot", action="store_true", help="also judge the unadapted network on its labelled galaxies")
    add("--fit-scaling", action="store_true", help="with --zero-shot: fit the input scaling to these galaxies first")
    add("--label", metavar="COLUMN", action="append", help="what is learned there; else what the dataset declares")
    add("--seed", type=int, default=1, metavar="N", help="with which its test part is drawn and left out; %(default)s")
    add_split_option(command)
    add_band_option(command)
    add_class_option(command)
    add("--json", action="store_true", help="print everything as JSON")


def add_resample_options(command: argparse.ArgumentParser) -> None:
    """Options of ``tuningfork resample``."""
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset; it is not changed")
    add("-o", "--output", required=True, type=Path, metavar="NEW.h5", help="the dataset to write")
    add("--factor", required=True, type=float, metavar="F", help="enlarge galaxies by this; below 1 shrink them")
    add("--size", type=int, metavar="N", help="side of the new stamps in pixels; else as they are")
    add_force_option(command, output=outputs.DATASET)

"""The commands that say which galaxies should be labelled next, and what it gains to follow them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import study_jobs
from core.cli.console import Console
from core.cli.setting_options import resolve_settings
from core.cli.shared_options import (
    add_band_option,
    add_class_option,
    add_force_option,
    add_settings_options,
    add_split_option,
)
from core.cli.sources import choose_bands, hand_labels_of
from core.cli.study_settings import resolve_run_settings
from core.errors import Problem, SettingsProblem
from core.nets import base_networks
from core.project import outputs
from core.project.project import require_not_open
from core.project.runs import RunFolder
from core.settings import toml
from core.wording import with_error

if TYPE_CHECKING:
    from core.data.settings import DataSettings
    from core.studies.suggestion_gain import SuggestionStudy

SUGGEST = ("suggest", "suggest:suggest", "Say which galaxies of a dataset should be labelled next, and why.")
_SHOWN = 10  # proposals on the terminal beside the table


def add_suggest_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork suggest``."""
    add = command.add_argument
    networks = base_networks.offer("folders of runs, weights files")
    networks += "; several answer together; without one typical ones are chosen"
    add("run", nargs="*", type=Path, metavar="RUN", help=networks)
    add("data", type=Path, metavar="DATA.h5", help="the dataset, of which some galaxies or none are labelled")
    add("-n", "--count", type=int, metavar="N", help="how many galaxies; else 50")
    add("--method", metavar="NAME", help="auto, typical, uncertain, diverse, core-set or random; else auto")
    add("--part", metavar="PART", help="which part labels are wanted for: training, or validation (at random)")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="TABLE",
        help="ends in .csv, .fits, .xml, .parquet or .h5; else only printed",
    )
    similar = "the network that says which galaxies are similar; else the first RUN"
    add("--similar-by", type=Path, metavar="RUN", help=similar)
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
            networks,
            options.data,
            settings,
            stop,
            similar_by=options.similar_by,
            parts=parts,
            parts_seed=seed,
            hand_labels=hand_labels,
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


def add_suggestion_study_options(command: argparse.ArgumentParser) -> None:
    """Add the options that only ``tuningfork study suggestions`` has."""
    add = command.add_argument
    add("--methods", metavar="auto,typical", help="ways to choose, beside the random order; else auto")
    add("--counts", metavar="20,50,100", help="numbers of labels; else 20 to 400")
    start = base_networks.offer("the network that chooses first, and from which trainings start: a run, a weights file")
    add("--start-from", type=Path, metavar="RUN", help=start)
    add_band_option(command)
    add_class_option(command)


def study_suggestions(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork study suggestions``."""
    counts = _parse_counts(options.counts) if options.counts else None
    require_not_open(options.output)
    from core.adapt.suggest.settings import SuggestionStudySettings
    from core.studies import suggestion_figure, suggestion_study

    given = {
        "methods": options.methods.split(",") if options.methods else None,
        "labels": counts,
        "seeds": options.seeds,
        "metric": options.metric,
        "least_steps": options.least_steps,
    }
    study = toml.validate(SuggestionStudySettings, {name: value for name, value in given.items() if value is not None})
    settings = resolve_run_settings(options)
    hand_labels = hand_labels_of(options.data, console)
    if study_jobs.is_wanted(options.output):
        return study_jobs.pack("suggestions", settings, study, options.data, options.output, console)
    found = console.drive(
        "Studying",
        lambda stop: suggestion_study.run(settings, options.data, options.output, study, stop, hand_labels=hand_labels),
    )
    rows = [
        (method, f"{labels:,}", str(len(found.scores(method, labels))), *_with_errors(found, method, labels))
        for method in found.methods
        for labels in found.counts(method)
    ]
    console.table(("order", "labels", "runs", found.metric, "gain over random"), rows)
    console.say()
    for sentence in found.sentences:
        console.say(sentence)
    if options.format != "png":
        suggestion_figure.save(found, (found.folder / suggestion_study.FIGURE).with_suffix(f".{options.format}"))
    if found.missing:
        console.say(f"{found.missing} of {found.wanted} runs are still to be done: the same command goes on.")
    study_jobs.say_where("Study", found.folder, console)
    return 0


def _with_errors(found: SuggestionStudy, method: str, labels: int) -> tuple[str, str]:
    """The mean score and the gain of a method at a number of labels, each with its error."""
    from core.studies.suggestion_gain import RANDOM

    mean, error = found.mean(method, labels)
    gain = None if method == RANDOM else found.gain(method, labels)
    return with_error(mean, error), "" if gain is None else with_error(gain.value, gain.error)


def _parse_counts(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise SettingsProblem(f"“{text}” is not a list of numbers.", "Write them as in 20,50,100.", "--counts")
    return [int(part) for part in parts]


def _parts_of(options: argparse.Namespace, networks: list[Path]) -> tuple[DataSettings, int]:
    """What is learned and how the parts are drawn: as of the run, if this is its dataset, or else by default."""
    from core.data.cutouts import Cutouts
    from core.data.settings import DataSettings
    from core.nets.predictor import Predictor
    from core.train import resuming

    data, seed = DataSettings(), 0
    for network in networks:
        with Cutouts.open(options.data) as cutouts:
            is_own = cutouts.is_known_as(Predictor.load(network, needs_answers=False).card.get("checksum"))
        folder = RunFolder.of(network)
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

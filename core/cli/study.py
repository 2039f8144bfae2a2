"""The commands for studies: the training-size study and the hyperparameter search."""

from __future__ import annotations

import argparse
import os
import platform
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from core.cli import study_jobs
from core.cli.console import Console
from core.cli.sources import hand_labels_of
from core.cli.study_settings import resolve_run_settings
from core.errors import SettingsProblem
from core.events import Work
from core.project.labels import LabelJournal
from core.project.project import require_not_open
from core.settings import toml
from core.settings.declare import Settings
from core.studies.settings import SearchSettings, TrainingSizeSettings

S = TypeVar("S", bound=Settings)
_MOST_TRIALS = 5  # of each stage in the table of a search


def training_size(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork study training-size``."""
    require_not_open(options.output)
    from core.studies import size_figure
    from core.studies import training_size as study

    study_settings = _override(
        TrainingSizeSettings,
        sizes=tuple(options.sizes.split(",")) if options.sizes else None,
        seeds=options.seeds,
        metric=options.metric,
        least_steps=options.least_steps,
        judge_test=options.judge_test or None,
    )
    settings, hand_labels = resolve_run_settings(options), hand_labels_of(options.data, console)
    if study_jobs.is_wanted(options.output):
        return study_jobs.pack("training size", settings, study_settings, options.data, options.output, console)
    found = console.drive(
        "Studying",
        lambda stop: study.run(settings, options.data, options.output, study_settings, stop, hand_labels=hand_labels),
    )
    for each in (found, found.test):
        if each is None:
            continue
        what = each.metric
        rows = [
            (
                f"{size:,}",
                str(len(each.scores(size))),
                *(f"{score:.4f}" for score in _mean_and_extremes(each.scores(size))),
            )
            for size in each.sizes
        ]
        console.table(("labels", "runs", what, "lowest", "highest"), rows)
        console.say()
        for sentence in each.sentences:
            console.say(sentence)
        if options.format != "png":
            name = Path(study.FIGURE if each is found else study.TEST_FIGURE).with_suffix(f".{options.format}")
            size_figure.save(each, found.folder / name)
    if found.missing:
        console.say(f"{found.missing} of {found.wanted} runs are still to be done: the same command goes on.")
    study_jobs.say_where("Study", found.folder, console)
    return 0


def search(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork search``, and with ``--worker`` a worker of a search that another process runs."""
    if not options.worker:
        require_not_open(options.output)
    from core.studies import search as searching
    from core.studies import search_figure
    from core.studies.trials import best_trials, format_value

    if options.worker:
        return _run_worker(options, console)
    earlier = options.output / "search.toml"
    file = options.space or (earlier if earlier.exists() else None)
    search_settings = _override(
        SearchSettings,
        toml.load(SearchSettings, file) if file else None,
        space=tuple(options.knob) if options.knob else None,
        coarse=options.coarse,
        fine=options.fine,
        workers=options.workers,
    )
    _refuse_searched(options.changes, search_settings.space)
    settings, hand_labels = resolve_run_settings(options), hand_labels_of(options.data, console)
    if study_jobs.is_wanted(options.output):
        return study_jobs.pack("search", settings, search_settings, options.data, options.output, console)
    found = console.drive(
        "Searching",
        lambda stop: searching.run(
            settings, options.data, options.output, search_settings, stop, hand_labels=hand_labels
        ),
    )
    if found.best is not None and options.format != "png":
        search_figure.save(found, (found.folder / searching.FIGURE).with_suffix(f".{options.format}"))
    if found.best is not None:
        knobs = list(found.best.values)
        rows = [
            (
                *(each.name, f"{each.score:.4f}", str(found.epochs[each.stage])),
                *(format_value(each.values[name]) for name in knobs),
            )
            for each in best_trials(found, _MOST_TRIALS)
        ]
        console.table(("trial", found.objective, "epochs", *knobs), rows)
        console.say()
    for sentence in found.sentences:
        console.say(sentence)
    if found.missing:
        console.say(f"{found.missing} trials are still to be done: the same command goes on.")
    if found.best is not None:
        console.say(f"For a training: --settings {found.folder / searching.BEST}")
    study_jobs.say_where("Search", found.folder, console)
    return console.status


def _refuse_searched(changes: Sequence[str], space: Sequence[str]) -> None:
    """Refuse to set what the search itself varies.

    Raises
    ------
    SettingsProblem
        A setting is among both.
    """
    searched = {text.partition("=")[0].strip() for text in space}
    for change in changes:
        name = change.partition("=")[0].strip()
        if name in searched:
            raise SettingsProblem(
                f"“{name}” is searched: each trial has a value of its own, and --set would have no effect.",
                "Leave out --set, or name the settings to search with --knob, without this one.",
                name,
            )


def _run_worker(options: argparse.Namespace, console: Console) -> int:
    """Work on a search; with ``--leash`` until the process that started this one closes its pipe or ends."""
    from core.studies import search as searching

    given = LabelJournal(options.hand_labels) if options.hand_labels else hand_labels_of(options.data, console)
    number = options.leash or zlib.crc32(f"{platform.node()}:{os.getpid()}".encode())

    def work(stop: threading.Event) -> Work[int]:
        if options.leash:
            threading.Thread(target=wait_for_parent, args=(stop,), daemon=True).start()
        return searching.run_worker(options.data, options.output, number, stop, hand_labels=given)

    done = console.drive("Helping", work)
    console.say(f"{done} trials done.")
    return 0


def wait_for_parent(stop: threading.Event) -> None:
    """Set ``stop`` when the process that started this one closes its pipe or ends."""
    os.read(0, 1)  # not sys.stdin, whose lock the interpreter needs at its exit
    stop.set()


def _override(model: type[S], base: S | None = None, **values: object) -> S:
    """Override those settings whose values are given, not None."""
    known = (base or model()).model_dump()
    return toml.validate(model, known | {name: value for name, value in values.items() if value is not None})


def _mean_and_extremes(scores: list[float]) -> tuple[float, float, float]:
    return sum(scores) / len(scores), min(scores), max(scores)

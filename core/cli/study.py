"""Many runs, one question: how many labels are needed, and which settings are best."""

from __future__ import annotations

import argparse
import os
import platform
import threading
import zlib
from pathlib import Path
from typing import TypeVar

from core.cli.console import Console
from core.cli.setting_options import adjusted
from core.events import Work
from core.settings import toml
from core.settings.declare import Settings
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.train.settings import RunSettings

S = TypeVar("S", bound=Settings)


def training_size(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork study training-size``."""
    from core.studies import size_figure
    from core.studies import training_size as study

    wish = _given(
        TrainingSizeSettings,
        sizes=tuple(options.sizes.split(",")) if options.sizes else None,
        seeds=options.seeds,
        metric=options.metric,
        least_steps=options.least_steps,
        judge_test=options.judge_test or None,
    )
    settings = _of_runs(options)
    found = console.drive("Studying", lambda stop: study.run(settings, options.data, options.output, wish, stop))
    for each in (found, found.test):
        if each is None:
            continue
        what = each.metric
        rows = [
            (f"{size:,}", str(len(each.scores(size))), *(f"{score:.4f}" for score in _spread(each.scores(size))))
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
    console.say(f"Study: {found.folder}")
    return 0


def search(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork search``, and with ``--worker`` a helper of one that another process runs."""
    from core.studies import search as searching
    from core.studies import search_figure
    from core.studies.trials import shown

    if options.worker:
        return _help(options, console)
    begun = options.output / "search.toml"
    given = options.space or (begun if begun.exists() else None)
    wish = _given(
        SearchSettings,
        toml.load(SearchSettings, given) if given else None,
        space=tuple(options.knob) if options.knob else None,
        coarse=options.coarse,
        fine=options.fine,
        workers=options.workers,
    )
    settings = _of_runs(options)
    found = console.drive("Searching", lambda stop: searching.run(settings, options.data, options.output, wish, stop))
    if found.best is not None and options.format != "png":
        search_figure.save(found, (found.folder / searching.FIGURE).with_suffix(f".{options.format}"))
    if found.alike:
        knobs = list(found.alike[0].values)
        rows = [
            (each.name, f"{each.score:.4f}", *(shown(value) for value in each.values.values())) for each in found.alike
        ]
        console.table(("trial", found.objective, *knobs), rows)
        console.say()
    for sentence in found.sentences:
        console.say(sentence)
    if found.missing:
        console.say(f"{found.missing} trials are still to be done: the same command goes on.")
    if found.best is not None:
        console.say(f"For a training: --settings {found.folder / searching.BEST}")
    console.say(f"Search: {found.folder}")
    return 0


def _help(options: argparse.Namespace, console: Console) -> int:
    """Take part in a search; on a leash until the process that holds its other end lets go."""
    from core.studies import search as searching

    number = options.leash or zlib.crc32(f"{platform.node()}:{os.getpid()}".encode())

    def helping(stop: threading.Event) -> Work[int]:
        if options.leash:
            threading.Thread(target=_until_let_go, args=(stop,), daemon=True).start()
        return searching.help_along(options.data, options.output, number, stop)

    done = console.drive("Helping", helping)
    console.say(f"{done} trials done.")
    return 0


def _until_let_go(stop: threading.Event) -> None:
    os.read(0, 1)  # not sys.stdin, whose lock the interpreter wants at its end
    stop.set()


def _of_runs(options: argparse.Namespace) -> RunSettings:
    """The runs' settings: those of the study that is gone on with, or of the file, with the changes."""
    begun = options.output / "settings.toml"
    if options.settings is None and begun.exists():
        options.settings = begun
    return adjusted(RunSettings, options, data__labels=tuple(options.label) if options.label else None)


def _given(model: type[S], base: S | None = None, **values: object) -> S:
    """Settings with those values that were given; None was not."""
    known = (base or model()).model_dump()
    return toml.validate(model, known | {name: value for name, value in values.items() if value is not None})


def _spread(scores: list[float]) -> tuple[float, float, float]:
    return sum(scores) / len(scores), min(scores), max(scores)

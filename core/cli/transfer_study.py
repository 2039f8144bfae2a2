"""The commands for studies of the move to another survey."""

from __future__ import annotations

import argparse
import math
import threading

from core.cli import study_jobs
from core.cli.console import Console
from core.cli.sources import hand_labels_of
from core.cli.study import wait_for_parent
from core.cli.study_settings import resolve_run_settings
from core.events import Work
from core.metrics.uncertainty import plus_minus
from core.project.project import require_not_open
from core.project.runs import MATRIX_FILE, TRANSFER_FILE
from core.settings import toml
from core.studies.transfer_settings import MatrixSettings, Question, TransferStudySettings, default_settings

_QUESTIONS: dict[str, Question] = {"transfer": "labels", "layers": "layers", "sim-to-real": "simulations"}


def transfer(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork study transfer``, ``layers`` and ``sim-to-real``."""
    from core.studies import transfer as study
    from core.studies import transfer_figure, transfer_sentences

    if options.worker:
        return _run_worker(options, console)
    require_not_open(options.output)

    earlier = options.output / TRANSFER_FILE
    wish = (
        toml.load(TransferStudySettings, earlier)
        if earlier.exists()
        else default_settings(_QUESTIONS[options.question])
    )
    wish = toml.replace_values(
        wish,
        _given(
            labels=_listed(options.labels),
            strategies=_listed(options.strategies),
            seeds=options.seeds,
            metric=options.metric,
            draw=options.draw,
            epoch=options.epoch,
            scratch_epochs=options.scratch_epochs,
            source=str(options.source.resolve()) if options.source else None,
            judge_test=options.judge_test or None,
            workers=options.workers,
        ),
    )
    settings, hand_labels = resolve_run_settings(options), hand_labels_of(options.data, console)
    if study_jobs.is_wanted(options.output):
        return study_jobs.pack("transfer", settings, wish, options.data, options.output, console)
    found = console.drive(
        "Studying",
        lambda stop: study.run(settings, options.data, options.output, wish, stop, hand_labels=hand_labels),
    )
    for each in (found, found.on_test):
        if each is None:
            continue
        console.table(*transfer_sentences.make_table(each, ".4f"))
        console.say()
        for sentence in transfer_sentences.describe(each):
            console.say(sentence)
        if options.format != "png":
            name = study.FIGURE if each is found else study.TEST_FIGURE
            transfer_figure.save(each, (found.folder / name).with_suffix(f".{options.format}"))
    if found.missing:
        console.say(f"{found.missing} of {found.wanted} points are still to be done: the same command goes on.")
    elif wish.judge_test and found.test is None:
        console.say("The test part is still to be judged: the same command goes on.")
    study_jobs.say_where("Study", found.folder, console)
    return console.status


def _run_worker(options: argparse.Namespace, console: Console) -> int:
    """Train a share of a study until the process that started this one closes its pipe or ends."""
    from core.studies import transfer as study

    def work(stop: threading.Event) -> Work[int]:
        threading.Thread(target=wait_for_parent, args=(stop,), daemon=True).start()
        return study.run_worker(options.data, options.output, options.leash, stop)

    console.say(f"{console.drive('Helping', work)} runs done.")
    return 0


def matrix(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork study matrix``."""
    require_not_open(options.output)
    from core.studies import matrix as study
    from core.studies import matrix_figure

    earlier = options.output / MATRIX_FILE
    wish = toml.load(MatrixSettings, earlier) if earlier.exists() else MatrixSettings()
    wish = toml.replace_values(
        wish,
        _given(
            surveys=tuple(str(path.resolve()) for path in options.data),
            labels=_listed(options.labels),
            strategy=options.strategy,
            seeds=options.seeds,
            metric=options.metric,
            draw=options.draw,
            epoch=options.epoch,
            scratch_epochs=options.scratch_epochs,
            judge_test=options.judge_test or None,
        ),
    )
    settings = resolve_run_settings(options)
    if study_jobs.is_wanted(options.output):
        return study_jobs.pack("matrix", settings, wish, options.data[0], options.output, console)
    found = console.drive("Studying", lambda stop: study.run(settings, options.output, wish, stop))
    for each in (found, found.on_test):
        if each is None:
            continue
        for grid in each.grids:
            rows = [
                (name, *(_cell(mean, error) for mean, error in zip(grid.means[row], grid.scatter[row], strict=True)))
                for row, name in enumerate(grid.rows)
            ]
            console.say(f"{grid.what}, {grid.about}")
            console.table((f"{grid.down} \\ {grid.across}", *grid.columns), rows)
            console.say()
        for sentence in each.sentences:
            console.say(sentence)
        if options.format != "png":
            name = study.FIGURE if each is found else study.TEST_FIGURE
            matrix_figure.save(each, (found.folder / name).with_suffix(f".{options.format}"))
    if found.missing:
        console.say(f"{found.missing} of {found.wanted} points are still to be done: the same command goes on.")
    elif wish.judge_test and found.test is None:
        console.say("The test part is still to be judged: the same command goes on.")
    study_jobs.say_where("Study", found.folder, console)
    return console.status


def _cell(mean: float, error: float) -> str:
    return "–" if math.isnan(mean) else f"{mean:.3f}{plus_minus(error, '.3f')}"


def _listed(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else None


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}

"""The commands that import, train, resume, and find a learning rate or a batch size."""

from __future__ import annotations

import argparse
import contextlib
from typing import TYPE_CHECKING

from core.cli import distributed
from core.cli.console import Console
from core.cli.setting_options import resolve_settings
from core.cli.sources import hand_labels_of
from core.cli.training_settings import resolve_training_settings
from core.data.settings import ImportSettings
from core.errors import Problem
from core.metrics import part_notes
from core.metrics.guessing import guess_of_run
from core.project.metrics_file import read_metrics
from core.project.project import require_not_open
from core.project.runs import RunFolder
from core.project.unbegun import new_run
from core.train.settings import RunSettings

if TYPE_CHECKING:
    from pathlib import Path

    from core.train.loop import RunResult


def import_files(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork import``: succeeds if anything was imported."""
    from core.data import importing
    from core.data.report import ImportReport

    require_not_open(options.output)
    settings = resolve_settings(
        ImportSettings,
        options,
        catalogue_id=options.id,
        catalogue_table=options.table,
        labels=tuple(options.label) if options.label else None,
        labels_from_folders=options.labels_from_folders or None,
        size=options.size,
        hdu=options.hdu,
        bands=options.bands,
        split_column=options.split_column,
    )
    sources = [path.expanduser() for path in options.sources]
    try:
        report = console.drive(
            "Importing", lambda stop: importing.run(sources, options.output, settings, options.catalogue, stop)
        )
    except Problem as problem:
        if options.report:
            ImportReport(options.output, 0, console.skipped or [problem]).save(options.report)
        raise
    for note in report.notes:
        console.say(note)
    if options.report:
        report.save(options.report)
    console.say(report.sentence)
    console.say(_describe_dataset(report.path, hint=options.catalogue is not None))
    console.say(f"Dataset: {report.path}" + (f"; report: {options.report}" if options.report else ""))
    return 0


def _describe_dataset(data: Path, *, hint: bool) -> str:
    """Describe a new dataset: its stamps and labels, with a hint where it has none."""
    from core.data.cutouts import Cutouts

    with Cutouts.open(data) as cutouts:
        count, channels, height, width = cutouts.shape
        stamps = f"{count:,} stamps of {width} × {height} pixels, {channels} band{'s' * (channels != 1)}; "
        given = f" Parts are given by the column “{cutouts.split_column}”." if cutouts.split_column else ""
        if cutouts.labels:
            return f"{stamps}labels: {', '.join(cutouts.labels)}.{given}"
        columns = ", ".join(name for name in cutouts.columns if name != "id")
    return f"{stamps}no labels." + (f" Name their column with --label: {columns}." if hint else "")


def train(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork train``."""
    if options.seeds != 1:
        from core.cli.ensemble import train_several

        settings = resolve_training_settings(options)
        if options.draw_again:
            _draw_parts_again(options, settings, console)
        return train_several(settings, options.data, options, console)
    return train_with(resolve_training_settings(options), options.data, options, console)


def train_with(settings: RunSettings, data: Path, options: argparse.Namespace, console: Console) -> int:
    """Train with these settings on a dataset, and print the result."""
    require_not_open(options.output)
    from core.train import loop

    hand_labels = hand_labels_of(data, console)
    is_first = distributed.NUMBER == 0
    with new_run(options.output) if is_first else contextlib.nullcontext(RunFolder(options.output)) as folder:
        if getattr(options, "draw_again", False) and is_first:
            _draw_parts_again(options, settings, console)
        with distributed.join_processes(folder, settings.device) as own:
            result = console.drive(
                "Training", lambda stop: loop.run(settings, data, own, stop, hand_labels=hand_labels)
            )
            _print_result(result, options, console)
    return 0


def _draw_parts_again(options: argparse.Namespace, settings: RunSettings, console: Console) -> None:
    """Give up the parts that the project keeps for the dataset, naming the runs whose test parts that spoils."""
    from core.data import kept_parts

    seed = kept_parts.draw_again(options.data, None, settings.data.split_seed)
    file = kept_parts.file_for(options.data, None)
    runs = [] if file is None else kept_parts.finished_runs(file.parent.parent / "runs", options.data)
    spoils = f"; this spoils the test parts of {', '.join(f'“{run.title}”' for run in runs)}" if runs else ""
    console.note(f"The parts are drawn again, with seed {seed}{spoils}.")


def resume(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork resume``."""
    require_not_open(options.run)
    from core.train import resuming

    folder = RunFolder(options.run)
    data = options.data or folder.data
    hand_labels = hand_labels_of(data, console)
    with distributed.join_processes(folder, resuming.read_settings(folder).device) as own:
        result = console.drive(
            "Training",
            lambda stop: resuming.run(
                own, stop, data, epochs=options.epochs, patience=options.patience, hand_labels=hand_labels
            ),
        )
        _print_result(result, options, console)
    return 0


def _print_result(result: RunResult, options: argparse.Namespace, console: Console) -> None:
    """Print the result of a training."""
    from core.train import verdict

    metrics = read_metrics(RunFolder(result.folder).metrics_file)
    if options.json:
        console.say_json(metrics)
        return
    why = {"finished": "all epochs done", "early": "no more improvement", "stopped": "stopped by you"}[result.reason]
    console.say(f"{result.epochs} epochs ({why}); the weights of epoch {result.best_epoch} were kept.")
    if sentence := (metrics.get("baseline") or {}).get("sentence"):
        console.say(sentence)
    if afterwards := (metrics.get("baseline") or {}).get("afterwards"):
        console.say(afterwards["sentence"])
    if judged := metrics.get("unlabelled"):
        console.say(judged["sentence"])
    validation = metrics["validation"]
    console.say(f"validation: {part_notes.describe_scores(validation)} ({part_notes.describe_basis(validation)})")
    if (guess := guess_of_run(metrics)) is not None:
        console.say(guess.sentence)
    console.say(f"verdict: {verdict.describe(metrics)}")
    console.say(f"Run: {result.folder}")
    if result.reason == "stopped":
        console.say(f"To go on: tuningfork resume {result.folder}")


def rate(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork rate``."""
    from core.cli.figures import save_rates
    from core.train import learning_rate_finder

    settings, hand_labels = resolve_training_settings(options), hand_labels_of(options.data, console)
    found = console.drive(
        "Trying learning rates",
        lambda stop: learning_rate_finder.run(settings, options.data, stop, hand_labels=hand_labels),
    )
    if options.output:
        save_rates(found, options.output)
    if options.json:
        values = {"rates": found.rates.tolist(), "losses": found.losses.tolist(), "suggestion": found.suggestion}
        console.say_json(values | {"steepest": found.steepest, "diverged": found.diverged})
        return 0
    diverged = "does not diverge up to 10" if found.diverged is None else f"diverges from {found.diverged:.1e} on"
    console.say(f"The loss falls fastest at {found.steepest:.1e} and {diverged}.")
    console.say(f"Suggested: --set optimiser.learning_rate={found.suggestion:.1e}")
    if options.output:
        console.say(f"Figure: {options.output}")
    return 0


def batch(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork batch``."""
    from core.cli.figures import save_batch_sizes
    from core.train import batch_size_finder

    settings, hand_labels = resolve_training_settings(options), hand_labels_of(options.data, console)
    found = console.drive(
        "Trying batch sizes",
        lambda stop: batch_size_finder.run(settings, options.data, stop, hand_labels=hand_labels),
    )
    if options.output:
        save_batch_sizes(found, options.output)
    values = found.values(found.suggestion)
    if options.json:
        tried = [{"size": each.size, "galaxies_per_second": each.speed, "memory": each.memory} for each in found.tried]
        memory = {"memory": found.total_memory, "usual": found.usual, "end": found.end}
        console.say_json({"tried": tried, "suggestion": found.suggestion, "settings": values} | memory)
        return 0
    for each in found.tried:
        memory = f" in {batch_size_finder.describe_bytes(each.memory)}" if each.memory else ""
        console.say(f"{each.size:>5} galaxies per step: {each.speed:,.0f} per second{memory}")
    console.say(found.sentence)
    console.say("To use it: " + " ".join(f"--set {name}={value}" for name, value in values.items()))
    if options.output:
        console.say(f"Figure: {options.output}")
    return 0

"""The commands that evaluate a network and write its predictions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.cli import judging
from core.cli.binned import judge_in_bins, require_bins
from core.cli.console import Console
from core.cli.sources import changed_stamps, choose_among, choose_bands, hand_labels_of, parse_class_map
from core.metrics.uncertainty import plus_minus
from core.project.metrics_file import without_nan
from core.project.project import require_not_open
from core.project.runs import RunFolder
from core.wording import with_distances

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation
    from core.metrics.error_bars import ErrorBarReport
    from core.metrics.report import ClassReport, QuantitiesReport, Report


def evaluate(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork evaluate``."""
    from core.evaluate import evaluation

    require_bins(options)
    judging.require_sense(options)
    folder = RunFolder.of(options.run)
    scales = options.calibrate or options.uncalibrate
    if options.keep or scales:  # the window shows them, and would write its own
        require_not_open(folder.path)
    data = options.data or folder.data
    choose_bands(options, data, console)
    hand_labels = hand_labels_of(data, console)
    if scales:
        judging.scale_temperature(folder, data, options, hand_labels, console)
    result = console.drive(
        "Judging",
        lambda stop: evaluation.run(
            options.run,
            data,
            options.split or ("validation" if scales else "test"),  # calibrating does not open the test part
            stop,
            elsewhere=options.split or "all",
            hand_labels=hand_labels,
            class_map=parse_class_map(options),
            decision=options.decision,
            keep=options.keep,
        ),
    )
    if not options.json:
        print_evaluation(result, console)
    further: dict[str, Any] = {}
    if options.by is not None and data is not None:
        further["by"] = judge_in_bins(result, data, options, console)
    further |= judging.judge_further(result, folder, data, options, hand_labels, console)
    if options.json:
        console.say_json(without_nan(_to_json(result, options.run.name) | further))
    return 0


def _to_json(result: Evaluation, run: str) -> dict[str, Any]:
    from core.evaluate.saving import facts_of_answers

    about: dict[str, Any] = {"run": run, "data": result.data, "part": result.part, "note": result.note}
    about |= facts_of_answers(result)
    return about | result.report.to_json() | {"unknown_classes": result.unknown, "mapped_classes": result.mapped}


def print_evaluation(result: Evaluation, console: Console) -> None:
    """Print an evaluation."""
    part = "all labelled galaxies" if result.part == "all" else f"{result.part} part"
    console.say(f"{result.data}, {part}, {result.report.galaxies:,} galaxies: {result.note}.")
    if result.predictions.temperature is not None:
        console.say(result.temperature_sentence)
    print_report(result.report, result.predictions.units, console)
    if result.doubt:
        console.say(result.doubt)
    if result.error_bars is not None:
        _print_coverage(result.error_bars, console)


def print_report(report: Report, units: Sequence[str], console: Console) -> None:
    """Print the metrics of classes, or of quantities with these units."""
    from core.metrics.report import ClassReport

    if isinstance(report, ClassReport):
        _print_classes(report, console)
    else:
        _print_quantities(report, units, console)


def _print_classes(report: ClassReport, console: Console) -> None:
    from core.metrics.fraction import Fraction

    mean = (
        f"balanced accuracy {with_distances(report.balanced_accuracy, report.mean_intervals.balanced_accuracy)}",
        f"macro F1 {with_distances(report.macro_f1, report.mean_intervals.macro_f1)}",
    )
    console.say(f"accuracy {report.accuracy}, {', '.join(mean)}")
    if report.guess is not None:
        console.say(report.guess.sentence)
    console.say(f"decision: {report.decision.text}")
    calibration = report.calibration
    expected = f" (with calibrated probabilities about {_three_decimals(calibration.expected)})"
    console.say(
        f"probabilities: log loss {_with_error(report.log_loss, report.log_loss_error)}, Brier score "
        f"{_with_error(report.brier, report.brier_error)}, calibration error "
        f"{_with_error(calibration.error, calibration.uncertainty)}{expected}"
    )
    console.say()
    rows = [
        (
            *(name, f"{report.counts[name]:,}", str(report.completeness[name]), str(report.purity[name])),
            with_distances(report.f1[name], interval),
        )
        for name, interval in zip(report.names, report.mean_intervals.f1, strict=True)
    ]
    console.table(("class", "galaxies", "completeness", "purity", "F1"), rows)
    console.say()
    cells = report.confusion.tolist()
    rows = [(name, *map(str, line)) for name, line in zip(report.names, cells, strict=True)]
    console.table(("label \\ prediction", *report.names), rows)
    console.say()
    rows = [
        (f"{each.probability:.3f}", str(Fraction(each.right, each.galaxies)), f"{each.galaxies:,}")
        for each in calibration.bins
    ]
    console.table(("probability of the likeliest class", "share that is right", "galaxies"), rows)


def _print_quantities(report: QuantitiesReport, units: Sequence[str], console: Console) -> None:
    if report.accuracy is not None:
        console.say(f"most voted answer right: {report.accuracy}")
    rows = [
        (
            f"{name} [{unit}]" if unit else name,
            _three_decimals(each.r2),
            *(f"{value:.3g}" if value is not None else "–" for value in (each.bias, each.scatter, each.mae)),
            str(each.outliers),
        )
        for (name, each), unit in zip(report.quantities.items(), units, strict=True)
    ]
    console.table(("quantity", "R²", "bias", "scatter", "mean |error|", "outliers"), rows)
    if report.remark:
        console.say(report.remark)


def _print_coverage(bars: ErrorBarReport, console: Console) -> None:
    console.say()
    rows = [
        (name, str(each.within_one), str(each.within_two), f"{each.within_one.total:,}")
        for name, each in bars.coverage.items()
    ]
    console.table(("quantity", "within its error bar (68 %)", "within two (95 %)", "galaxies"), rows)
    console.say(bars.sentence)


def predict(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork predict``."""
    from core.evaluate import predict_table, raw_files, tables

    tables.require_known_ending(options.output)
    sources = [path.expanduser() for path in options.source]
    if not raw_files.are_raw(sources):
        choose_bands(options, sources[0], console)
    wish = predict_table.Wish(
        changed_stamps(options), options.catalogue, options.decision, not options.no_unlikeness, options.workers
    )
    written = console.drive(
        "Predicting",
        lambda stop: predict_table.run(
            options.run,
            sources,
            options.output,
            stop,
            wish=wish,
            choose_bands=lambda bands: choose_among(options, bands, console),
        ),
    )
    for note in written.notes:
        console.note(note)
    why = " (why: column “problem”)" if written.unread else ""
    console.say(f"{written.counted}{why}: {options.output}")
    if written.decision is not None:
        console.say(f"decision: {written.decision.text}")
    return 0 if written.galaxies else 1


def _with_error(value: float | None, error: float | None) -> str:
    return _three_decimals(value) + plus_minus(error, ".3f")


def _three_decimals(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

"""What ``tuningfork evaluate`` adds to the figures of merit.

That is the temperature of the probabilities, the first K galaxies of each class, the comparison with another run, the
galaxies to look at, and the charts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.console import Console
from core.cli.sources import parse_class_map
from core.errors import SettingsProblem
from core.project.files import file_name, make_folder
from core.project.runs import RunFolder

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation
    from core.metrics.ranking import Area
    from core.project.labels import LabelJournal

_SHOWN = 20  # figures of merit of two runs


def require_sense(options: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is computed.

    Raises
    ------
    SettingsProblem
        A rank, a frequency or the name of a table cannot be used, or JSON is asked for with what is printed only.
    """
    from core.evaluate import tables

    _read_ranks(options.top)
    best = RunFolder.of(options.run).best
    if (options.against or options.calibrate or options.uncalibrate) and options.run.is_file() and options.run != best:
        raise SettingsProblem("This is for runs, and here is a weights file.", "Name the folder of a run.", "RUN")
    if options.frequency is not None:
        if options.top is None:
            raise SettingsProblem("--frequency is for the first galaxies of a class.", "Add --top 100.", "--frequency")
        if not 0 < options.frequency < 1:
            raise SettingsProblem(
                f"{options.frequency:g} is no share of a survey.", "Give one between 0 and 1.", "--frequency"
            )
    if options.json and (options.top is not None or options.against is not None or options.side_importance):
        raise SettingsProblem(
            "--top, --against and --side-importance print tables, not JSON.", "Leave out --json.", "--json"
        )
    for table in (options.mistakes, options.label_errors):
        if table is not None:
            tables.require_known_ending(table)


def scale_temperature(
    folder: RunFolder,
    data: Path | None,
    options: argparse.Namespace,
    hand_labels: LabelJournal | None,
    console: Console,
) -> None:
    """Fit the temperature of a run and keep it, or remove it."""
    from core.evaluate import temperature

    if options.uncalibrate:
        console.drive("Removing", lambda stop: temperature.remove(folder, data, stop, hand_labels=hand_labels))
        if not options.json:
            console.say(f"The probabilities are the {'ensemble' if folder.is_ensemble else 'network'}'s own.")
        return
    found = console.drive("Calibrating", lambda stop: temperature.fit(folder, data, stop, hand_labels=hand_labels))
    if not options.json:
        before, after = found.log_loss
        first, second = found.calibration_error
        console.say(
            f"{found.sentence}: log loss {before:.3f} → {after:.3f}, calibration error {first:.3f} → {second:.3f} "
            "there."
        )


def judge_further(
    result: Evaluation,
    folder: RunFolder,
    data: Path | None,
    options: argparse.Namespace,
    hand_labels: LabelJournal | None,
    console: Console,
) -> None:
    """Print and write what was asked for besides the figures of merit."""
    if options.top is not None:
        _print_top(result, _read_ranks(options.top), options.frequency, console)
    if options.against is not None and data is not None:
        _print_comparison(result, folder, data, options, hand_labels, console)
    if options.side_importance and data is not None:
        _print_side_importance(result, options.run, data, console)
    is_classes = result.predictions.predicted is not None and hasattr(result.report, "confusion")
    if options.mistakes is not None:
        _write_doubtful(result, "mistakes" if is_classes else "deviations", options.mistakes, console)
    if options.label_errors is not None:
        _write_doubtful(result, "label errors", options.label_errors, console)
    if options.figures is not None:
        _save_figures(result, options.figures, options.format, console)


def _print_side_importance(result: Evaluation, network: Path, data: Path, console: Console) -> None:
    from core.evaluate import judged_part, side_importance

    weights, _ = judged_part.locate(network)
    found = console.drive("Shuffling", lambda stop: side_importance.measure(result, weights, data, stop))
    console.say()
    console.say(f"What the columns beside the image bring: {found.note}")
    console.table(found.headers, found.rows)


def _read_ranks(text: str | None) -> list[int]:
    try:
        found = [int(each) for each in (text or "").split(",") if each.strip()]
    except ValueError:
        found = [0]
    if text is not None and (not found or min(found) < 1):
        raise SettingsProblem(f"“{text}” are no ranks.", "Give numbers from 1 on, such as --top 100,1000.", "--top")
    return found


def _print_top(result: Evaluation, ranks: Sequence[int], frequency: float | None, console: Console) -> None:
    from core.evaluate import class_charts

    rankings = console.drive("Ranking", lambda stop: class_charts.find_rankings(result, stop))
    rows: list[tuple[str, ...]] = []
    for name, each in rankings.by_class.items():
        if each is None:
            rows.append((name, "–", "–", "–"))
            continue
        areas = [
            f"{area.value:.3f}"
            + ("" if area.interval is None else f" ({area.interval[0]:.3f} – {area.interval[1]:.3f})")
            for area in (each.auc, each.average_precision)
        ]
        rows.append((name, f"{each.members:,} of {each.galaxies:,}", *areas))
    console.say()
    console.table(("class", "galaxies", "AUC (68 %)", "average precision (68 %)"), rows)
    for name, each in rankings.by_class.items():
        for k in ranks if each is not None else ():
            taken = class_charts.select(result, name, first=k)
            how = f"the first {taken.taken:,} by the probability of {name}"
            console.say(class_charts.describe_selection(taken, name, how, frequency))


def _describe_area(area: Area) -> str:
    interval = "" if area.interval is None else f" ({area.interval[0]:.3f} – {area.interval[1]:.3f})"
    return f"{area.value:.3f}{interval}"


def _print_comparison(
    result: Evaluation,
    folder: RunFolder,
    data: Path,
    options: argparse.Namespace,
    hand_labels: LabelJournal | None,
    console: Console,
) -> None:
    from core.evaluate import two_runs

    part = result.part if result.is_own else "all"
    found = console.drive(
        "Comparing",
        lambda stop: two_runs.run(
            folder, options.against, data, part, stop, hand_labels=hand_labels, class_map=parse_class_map(options)
        ),
    )
    console.say()
    console.say(found.sentence)
    rows = two_runs.rows_of(found)
    console.table(two_runs.HEADERS, rows[:_SHOWN])
    if len(rows) > _SHOWN:
        console.say(f"and {len(rows) - _SHOWN} more figures of merit.")


def _write_doubtful(result: Evaluation, kind: str, path: Path, console: Console) -> None:
    from core.evaluate import doubtful

    found = doubtful.find(result, kind)  # pyrefly: ignore[bad-argument-type] - one of doubtful.KINDS
    doubtful.write_table(found, path)
    console.say(f"{path}: {found.sentence}")


def _save_figures(result: Evaluation, folder: Path, ending: str, console: Console) -> None:
    from core.evaluate import charts, class_charts, confusion_figure

    rankings = console.drive("Ranking", lambda stop: class_charts.find_rankings(result, stop))
    make_folder(folder)
    drawn = [class_charts.make_chart(rankings, kind) for kind in class_charts.KINDS if kind != "threshold"]
    drawn += [class_charts.make_chart(rankings, "threshold", name) for name in rankings.by_class]
    for chart in drawn:
        name = file_name(chart.name)
        charts.save_figure(chart, folder / f"{name}.{ending}")
        charts.write_table(chart, folder / f"{name}.csv")
    for share in confusion_figure.SHARES:
        confusion_figure.save(result, share, folder / f"confusion {file_name(share)}.{ending}")
    confusion_figure.write_table(result, folder / "confusion.csv")
    console.say(f"{folder}: {len(drawn) + len(confusion_figure.SHARES)} figures and their numbers.")

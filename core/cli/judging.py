"""What ``tuningfork evaluate`` adds to the figures of merit, in words or as plain values for JSON.

That is the temperature of the probabilities, the first K galaxies of each class, the comparison with another run, the
galaxies to look at, and the charts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.console import Console
from core.cli.sources import parse_class_map
from core.errors import SettingsProblem
from core.project.files import file_name, make_folder
from core.project.runs import RunFolder

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation
    from core.metrics.ranking import Area, Selection
    from core.project.labels import LabelJournal

_SHOWN = 20  # figures of merit of two runs


def require_sense(options: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is computed.

    Raises
    ------
    SettingsProblem
        A rank, a frequency or the name of a table cannot be used.
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
) -> dict[str, Any]:
    """Find, print and write what was asked for besides the figures of merit; returns it as plain values for JSON."""
    values: dict[str, Any] = {}
    if options.top is not None:
        values["top"] = _judge_top(result, _read_ranks(options.top), options, console)
    if options.against is not None and data is not None:
        values["against"] = _compare(result, folder, data, options, hand_labels, console)
    if options.side_importance and data is not None:
        values["side_importance"] = _judge_side(result, options, data, console)
    is_classes = result.predictions.predicted is not None and hasattr(result.report, "confusion")
    if options.mistakes is not None:
        _write_doubtful(result, "mistakes" if is_classes else "deviations", options.mistakes, console)
    if options.label_errors is not None:
        _write_doubtful(result, "label errors", options.label_errors, console)
    if options.figures is not None:
        _save_figures(result, options.figures, options.format, console)
    return values


def _judge_side(result: Evaluation, options: argparse.Namespace, data: Path, console: Console) -> dict[str, Any]:
    from core.evaluate import judged_part, side_importance

    weights, _ = judged_part.locate(options.run)
    found = console.drive("Shuffling", lambda stop: side_importance.measure(result, weights, data, stop))
    if not options.json:
        console.say()
        console.say(f"What the columns beside the image bring: {found.note}")
        console.table(found.headers, found.rows)
    return asdict(found)


def _read_ranks(text: str | None) -> list[int]:
    try:
        found = [int(each) for each in (text or "").split(",") if each.strip()]
    except ValueError:
        found = [0]
    if text is not None and (not found or min(found) < 1):
        raise SettingsProblem(f"“{text}” are no ranks.", "Give numbers from 1 on, such as --top 100,1000.", "--top")
    return found


def _judge_top(
    result: Evaluation, ranks: Sequence[int], options: argparse.Namespace, console: Console
) -> dict[str, Any]:
    from core.evaluate import class_charts

    rankings = console.drive("Ranking", lambda stop: class_charts.find_rankings(result, stop)).by_class
    if not options.json:
        rows = [
            (name, f"{each.members:,} of {each.galaxies:,}", *map(_describe_area, (each.auc, each.average_precision)))
            if each is not None
            else (name, "–", "–", "–")
            for name, each in rankings.items()
        ]
        console.say()
        console.table(("class", "galaxies", "AUC (68 %)", "average precision (68 %)"), rows)
    values: dict[str, Any] = dict.fromkeys(rankings)
    for name, each in rankings.items():
        if each is None:
            continue
        areas = {"auc": asdict(each.auc), "average_precision": asdict(each.average_precision)}
        values[name] = {"galaxies": each.galaxies, "members": each.members, **areas, "first": []}
        for k in ranks:
            taken = class_charts.select(result, name, first=k)
            values[name]["first"].append({"k": k} | _selection_to_json(taken, options.frequency))
            if not options.json:
                how = f"the first {taken.taken:,} by the probability of {name}"
                console.say(class_charts.describe_selection(taken, name, how, options.frequency))
    return values


def _selection_to_json(taken: Selection, frequency: float | None) -> dict[str, Any]:
    shares = {"purity": taken.purity, "completeness": taken.completeness}
    if frequency is not None:
        shares[f"purity_at_{frequency:g}"] = taken.purity_at(frequency)
    found: dict[str, Any] = {"taken": taken.taken, "hits": taken.hits}
    return found | {
        name: None if share is None else {"value": share[0], "interval": share[1]} for name, share in shares.items()
    }


def _describe_area(area: Area) -> str:
    interval = "" if area.interval is None else f" ({area.interval[0]:.3f} – {area.interval[1]:.3f})"
    return f"{area.value:.3f}{interval}"


def _compare(
    result: Evaluation,
    folder: RunFolder,
    data: Path,
    options: argparse.Namespace,
    hand_labels: LabelJournal | None,
    console: Console,
) -> dict[str, Any]:
    from core.evaluate import two_runs

    part = result.part if result.is_own else "all"
    found = console.drive(
        "Comparing",
        lambda stop: two_runs.run(
            folder, options.against, data, part, stop, hand_labels=hand_labels, class_map=parse_class_map(options)
        ),
    )
    if not options.json:
        console.say()
        console.say(found.sentence)
        rows = two_runs.rows_of(found)
        console.table(two_runs.HEADERS, rows[:_SHOWN])
        if len(rows) > _SHOWN:
            console.say(f"and {len(rows) - _SHOWN} more figures of merit.")
    return {
        "first": found.first,
        "second": found.second,
        "note": found.note,
        "galaxies": found.galaxies,
        "answering": found.answering,
        "differences": [asdict(each) for each in found.differences],
        "mcnemar": None if found.mcnemar is None else asdict(found.mcnemar),
        "sentence": found.sentence,
    }


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

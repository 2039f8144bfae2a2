"""The commands that search among galaxies: for similar ones, for the strangest ones, and for near-duplicates."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.cli.console import Console
from core.cli.shared_options import add_band_option, add_force_option
from core.cli.sources import choose_bands, rows_of
from core.errors import SettingsProblem
from core.project import outputs
from core.project.runs import RunFolder, describe_weights
from core.wording import count_of, percent

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts
    from core.data.duplicates import Duplicates, Sample
    from core.evaluate.tables import TableColumn

SIMILAR = ("similar", "similar:similar", "Find the galaxies most alike to one, or to several, to a network.")
UNUSUAL = ("unusual", "similar:unusual", "Rank galaxies by how unlike the training galaxies they are.")
DUPLICATES = ("duplicates", "similar:duplicates", "Find the same galaxy under two names, above all in two parts.")
_TABLE = "ends in .csv, .fits, .xml, .parquet or .h5; else only printed"
_SHOWN = 50  # pairs on the terminal beside the table


def add_similar_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork similar``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run, or a weights file")
    add("data", type=Path, metavar="DATA.h5", help="the dataset")
    add("--to", nargs="+", action="extend", required=True, metavar="ID", help="the galaxy, or several")
    add("-n", "--count", type=int, default=20, metavar="N", help="how many to find; %(default)s")
    several = "to several: mean of the distances to all, or distance to the nearest of them; %(default)s"
    add("--distance", choices=("mean", "nearest"), default="mean", help=several)
    add("-o", "--output", type=Path, metavar="TABLE", help=_TABLE)
    add_band_option(command)
    add_force_option(command, output=outputs.TABLE)


def add_unusual_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork unusual``."""
    add = command.add_argument
    add("run", type=Path, metavar="RUN", help="folder of a run, whose own dataset is still there")
    add("data", type=Path, metavar="DATA.h5", help="the dataset")
    add("-n", "--count", type=int, default=50, metavar="N", help="how many to name; %(default)s")
    add("-o", "--output", type=Path, metavar="TABLE", help=f"all galaxies, the strangest first; {_TABLE}")
    add_band_option(command)
    add_force_option(command, output=outputs.TABLE)


def add_duplicates_options(command: argparse.ArgumentParser) -> None:
    """Add the options of ``tuningfork duplicates``."""
    add = command.add_argument
    add("data", type=Path, metavar="DATA.h5", help="the dataset")
    parts = "its parts; where it was trained on another dataset, galaxies that DATA.h5 shares with that one"
    add("--run", type=Path, metavar="RUN", help=parts)
    add("--against", type=Path, metavar="OTHER.h5", help="galaxies that DATA.h5 shares with this dataset")
    add("-o", "--output", type=Path, metavar="TABLE", help=_TABLE)
    add_force_option(command, output=outputs.TABLE)


def similar(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork similar``."""
    from core.data.cutouts import Cutouts
    from core.evaluate import similar as searching

    _require_count(options)
    _require_ending(options)
    choose_bands(options, options.data, console)
    with Cutouts.open(options.data) as cutouts:
        wanted = rows_of(cutouts, options.to)
        index = console.drive("Looking", lambda stop: searching.load(options.run, options.data, stop))
        found = index.find(wanted, options.count, options.distance)
        ids, labels = [cutouts.ids[row] for row in found.rows], _labels_of(cutouts, found.rows)
    console.note(f"network: {describe_weights(options.run)}")
    of = "the galaxy" if len(wanted) == 1 else f"{options.distance} of {len(wanted)} galaxies"
    console.say(f"Cosine distance of the features to {of}, and the random pairs that are farther apart:")
    head = ("id", "distance", "closer than", *(("label",) if labels else ()))
    lines = [
        (name, f"{distance:.5f}", f"{100 * share:.2f} %", *rest)
        for name, distance, share, rest in zip(
            ids, found.distances, found.closer_than, [(each,) for each in labels] or [()] * len(ids), strict=True
        )
    ]
    console.table(head, lines)
    _write(
        [
            ("id", np.array(ids, dtype=str), ""),
            ("distance", found.distances, ""),
            ("closer_than", found.closer_than, ""),
        ],
        options,
        console,
        len(ids),
    )
    return 0


def unusual(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork unusual``."""
    from core.data.cutouts import Cutouts
    from core.evaluate import unusual as ranking

    _require_count(options)
    _require_ending(options)
    choose_bands(options, options.data, console)
    found = console.drive("Looking", lambda stop: ranking.run(options.run, options.data, stop))
    with Cutouts.open(options.data) as cutouts:
        names, labels = cutouts.ids, _labels_of(cutouts, found.order[: options.count])
    console.note(f"network: {describe_weights(options.run)}")
    training = found.training
    sampled = "" if training.total == len(training.rows) else f", a sample of {training.total:,}"
    console.note(
        f"compared with {len(training.rows):,} training galaxies of {training.data.name}{sampled}; Mahalanobis "
        "distance of the features, and the training galaxies that are less unlike the others"
    )
    shown = found.order[: options.count]
    nearest = found.nearest_training_galaxies(shown)
    head = ("id", "unlikeness", "more unlike than", "nearest training galaxy", *(("label",) if labels else ()))
    lines = [
        (
            names[row],
            f"{found.distances[row]:.2f}",
            percent(found.more_than[row], 1),
            alike,
            *([labels[place]] if labels else []),
        )
        for place, (row, (alike, _)) in enumerate(zip(shown.tolist(), nearest, strict=True))
    ]
    console.table(head, lines)
    if options.output is not None:
        theirs = found.nearest_training_galaxies(found.order)
        columns: list[TableColumn] = [
            ("id", np.array([names[row] for row in found.order.tolist()], dtype=str), ""),
            ("unlikeness", found.distances[found.order], ""),
            ("more_unlike_than", found.more_than[found.order], ""),
            ("nearest_training_galaxy", np.array([name for name, _ in theirs], dtype=str), ""),
            ("its_distance", np.array([distance for _, distance in theirs]), ""),
        ]
        _write(columns, options, console, len(found.order))
    return 0


def duplicates(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork duplicates``."""
    from core.data import duplicates as search

    _require_ending(options)
    samples, about = _samples_of(options)
    found = console.drive("Comparing", lambda stop: search.find(samples, stop))
    console.note(about)
    counted = f"{count_of(found.galaxies, 'galaxy')}, {found.compared:,} pairs compared by their pixels"
    leaks = f", {len(found.leaks)} of them across parts (a leak)" if found.leaks else ""
    console.say(" ".join(filter(None, (f"{counted}: {len(found.pairs):,} near-duplicates{leaks}.", found.remark))))
    if found.pairs:
        console.table(
            ("id", "part", "other id", "its part", "correlation"),
            [
                (
                    pair.one.galaxy_id,
                    pair.one.part or "–",
                    pair.other.galaxy_id,
                    pair.other.part or "–",
                    f"{pair.correlation:.3f}",
                )
                for pair in found.pairs[: _SHOWN if options.output is not None else None]
            ],
        )
    _write(_columns_of_pairs(found), options, console, len(found.pairs), "pair")
    return 0


def _samples_of(options: argparse.Namespace) -> tuple[list[Sample], str]:
    """What is searched, and a sentence about it."""
    from core.data import declared_parts
    from core.data.cutouts import Cutouts
    from core.data.duplicates import Sample

    data: Path = options.data
    if options.run is not None and options.against is not None:
        raise SettingsProblem("A run and another dataset were named.", "Name one of them.", "--against")
    if options.against is not None:
        return [Sample(options.against), Sample(data)], f"Galaxies of {data.name} that are in {options.against.name}."
    if options.run is None:
        with Cutouts.open(data) as cutouts:
            declared = declared_parts.read(cutouts)
        if declared is not None and any(declared.names):
            return [Sample(data, declared.names)], "Parts as the project has kept them, or the dataset gives them."
        return [Sample(data)], "No parts are known; name a run (--run) to see which pairs are leaks."
    return _samples_of_run(RunFolder(options.run), data)


def _samples_of_run(run: RunFolder, data: Path) -> tuple[list[Sample], str]:
    from core.data import split as splits
    from core.data.cutouts import Cutouts
    from core.data.duplicates import Sample
    from core.evaluate.own_data import find_own_data

    own = run.find_data() or find_own_data(run)
    with Cutouts.open(own) as theirs, Cutouts.open(data) as cutouts:
        sample = Sample(own, splits.load(run.split_file, theirs.ids).part_of(len(theirs)))
        if cutouts.checksum == theirs.checksum:
            return [sample], f"Parts of the run “{run.title}”."
    return [sample, Sample(data)], f"Galaxies of {data.name} that are among those of the run “{run.title}”."


def _columns_of_pairs(found: Duplicates) -> list[TableColumn]:
    texts = {
        "id": [pair.one.galaxy_id for pair in found.pairs],
        "part": [pair.one.part for pair in found.pairs],
        "dataset": [pair.one.data.name for pair in found.pairs],
        "other_id": [pair.other.galaxy_id for pair in found.pairs],
        "other_part": [pair.other.part for pair in found.pairs],
        "other_dataset": [pair.other.data.name for pair in found.pairs],
    }
    columns: list[TableColumn] = [(name, np.array(values, dtype=str), "") for name, values in texts.items()]
    return [*columns, ("correlation", np.array([pair.correlation for pair in found.pairs], dtype=np.float64), "")]


def _labels_of(cutouts: Cutouts, rows: Sequence[int] | np.ndarray) -> list[str]:
    """Labels of these galaxies as text; empty where the dataset has none."""
    from core.data.target import label_text

    if not cutouts.labels:
        return []
    values = cutouts.columns[cutouts.labels[0]]
    return [label_text(values[row]) for row in rows]


def _require_count(options: argparse.Namespace) -> None:
    if options.count < 1:
        raise SettingsProblem(f"{options.count} galaxies cannot be found.", "Ask for at least one.", "--count")


def _require_ending(options: argparse.Namespace) -> None:
    from core.evaluate import tables

    if options.output is not None:
        tables.require_known_ending(options.output)


def _write(
    columns: Sequence[TableColumn], options: argparse.Namespace, console: Console, count: int, what: str = "galaxy"
) -> None:
    """Write the table, if one is asked for, with the network in its metadata."""
    from core.evaluate import tables

    if options.output is not None:
        run = options.run
        tables.write_columns(columns, options.output, {} if run is None else {"RUN": describe_weights(run)})
        console.say(f"{count_of(count, what)}: {options.output}")

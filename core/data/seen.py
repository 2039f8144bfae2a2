"""Which galaxies a network has seen: those that it, or a network that it started from, was trained or chosen on.

A score on them is too good for new galaxies, in whatever dataset they stand. Galaxies are recognised by their ids.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.project import places
from core.project.runs import RunFolder
from core.reading import read_lines, read_toml, reading

_REMEDY = "Restore the file: it tells which galaxies the network has seen."


def lineage(weights: Path) -> Iterator[RunFolder]:
    """The run of a network, the run that it started from, and so on; as far as they are found, with their splits.

    Parameters
    ----------
    weights
        The folder of a run, or a file in it or in its snapshots.
    """
    visited: set[Path] = set()
    place: Path | None = weights
    while place is not None and (run := _run_of(place)) is not None and run.path not in visited:
        visited.add(run.path)
        yield run
        place = _start_of(run)


def ids_in(run: RunFolder, parts: Sequence[str]) -> set[str]:
    """The ids of a run's galaxies in some parts, by its split.

    Raises
    ------
    UnreadableFile
        The split is damaged, so that it cannot be told which galaxies the run has seen.
    """
    with reading("The parts of this run", run.split_file, _REMEDY):
        lines = (line for line in read_lines(run.split_file) if not line.startswith(("# seed = ", "# rule = ")))
        return {row["id"] for row in csv.DictReader(lines) if row["part"] in parts}


def seen_ids(weights: Path) -> set[str]:
    """The ids of all galaxies that a network, or one that it started from, was trained or chosen on."""
    return {name for run in lineage(weights) for name in ids_in(run, ("train", "validation"))}


def _run_of(weights: Path) -> RunFolder | None:
    for place in (weights, *list(weights.resolve().parents)[:2]):
        if RunFolder(place).split_file.is_file():
            return RunFolder(place.resolve())
    return None


def _start_of(run: RunFolder) -> Path | None:
    if not run.settings_file.exists():
        return None
    with reading("The settings", run.settings_file, _REMEDY):
        values = read_toml(run.settings_file, "The settings", _REMEDY)
        start = str(values.get("transfer", {}).get("start_from") or "")
        return (places.find(start, run.path) or Path(start).expanduser()) if start else None

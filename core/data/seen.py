"""Which galaxies a network has seen: those that it, or a network that it started from, was trained or chosen on.

A score on them is too good for new galaxies, in whatever dataset they stand. Galaxies are recognised by their ids.
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import tomlkit

from core.project import places
from core.project.runs import RunFolder


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
    """The ids of a run's galaxies in some parts, by its split; none where it cannot be read."""
    with (
        contextlib.suppress(OSError, ValueError, KeyError, csv.Error),
        run.split_file.open(encoding="utf-8", newline="") as file,
    ):
        lines = (line for line in file if not line.startswith(("# seed = ", "# rule = ")))
        return {row["id"] for row in csv.DictReader(lines) if row["part"] in parts}
    return set()


def seen_ids(weights: Path) -> set[str]:
    """The ids of all galaxies that a network, or one that it started from, was trained or chosen on."""
    return {name for run in lineage(weights) for name in ids_in(run, ("train", "validation"))}


def _run_of(weights: Path) -> RunFolder | None:
    for place in (weights, *list(weights.resolve().parents)[:2]):
        if RunFolder(place).split_file.is_file():
            return RunFolder(place.resolve())
    return None


def _start_of(run: RunFolder) -> Path | None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        values = tomlkit.parse(run.settings_file.read_text(encoding="utf-8")).unwrap()
        start = str(values.get("transfer", {}).get("start_from") or "")
        return (places.find(start, run.path) or Path(start).expanduser()) if start else None
    return None

"""The list of an ensemble: which runs answer together, in ``ensemble.toml`` in a folder of their own.

The folder is one of a run: what is found out about the ensemble (metrics, decision, bands) is kept in it as in any
other, and so are the parts of the data, which follow from those of its runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit

from core.errors import UnreadableFile, WrongVersion
from core.project import places
from core.project.files import write_atomically
from core.project.runs import RunFolder
from core.reading import format_of, read_toml, reading

FORMAT = 1
_WHAT = "The list of this ensemble"
_REMEDY = "Make the ensemble anew of its runs."


@dataclass(frozen=True)
class EnsembleList:
    """What an ensemble consists of.

    Attributes
    ----------
    members
        The runs.
    left_out
        Number of galaxies in the test part of one run that another was trained or chosen on.
    tested
        Number of galaxies in the test part of all runs.
    calibration
        Of the common error bars of quantities, as plain values; empty: there is none.
    """

    members: tuple[RunFolder, ...]
    left_out: int = 0
    tested: int = 0
    calibration: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read(file: Path) -> EnsembleList:
    """Read the list of an ensemble, and find its runs.

    Raises
    ------
    UnreadableFile
        It is missing or damaged, or one of the runs is not there any more.
    WrongVersion
        A newer program wrote it.
    """
    if not file.exists():
        raise UnreadableFile("There is no such ensemble.", _REMEDY, str(file))
    with reading(_WHAT, file, _REMEDY):
        values = read_toml(file, _WHAT, _REMEDY)
        if format_of(values["format"]) > FORMAT:
            raise WrongVersion("A newer Tuning Fork wrote this ensemble.", "Update the program.", str(file))
        stored = [places.unquote(str(each)) for each in values["runs"]]
        if len(stored) < 2:
            raise ValueError(f"it has {len(stored)} runs")
        return EnsembleList(
            tuple(RunFolder(_find(each, file)) for each in stored),
            int(values.get("left_out", 0)),
            int(values.get("tested", 0)),
            dict(values.get("calibration", {})),
        )


def _find(stored: str, file: Path) -> Path:
    if (found := places.find(stored, file.parent)) is None:
        raise UnreadableFile(
            f"The run “{RunFolder(Path(stored)).title}” of this ensemble is not there any more.",
            "Put it back, or make the ensemble anew of the others.",
            str(file),
        )
    return found


def write(listed: EnsembleList, file: Path) -> None:
    """Write the list of an ensemble."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Runs that answer together, and how their common error bars are calibrated."))
    document.add("format", tomlkit.item(FORMAT))
    document.add("runs", tomlkit.item([_to_stored(run.path, file.parent) for run in listed.members]))
    document.add("left_out", tomlkit.item(listed.left_out))
    document.add("tested", tomlkit.item(listed.tested))
    if listed.calibration:
        document.add("calibration", tomlkit.item(dict(listed.calibration)))
    write_atomically(file, tomlkit.dumps(document))


def _to_stored(run: Path, folder: Path) -> str:
    run, folder = run.resolve(), folder.resolve()
    is_inside = run.is_relative_to(folder)
    return places.quote(run.relative_to(folder).as_posix() if is_inside else places.to_stored(run, folder))


def expand(networks: Sequence[Path]) -> list[tuple[Path, Path]]:
    """These networks, with the runs of an ensemble in its place; each with what was named, itself or the ensemble."""
    found: list[tuple[Path, Path]] = []
    for each in networks:
        run = RunFolder(each if each.is_dir() else each.parent)
        is_listed = run.is_ensemble and each in {run.path, run.ensemble_file}
        members = [member.path for member in read(run.ensemble_file).members] if is_listed else [each]
        found += [(member, each) for member in members]
    return found

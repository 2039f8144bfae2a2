"""What a command reads is never overwritten by what it writes, whichever names the two were given by."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from core.project import outputs
from core.project.files import ask_before_writing
from core.project.outputs import Inputs, Output
from core.project.project import require_not_in_open

GALAXIES = (
    "sources",
    "source",
    "data",
    "real",
    "more_data",
    "catalogue",
    "run",
    "start",
    "start_from",
    "similar_by",
    "test_part_of",
    "against",
)
_RUNS = {"run", "start", "start_from", "similar_by", "test_part_of"}
SETTINGS = ("settings", "space", "hand_labels", "psf", "fits", "refiner")


@contextlib.contextmanager
def refused(options: argparse.Namespace) -> Iterator[None]:
    """Require that a command's outputs may be written, before it begins and again for each file that it writes.

    Raises
    ------
    NotPossible, FolderInUse
        See :func:`core.project.outputs.require_writable` and :func:`core.project.project.require_not_in_open`.
    """
    galaxies = _paths(options, GALAXIES)
    read = Inputs([*galaxies, *_paths(options, SETTINGS)])
    written = [
        Output(place, kind, "-o" if name == "output" else f"--{name}")
        for name, kind in getattr(options, "writes", {}).items()
        if (place := getattr(options, name)) is not None
    ]
    outputs.require_writable(written, read, force=getattr(options, "force", False))
    for output in written:
        require_not_in_open(output.path)
    of_galaxies = Inputs(galaxies)  # a study that goes on writes its settings again
    folders = [each.path.resolve() for each in written if each.kind == outputs.FOLDER]
    keeps_foreign = not getattr(options, "force", True)  # a command without --force has a folder of its own

    def refuse(target: Path) -> None:
        of_galaxies.refuse(target)
        if keeps_foreign and any(folder in target.resolve().parents for folder in folders):
            outputs.refuse_foreign(target, "Choose another folder; --force replaces it all the same.")

    with ask_before_writing(refuse):
        yield


def _paths(options: argparse.Namespace, names: tuple[str, ...]) -> list[Path]:
    """The files and folders that these options name; a run's folder is no folder of galaxies."""
    found: list[Path] = []
    for name in names:
        given = getattr(options, name, None)
        several = given if isinstance(given, list) else [given] if given is not None else []
        found += [Path(each).expanduser() for each in several if name not in _RUNS or each.is_file()]
    return found

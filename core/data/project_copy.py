"""Copying a dataset into a project, so that the project is complete wherever it is moved."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from core.data.cutouts import Cutouts
from core.errors import Problem, Stopped, UnreadableFile
from core.events import NEVER, Progress, Skipped, Work
from core.project.files import atomic_path, require_space
from core.project.project import journal_of

_CHUNK = 8 << 20  # bytes
_MB = 1 << 20


def copy_into_project(path: Path, folder: Path, stop: threading.Event = NEVER, name: str = "") -> Work[Path]:
    """Open a dataset, and hard-link or copy it into ``folder`` unless it is there already.

    Datasets are never changed once they are written, so a hard link is enough and takes no disk space; where the file
    system cannot make one, the dataset is copied.

    Parameters
    ----------
    path
        The dataset.
    folder
        The project's folder of datasets.
    stop
        Checked while it is copied.
    name
        Its name there, without extension; empty: the present one.

    Returns
    -------
    Path
        Its path in the folder. A file of that name with other galaxies is kept, and a number is added to the name.

    Raises
    ------
    UnreadableFile, WrongVersion
        It is not a dataset, or cannot be read.
    DiskFull
        There is too little disk space for a copy.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    yield from _note_hand_labels(path, folder)
    checksum = _checksum(path)
    if path.resolve().parent == folder.resolve():
        return path
    name = name or path.stem
    target, number = folder / f"{name}{path.suffix}", 2
    while target.exists():
        if target.samefile(path) or _checksum(target) == checksum:
            return target
        target = folder / f"{name} ({number}){path.suffix}"
        number += 1
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # another disk, or a file system without hard links
        os.link(path.resolve(), target)
        return target
    total = path.stat().st_size
    require_space(folder, total)
    with atomic_path(target) as temporary, path.open("rb") as source, temporary.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            if stop.is_set():
                raise Stopped
            copy.write(chunk)
            yield Progress(copy.tell() // _MB, total // _MB, "MB")
    return target


def _note_hand_labels(path: Path, folder: Path) -> Work[None]:
    """Report labels given by hand that stay behind with another project."""
    yield Progress(0, None)
    journal = None if path.resolve().parent == folder.resolve() else journal_of(path)
    try:
        count = 0 if journal is None else len(journal.replay())
    except UnreadableFile as problem:
        yield Skipped(problem)
        return
    if count:
        labels = "1 label" if count == 1 else f"{count:,} labels"
        yield Skipped(
            Problem(
                f"{labels} given by hand to this dataset in another project did not come along.",
                "Hand labels belong to their project: open that project to see and use them.",
                str(path),
            )
        )


def _checksum(path: Path) -> str:
    with Cutouts.open(path) as cutouts:
        return cutouts.checksum

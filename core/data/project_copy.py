"""A dataset from elsewhere is taken into a project, so that the project is whole wherever it is moved."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from core.data.cutouts import Cutouts
from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.project.files import atomic_path, require_space

_CHUNK = 8 << 20  # bytes
_MB = 1 << 20


def copy_into_project(path: Path, folder: Path, stop: threading.Event = NEVER, name: str = "") -> Work[Path]:
    """Open a dataset, and put it into ``folder`` unless it lies there.

    Datasets are never changed once they are written, so that a second name for the same file costs no room; where the
    disk cannot do that, it is copied.

    Parameters
    ----------
    path
        The dataset.
    folder
        Where the project keeps its datasets.
    stop
        Looked at while it is copied.
    name
        What it is to be called there, without ending; empty: as it is called.

    Returns
    -------
    Path
        Where it lies now. A file of that name that holds other galaxies is left alone, and another name is taken.

    Raises
    ------
    UnreadableFile, WrongVersion
        It is no dataset that can be read.
    DiskFull
        There is no room for a copy.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    yield Progress(0, None)
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
    with contextlib.suppress(OSError):  # other disks, and disks that know no second name
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


def _checksum(path: Path) -> str:
    with Cutouts.open(path) as cutouts:
        return cutouts.checksum
